import { Signal } from "@lumino/signaling";
import { Widget } from "@lumino/widgets";
import { say } from "../../../src/controls/elements";
import { make } from "../../../src/shared/dom";
import type { Words } from "../words";
import { itemText, spoken } from "./text";
import type { IKernelWatch } from "./watch";

/** The status bar's word on the RAPIDS kernel: a button that opens the details, with a bar below it while it grows. */
export class StatusItem extends Widget {
  readonly shownChanged = new Signal<this, void>(this);
  private readonly button: HTMLButtonElement;
  private readonly text: HTMLElement;
  private readonly live: HTMLElement;
  private sentence = "";

  constructor(
    private readonly watch: IKernelWatch,
    private readonly always: () => boolean,
    private readonly words: Words,
    open: () => void,
  ) {
    super();
    this.addClass("sw-kernel-item");
    this.button = make("button", "sw-kernel-button", this.node, { type: "button", title: words.__("Details of the RAPIDS kernel's restore") });
    this.text = make("span", "sw-kernel-text", this.button);
    make("span", "sw-kernel-bar", this.button, { "aria-hidden": "true" });
    this.live = make("span", "sw-spoken", this.node, { role: "status", "aria-live": "polite" });
    this.button.addEventListener("click", open);
    watch.changed.connect(this.draw, this);
    this.draw();
  }

  /** Whether the status bar has room to give to it. */
  get shown(): boolean {
    return this.sentence !== "";
  }

  draw(): void {
    const { status, problem } = this.watch;
    const before = this.shown;
    if (status === null) this.sentence = "";
    else if (problem && status.state !== "none") this.sentence = this.words.__("RAPIDS: status unknown");
    else this.sentence = itemText(status, this.always(), this.words);
    this.text.textContent = this.sentence;
    this.node.dataset["state"] = problem ? "unknown" : (status?.state ?? "none");
    const fraction = status?.state === "restoring" && !problem ? (status.fraction ?? 0) : 0;
    this.button.style.setProperty("--sw-done", `${Math.round(Math.min(1, Math.max(0, fraction)) * 1000) / 10}%`);
    say(this.live, status && !problem ? spoken(status, this.words) : this.sentence);
    if (before !== this.shown) this.shownChanged.emit();
  }
}
