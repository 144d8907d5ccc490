import type { Painter } from "./renderer";

/** Milliseconds that a picture may take while something moves, and for how long after the last move it still does. */
const BUDGET = 28;
const REST = 220;
/** Points that any graphics processor draws in time; what is known is known after the first picture. */
const SURELY_FAST = 2_000_000;

/**
 * When to draw, and how many of the points: all of them at rest; while the camera or eps moves, every so manyth, so
 * many as the machine has shown to draw in time. No picture is begun before the one before it is on the screen.
 */
export class Pace {
  private frame = 0;
  private drawing = false;
  private again = false;
  private movingUntil = 0;
  private timer = 0;
  /** Milliseconds a point; 0 while nothing has been drawn. */
  private cost = 0;
  private step = 1;
  private ended = false;

  /** @param paint draws every `step`-th point; false where there was nothing to draw on. */
  constructor(
    private readonly painter: Painter,
    private readonly count: () => number,
    private readonly paint: (step: number) => boolean,
  ) {}

  /** Asks for a picture; several changes before the next frame make one. */
  ask(): void {
    if (this.drawing) {
      this.again = true;
      return;
    }
    if (!this.frame && !this.ended) this.frame = requestAnimationFrame(() => this.next());
  }

  /** Asks for one because something moves: it must come at once, and all points may wait until it rests. */
  hurry(): void {
    this.movingUntil = performance.now() + REST;
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => {
      if (this.step > 1) this.ask();
    }, REST + 5);
    this.ask();
  }

  /** The step that keeps a picture within so many milliseconds. */
  stepFor(budget: number): number {
    const expected = this.cost > 0 ? (this.cost * this.count()) / budget : this.count() / SURELY_FAST;
    return Math.max(1, Math.min(this.painter.longestStep, Math.ceil(expected)));
  }

  dispose(): void {
    this.ended = true;
    cancelAnimationFrame(this.frame);
    window.clearTimeout(this.timer);
  }

  private next(): void {
    this.frame = 0;
    const step = performance.now() < this.movingUntil ? this.stepFor(BUDGET) : 1;
    if (!this.paint(step)) return;
    this.step = step;
    this.drawing = true;
    const points = Math.max(1, this.count() / step);
    this.painter.whenDrawn((milliseconds) => {
      this.drawing = false;
      if (points > 50_000) {
        const now = milliseconds / points;
        this.cost = this.cost > 0 ? (this.cost + now) / 2 : now;
      }
      if (!this.again) return;
      this.again = false;
      this.ask();
    });
  }
}
