import { describe, expect, it } from "vitest";
import { rounded } from "../src/shared/format";
import type { Curve } from "../src/kdist/scale";
import { axis, keyed, logTicks, position, rankAt, ticks, unpack, valueAt, wide } from "../src/kdist/scale";

const curve = (values: number[], ranks = values.map((_, i) => i)): Curve => ({
  ranks: Float32Array.from(ranks),
  values: Float32Array.from(values),
});

describe("the curve", () => {
  it("is unpacked from pairs", () => {
    const { ranks, values } = unpack(Float32Array.from([0, 0.5, 7, 1.5]));
    expect([[...ranks], [...values]]).toEqual([[0, 7], [0.5, 1.5]]);
  });

  it("counts the points at or below eps, those equal to it among them", () => {
    const c = curve([0.25, 0.5, 0.5, 1]);
    expect([0.2, 0.25, 0.5, 1, 9].map((eps) => rankAt(c, eps))).toEqual([0, 1, 3, 4, 4]);
  });

  it("counts the point that defines eps although the curve is float32", () => {
    expect(rankAt(curve([0.1, 0.3, 0.7]), 0.3)).toBe(2);
  });

  it("interpolates between kept points and never exceeds the ones not kept", () => {
    const c = curve([0, 1, 2], [0, 100, 200]);
    expect(rankAt(c, 1.5)).toBeCloseTo(150.5, 3);
    expect(rankAt(c, 1.9999)).toBeLessThanOrEqual(200);
  });
});

describe("the axis", () => {
  it("is logarithmic from two orders of magnitude on", () => {
    expect(wide(curve([0.01, 0.02, 1.5]))).toBe(true);
    expect(wide(curve([0.2, 0.4, 1.5]))).toBe(false);
  });

  it("is logarithmic where a few far points would press the bulk into a sliver", () => {
    const bulk = Array.from({ length: 500 }, (_, i) => 0.5 + i / 1000);
    expect(wide(curve([...bulk, 2]))).toBe(false);
    expect(wide(curve([...bulk, 9]))).toBe(true);
  });

  it("goes by the bulk: one duplicate at 0 makes nothing wide", () => {
    expect(wide(curve([0, ...Array.from({ length: 500 }, (_, i) => 1 + i / 100)]))).toBe(false);
  });

  it.each([true, false])("maps values to places and back (log: %s)", (log) => {
    const scale = axis(curve([0.01, 0.1, 2]), log);
    for (const value of [0.01, 0.05, 1, 2]) expect(valueAt(scale, position(scale, value))).toBeCloseTo(value, 9);
  });

  it("clamps what lies beyond it", () => {
    const scale = axis(curve([0.01, 2]), true);
    expect([position(scale, 0), position(scale, 100)]).toEqual([0, 1]);
  });

  it("is usable when all distances are zero or there are none", () => {
    for (const values of [[], [0, 0]]) expect(axis(curve(values), true)).toEqual({ low: 0, high: 1, log: false });
  });

  it("ignores tiny distances more than six decades below the largest", () => {
    const scale = axis(curve([1e-12, 1]), true);
    expect(scale.low).toBeGreaterThan(1e-7);
  });
});

describe("ticks", () => {
  it("are round", () => {
    expect(ticks(0, 1.06, 4)).toEqual([0, 0.5, 1]);
    expect(ticks(0, 46766, 5)).toEqual([0, 10000, 20000, 30000, 40000]);
    expect(ticks(0, 0.3, 3)).toEqual([0, 0.1, 0.2, 0.3]);
  });

  it("are none on an axis of no length", () => {
    expect(ticks(1, 1, 4)).toEqual([]);
  });

  it("are powers of ten, with 1, 2 and 5 where there is room", () => {
    expect(logTicks(0.009, 1.1, 8)).toEqual([0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1]);
    expect(logTicks(1e-6, 10, 4)).toEqual([1e-6, 1e-4, 1e-2, 1]);
  });

  it("fall back to round steps where no power of ten fits", () => {
    expect(logTicks(0.21, 0.28, 4).length).toBeGreaterThanOrEqual(2);
  });
});

describe("keys", () => {
  const c = curve([0.1, 0.5, 2]);

  it.each([
    ["ArrowUp", false, 0.404],
    ["ArrowRight", false, 0.404],
    ["ArrowDown", false, 0.396],
    ["ArrowLeft", true, 0.36],
    ["ArrowUp", true, 0.44],
    ["PageUp", false, 0.44],
    ["PageDown", false, 0.36],
  ])("%s (shift: %s) moves eps 0.4 to %f", (key, shift, expected) => {
    expect(keyed(key, shift, 0.4, c)).toBeCloseTo(expected, 9);
  });

  it("go to the ends of the curve", () => {
    expect(keyed("Home", false, 0.4, c)).toBeCloseTo(0.1, 6);
    const end = keyed("End", false, 0.4, c)!;
    expect(end).toBeCloseTo(2, 3);
    expect(rankAt(c, rounded(end, 6))).toBe(3);
  });

  it("leave zero upwards and never go below it", () => {
    expect(keyed("ArrowUp", false, 0, c)).toBeCloseTo(0.02, 9);
    expect(keyed("ArrowDown", false, 0, c)).toBe(0);
  });

  it("leave other keys to the page", () => {
    expect(keyed("a", false, 0.4, c)).toBeNull();
  });
});
