import { icon } from "../controls/elements";
import { make } from "../shared/dom";

/** Milliseconds in which the pointer may cross from the button to the text. */
const GRACE = 160;
const GAP = 6;

/**
 * A button with a help text, shown while the pointer or the focus is on it, and kept by a click. It stands in the top
 * layer, so that no scrolling box of the host cuts it off; where the browser has none, it stands below the button.
 */
export class Help {
  readonly text: HTMLElement;
  private readonly button: HTMLButtonElement;
  private kept = false;
  private open = false;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(parent: Element, place: Element, id: string, signal: AbortSignal) {
    this.button = make("button", "sw-plain sw-info", parent, { type: "button", "aria-expanded": "false" });
    icon("info", this.button);
    this.text = make("div", "sw-help", place, { id, role: "note", popover: "manual", hidden: "" });
    this.button.setAttribute("aria-controls", id);

    const { button, text } = this;
    button.addEventListener("click", () => {
      this.kept = !this.kept;
      this.show(this.kept);
    }, { signal });
    for (const part of [button, text]) {
      part.addEventListener("pointerenter", (event) => {
        if (event.pointerType === "mouse") this.show(true);
      }, { signal });
      part.addEventListener("pointerleave", () => this.leave(), { signal });
    }
    button.addEventListener("focus", () => {
      if (button.matches(":focus-visible")) this.show(true);
    }, { signal });
    button.addEventListener("blur", () => this.close(), { signal });
    document.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !this.open) return;
      event.stopPropagation();
      this.close();
    }, { signal, capture: true });
    // What scrolls away under it would leave it behind.
    window.addEventListener("scroll", () => this.close(), { signal, capture: true, passive: true });
    signal.addEventListener("abort", () => clearTimeout(this.timer));
  }

  /** The text, and what it is about; no text, no button. */
  write(name: string, text: string): void {
    this.button.hidden = !text;
    this.button.setAttribute("aria-label", `About ${name}`);
    this.text.textContent = text;
    if (!text) this.close();
  }

  private leave(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      const focused = this.button.matches(":focus-visible");
      if (!this.kept && !focused && !this.button.matches(":hover") && !this.text.matches(":hover")) this.show(false);
    }, GRACE);
  }

  private close(): void {
    this.kept = false;
    this.show(false);
  }

  private show(open: boolean): void {
    clearTimeout(this.timer);
    if (open === this.open) return;
    this.open = open;
    this.button.setAttribute("aria-expanded", String(open));
    this.text.hidden = !open;
    if (typeof this.text.showPopover !== "function" || !this.text.isConnected) return;
    if (open) {
      this.text.showPopover();
      this.put();
    } else if (this.text.matches(":popover-open")) {
      this.text.hidePopover();
    }
  }

  /** Below the button where there is room, else above it, and inside the window. */
  private put(): void {
    const at = this.button.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = this.text;
    const below = at.bottom + GAP + height <= innerHeight || at.top < height + GAP;
    const left = Math.min(Math.max(GAP, at.left - 12), Math.max(GAP, document.documentElement.clientWidth - width - GAP));
    this.text.style.left = `${left}px`;
    this.text.style.top = `${below ? at.bottom + GAP : at.top - GAP - height}px`;
  }
}
