/** At most one call in `pause` milliseconds, the newest value wins, and `flush` sends what still waits. */
export class Throttle<T> {
  private last = -Infinity;
  private timer: ReturnType<typeof setTimeout> | null = null;
  private waiting: { value: T } | null = null;

  constructor(
    private readonly pause: number,
    private readonly send: (value: T) => void,
    private readonly now: () => number = () => performance.now(),
  ) {}

  push(value: T): void {
    this.waiting = { value };
    if (this.timer !== null) return;
    const left = this.last + this.pause - this.now();
    if (left <= 0) this.flush();
    else this.timer = setTimeout(() => this.flush(), left);
  }

  flush(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    if (!this.waiting) return;
    const { value } = this.waiting;
    this.waiting = null;
    this.last = this.now();
    this.send(value);
  }
}
