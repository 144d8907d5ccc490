import { make } from "../shared/dom";
import { Renderer, type Painter } from "./renderer";
import type { CloudStore } from "./store";
import { canvasLabel, outcome, reason, summary } from "./words";

/** Milliseconds after the last move of eps until its outcome is read out. */
const READ_OUT = 700;

/** Everything that says how things stand: a message in the picture's place, labels, what is read out, and for tests. */
export class Status {
  private readonly still: HTMLImageElement;
  private readonly message: HTMLDivElement;
  private readonly live: HTMLDivElement;
  private timer = 0;

  constructor(
    private readonly root: HTMLElement,
    stage: HTMLElement,
    private readonly canvas: HTMLElement,
    private readonly store: CloudStore,
  ) {
    this.still = make("img", "sw-still", stage);
    this.still.alt = "The last picture of this cloud";
    this.message = make("div", "sw-message", stage);
    this.message.setAttribute("role", "status");
    this.live = make("div", "sw-live", root);
    this.live.setAttribute("aria-live", "polite");
  }

  /** Why there is no picture, if there is none, over the last one, if that was kept. */
  explain(painter: Painter | null, still: () => string): void {
    const { store, root } = this;
    const text = reason(store, painter);
    const url = text && (store.expected > 0 || !painter || painter.lost) ? still() : "";
    this.still.hidden = url === "";
    if (url) this.still.src = url;
    this.message.textContent = text;
    this.message.hidden = text === "";
    this.message.classList.toggle("sw-message-low", url !== "");
    root.classList.toggle("sw-empty", text !== "");
    root.classList.toggle("sw-by-processor", painter !== null && !(painter instanceof Renderer) && text === "");
  }

  describe(segments: number): void {
    const { store, root } = this;
    const noise = store.segmentation?.sizes[0] ?? 0;
    Object.assign(root.dataset, { points: store.count, segments, noise, cut: store.cutTime.toFixed(1) });
    root.setAttribute("aria-label", `Point cloud: ${summary(store, segments)}`);
    this.canvas.setAttribute("aria-label", canvasLabel(store, segments));
  }

  /** Once nothing has moved for a moment. */
  readOut(segments: number, eps: number): void {
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => {
      this.live.textContent = outcome(this.store, segments, eps);
    }, READ_OUT);
  }

  dispose(): void {
    window.clearTimeout(this.timer);
  }
}
