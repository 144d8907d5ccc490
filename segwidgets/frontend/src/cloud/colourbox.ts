import { css } from "../shared/colour";
import { count, plural } from "../shared/format";
import type { Theme } from "../shared/theme";
import { scaleEnds, scaleStops, valueColour } from "./colouring";
import { make } from "../shared/dom";
import type { Colouring } from "./traits";

const LISTED = 12;

/** What the points are coloured by: a list to choose from, and the scale or the categories. */
export class ColourBox {
  readonly element = make("div", "sw-colours");
  private readonly label = make("label", "sw-colours-label", this.element);
  private readonly list = make("select", "sw-colours-list", this.label);
  private readonly scale = make("div", "sw-scale", this.element);
  private readonly categories = make("ul", "sw-categories", this.element);
  private readonly note = make("div", "sw-scale-note", this.element);
  private choices: readonly string[] = [];
  private asked: string | null = null;
  private busy = 0;

  /** @param choose is called with what the user chose. */
  constructor(choose: (name: string) => void) {
    this.label.prepend("Colour by ");
    this.list.addEventListener("change", () => {
      this.asked = this.list.value;
      window.clearTimeout(this.busy);
      this.busy = window.setTimeout(() => this.element.classList.add("sw-busy"), 300);
      choose(this.list.value);
    });
    this.list.addEventListener("keydown", (event) => event.stopPropagation());
  }

  update(colouring: Colouring, choices: readonly string[], theme: Theme): void {
    if (colouring.by === this.asked || this.asked === null) {
      this.asked = null;
      window.clearTimeout(this.busy);
      this.element.classList.remove("sw-busy");
    }
    this.offer(choices.includes(colouring.by) ? choices : [...choices, colouring.by]);
    this.list.value = this.asked ?? colouring.by;
    const plain = colouring.kind === "segment";
    this.label.hidden = choices.length < 2;
    this.element.hidden = this.label.hidden && plain;
    this.scale.hidden = plain || colouring.kind === "category";
    this.categories.hidden = colouring.kind !== "category";
    if (!this.scale.hidden) this.fillScale(colouring, theme);
    if (!this.categories.hidden) this.fillCategories(colouring, theme);
    const missing = colouring.missing ?? 0;
    const named = this.label.hidden && !plain ? `${colouring.by}. ` : "";
    this.note.textContent = `${named}${missing > 0 ? `${plural(missing, "point")} without a value: grey` : ""}`;
    this.note.hidden = this.note.textContent === "";
  }

  private offer(choices: readonly string[]): void {
    if (choices.length === this.choices.length && choices.every((name, at) => name === this.choices[at])) return;
    this.choices = choices;
    this.list.textContent = "";
    for (const name of choices) {
      const option = make("option", "", this.list);
      option.value = option.textContent = name;
    }
  }

  private fillScale(colouring: Colouring, theme: Theme): void {
    this.scale.textContent = "";
    const bar = make("div", "sw-scale-bar", this.scale);
    const trust = colouring.kind === "trust";
    bar.classList.toggle("sw-scale-fade", trust);
    if (!trust) {
      bar.style.background = `linear-gradient(to right, ${scaleStops(colouring, theme).map(css).join(",")})`;
    }
    const ends = make("div", "sw-scale-ends", this.scale);
    const [low, high] = scaleEnds(colouring);
    make("span", "", ends).textContent = low;
    make("span", "", ends).textContent = high;
    this.scale.setAttribute("role", "img");
    this.scale.setAttribute("aria-label", `Scale of ${colouring.by}: from ${low} to ${high}`);
  }

  private fillCategories(colouring: Colouring, theme: Theme): void {
    this.categories.textContent = "";
    const all = colouring.categories ?? [];
    all.slice(0, LISTED).forEach(({ name, size }, at) => {
      const row = make("li", "sw-category", this.categories);
      make("span", "sw-swatch", row).style.background = css(valueColour(colouring, at + 1, theme));
      make("span", "sw-row-name", row).textContent = name;
      make("span", "sw-row-size", row).textContent = count(size);
    });
    if (all.length > LISTED) make("li", "sw-scale-note", this.categories).textContent = `${count(all.length - LISTED)} more`;
  }
}

