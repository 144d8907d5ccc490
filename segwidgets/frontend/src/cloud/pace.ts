import type { Painter } from "./renderer";

/** Milliseconds that a picture may take while something moves, and a part of one at rest. */
const MOVING_BUDGET = 28;
const RESTING_BUDGET = 60;
/** Milliseconds after the last move until it counts as rest. */
const REST = 220;
/** Points that any machine draws in time, one without a graphics processor too; what is known is known after them. */
const SURELY_FAST = 250_000;

/** A part of a picture: every `step`-th point from the `offset`-th on; the part from 0 begins the picture anew. */
export interface Part {
  step: number;
  offset: number;
}

/**
 * When to draw, and how much at a time. A picture of very many points comes in parts, each an even sample of the
 * cloud, so large as the machine has shown to draw in time: while the camera or eps moves only the first one, at rest
 * the others after it. No part is begun before the one before it is on the screen, so that nothing queues up and
 * whoever moves again is answered at once.
 */
export class Pace {
  private frame = 0;
  private drawing = false;
  private stale = true;
  private step = 1;
  /** The next part of this picture. */
  private part = 0;
  private movingUntil = 0;
  private timer = 0;
  /** Milliseconds a point; 0 while nothing has been drawn. */
  private cost = 0;
  private ended = false;

  /**
   * @param count how many points there are.
   * @param parted whether the picture may come in parts.
   * @param paint draws a part; false where there was nothing to draw on.
   */
  constructor(
    private readonly painter: Painter,
    private readonly count: () => number,
    private readonly parted: () => boolean,
    private readonly paint: (part: Part) => boolean,
  ) {}

  /** Asks for a picture; several changes before the next frame make one. */
  ask(): void {
    this.stale = true;
    this.schedule();
  }

  /** Asks for one because something moves: its first part must come at once, the others wait for rest. */
  hurry(): void {
    this.movingUntil = performance.now() + REST;
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.schedule(), REST + 5);
    this.ask();
  }

  /** The picture is on the screen with all of its points. */
  get complete(): boolean {
    return !this.stale && !this.drawing && this.part >= this.step;
  }

  /** Draws what is missing at once; false where there is nothing to draw on. */
  finish(): boolean {
    if (this.stale) {
      this.stale = false;
      this.step = 1;
      this.part = 0;
    }
    for (; this.part < this.step; this.part++) {
      if (!this.paint({ step: this.step, offset: this.part })) return false;
    }
    return true;
  }

  dispose(): void {
    this.ended = true;
    cancelAnimationFrame(this.frame);
    window.clearTimeout(this.timer);
  }

  private schedule(): void {
    if (this.frame || this.drawing || this.ended) return;
    this.frame = requestAnimationFrame(() => this.next());
  }

  private next(): void {
    this.frame = 0;
    const moving = performance.now() < this.movingUntil;
    if (this.stale) {
      this.stale = false;
      this.part = 0;
      this.step = moving || this.parted() ? this.stepFor(moving ? MOVING_BUDGET : RESTING_BUDGET) : 1;
    } else if (!moving && this.part < this.step && !this.parted()) {
      this.part = 0;
      this.step = 1;
    }
    if (this.part >= this.step) return;
    const part = { step: this.step, offset: this.part };
    if (!this.paint(part)) {
      this.stale = true;
      return;
    }
    this.part += 1;
    this.drawing = true;
    this.painter.whenDrawn((milliseconds) => this.drawn(milliseconds, part.step));
  }

  private drawn(milliseconds: number, step: number): void {
    this.drawing = false;
    const points = this.count() / step;
    if (points > 50_000) {
      const now = milliseconds / points;
      this.cost = this.cost > 0 ? (this.cost + now) / 2 : now;
    }
    if (this.stale || (this.part < this.step && performance.now() >= this.movingUntil)) this.schedule();
  }

  /** The step that keeps a part within so many milliseconds. */
  private stepFor(budget: number): number {
    const expected = this.cost > 0 ? (this.cost * this.count()) / budget : this.count() / SURELY_FAST;
    return Math.max(1, Math.min(this.painter.longestStep, Math.ceil(expected)));
  }
}
