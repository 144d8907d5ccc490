import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Throttle } from "../src/kdist/throttle";

describe("the throttle", () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  const setUp = () => {
    const sent: number[] = [];
    return { sent, throttle: new Throttle<number>(50, (value) => sent.push(value), () => Date.now()) };
  };

  it("sends the first value at once, then the newest of each pause", () => {
    const { sent, throttle } = setUp();
    for (const value of [1, 2, 3]) throttle.push(value);
    expect(sent).toEqual([1]);
    vi.advanceTimersByTime(50);
    expect(sent).toEqual([1, 3]);
    vi.advanceTimersByTime(500);
    expect(sent).toEqual([1, 3]);
  });

  it("sends the last value when flushed, once", () => {
    const { sent, throttle } = setUp();
    throttle.push(1);
    throttle.push(2);
    throttle.flush();
    vi.advanceTimersByTime(500);
    expect(sent).toEqual([1, 2]);
  });

  it("sends nothing when nothing waits", () => {
    const { sent, throttle } = setUp();
    throttle.flush();
    expect(sent).toEqual([]);
  });
});
