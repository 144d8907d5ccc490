import { icon, say } from "../controls/elements";
import { make } from "../shared/dom";
import type { Entry } from "./entries";
import { when } from "./entries";

/** What a card asks of its strip. */
export interface CardHost {
  goto(id: string): void;
  star(id: string, starred: boolean): void;
  choose(id: string, on: boolean): void;
}

/** One entry of the history. */
export class CardView {
  readonly root = document.createElement("li");
  readonly go: HTMLButtonElement;
  private readonly picture: HTMLElement;
  private readonly image: HTMLImageElement;
  private readonly title: HTMLElement;
  private readonly detail: HTMLElement;
  private readonly time: HTMLElement;
  private readonly mark: HTMLElement;
  private readonly starButton: HTMLButtonElement;
  private readonly box: HTMLInputElement;
  private starred = false;

  constructor(id: string, host: CardHost) {
    this.root.className = "sw-card-entry";
    this.root.dataset["id"] = id;
    this.go = make("button", "sw-plain sw-go", this.root, { type: "button" });
    this.picture = make("span", "sw-thumbnail", this.go);
    this.image = make("img", "", this.picture, { alt: "", decoding: "async", draggable: "false" });
    this.mark = make("span", "sw-current", this.picture);
    this.mark.textContent = "shown";
    this.title = make("span", "sw-entry-title", this.go);
    this.detail = make("span", "sw-entry-detail", this.go);
    this.time = make("time", "sw-entry-time", this.go);
    this.go.addEventListener("click", () => host.goto(id));
    const foot = make("div", "sw-entry-foot", this.root);
    const label = make("label", "sw-choose", foot);
    this.box = make("input", "", label, { type: "checkbox" });
    label.append("compare");
    this.box.addEventListener("change", () => host.choose(id, this.box.checked));
    this.starButton = make("button", "sw-plain sw-star", foot, { type: "button" });
    icon("star", this.starButton);
    this.starButton.addEventListener("click", () => {
      // Shown at once; the kernel's answer is the same or puts it right.
      this.showStar(!this.starred);
      host.star(id, this.starred);
    });
  }

  update(entry: Entry, thumbnail: string, chosen: boolean, now: Date): void {
    const told = when(entry.time, now);
    say(this.title, entry.title);
    say(this.detail, entry.detail);
    say(this.time, told);
    this.time.setAttribute("datetime", entry.time);
    this.go.title = `${entry.title}\n${entry.detail}\n${told}`;
    if (entry.current) this.go.setAttribute("aria-current", "true");
    else this.go.removeAttribute("aria-current");
    this.mark.hidden = !entry.current;
    this.root.classList.toggle("sw-is-current", entry.current);
    this.root.classList.toggle("sw-is-chosen", chosen);
    if (thumbnail && this.image.getAttribute("src") !== thumbnail) this.image.src = thumbnail;
    this.image.hidden = !thumbnail;
    this.picture.classList.toggle("sw-no-picture", !thumbnail);
    this.box.checked = chosen;
    this.box.setAttribute("aria-label", `compare ${entry.title}, ${told}`);
    this.starButton.setAttribute("aria-label", `Star ${entry.title}, ${told}`);
    this.starButton.title = entry.starred ? "Starred: it is kept" : "Star: keep it";
    this.showStar(entry.starred);
  }

  /** Only one card's controls are reached by Tab; the arrows go from card to card. */
  reachable(on: boolean): void {
    for (const control of [this.go, this.box, this.starButton]) control.tabIndex = on ? 0 : -1;
  }

  private showStar(starred: boolean): void {
    this.starred = starred;
    this.starButton.setAttribute("aria-pressed", String(starred));
  }
}
