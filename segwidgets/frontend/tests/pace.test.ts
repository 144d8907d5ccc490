import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Pace, type Part } from "../src/cloud/pace";
import type { Painter } from "../src/cloud/renderer";

/** A machine that takes so many milliseconds for a million points. */
class Machine {
  readonly longestStep = 20;
  readonly parts: Part[] = [];
  points = 1_000_000;
  constructor(private readonly perMillion: number) {}
  paint(part: Part): boolean {
    this.parts.push(part);
    return true;
  }
  whenDrawn(callback: (milliseconds: number) => void): void {
    const took = (this.perMillion * this.points) / this.parts.at(-1)!.step / 1e6;
    setTimeout(() => callback(took), took);
  }
}

const paceOf = (machine: Machine, parted = true) =>
  new Pace(machine as unknown as Painter, () => machine.points, () => parted, (part) => machine.paint(part));

describe("the pace of drawing", () => {
  beforeEach(() => {
    vi.useFakeTimers();
    vi.stubGlobal("window", globalThis);
    vi.stubGlobal("requestAnimationFrame", (call: () => void) => setTimeout(call, 16));
    vi.stubGlobal("cancelAnimationFrame", clearTimeout);
  });
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.useRealTimers();
  });

  it("makes one picture of several changes", () => {
    const machine = new Machine(5);
    machine.points = 200_000;
    const pace = paceOf(machine);
    pace.ask();
    pace.ask();
    vi.advanceTimersByTime(1000);
    expect(machine.parts).toEqual([{ step: 1, offset: 0 }]);
    expect(pace.complete).toBe(true);
  });

  it("shows a sample at once while it does not know the machine, and the others right behind it", () => {
    const machine = new Machine(280);
    const pace = paceOf(machine);
    pace.ask();
    vi.advanceTimersByTime(20);
    expect(machine.parts).toEqual([{ step: 4, offset: 0 }]);
    vi.advanceTimersByTime(1000);
    expect(machine.parts.map(({ offset }) => offset)).toEqual([0, 1, 2, 3]);
    expect(pace.complete).toBe(true);
  });

  it("draws every point while it moves where the machine can", () => {
    const machine = new Machine(5);
    const pace = paceOf(machine);
    pace.ask();
    vi.advanceTimersByTime(1000);
    machine.parts.length = 0;
    for (let i = 0; i < 10; i++) {
      pace.hurry();
      vi.advanceTimersByTime(30);
    }
    vi.advanceTimersByTime(2000);
    expect(new Set(machine.parts.map(({ step }) => step))).toEqual(new Set([1]));
    expect(machine.parts.length).toBeLessThanOrEqual(10);
  });

  it("draws a part in time while it moves on a slow machine, and the others at rest", () => {
    const machine = new Machine(280);
    const pace = paceOf(machine);
    pace.ask();
    vi.advanceTimersByTime(1000);
    machine.parts.length = 0;
    pace.hurry();
    vi.advanceTimersByTime(150);
    expect(machine.parts).toEqual([{ step: 10, offset: 0 }]);
    vi.advanceTimersByTime(2000);
    expect(machine.parts.map(({ offset }) => offset)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(pace.complete).toBe(true);
  });

  it("begins anew when something moves before the picture is complete", () => {
    const machine = new Machine(280);
    const pace = paceOf(machine);
    pace.ask();
    vi.advanceTimersByTime(1000);
    pace.hurry();
    vi.advanceTimersByTime(400);
    expect(pace.complete).toBe(false);
    machine.parts.length = 0;
    pace.hurry();
    vi.advanceTimersByTime(100);
    expect(machine.parts[0]!.offset).toBe(0);
  });

  it("never begins a picture before the last one is on the screen", () => {
    const machine = new Machine(4000);
    machine.points = 200_000;
    const pace = paceOf(machine);
    pace.ask();
    vi.advanceTimersByTime(20);
    for (let i = 0; i < 20; i++) {
      pace.ask();
      vi.advanceTimersByTime(30);
    }
    expect(machine.parts).toHaveLength(1);
  });

  it("draws a picture whole at rest where parts would not add up to it", () => {
    const machine = new Machine(280);
    const pace = paceOf(machine, false);
    pace.ask();
    vi.advanceTimersByTime(1000);
    pace.hurry();
    vi.advanceTimersByTime(3000);
    expect(machine.parts.at(-1)).toEqual({ step: 1, offset: 0 });
  });

  it("finishes at once when the picture is to be saved", () => {
    const machine = new Machine(280);
    const pace = paceOf(machine);
    pace.ask();
    expect(pace.finish()).toBe(true);
    expect(machine.parts).toEqual([{ step: 1, offset: 0 }]);
  });
});
