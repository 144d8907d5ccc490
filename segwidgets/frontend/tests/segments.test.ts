import { describe, expect, it } from "vitest";
import { assignment, match, overlaps } from "../src/cloud/matching";
import { bySize, complete, fromLabels, inherited } from "../src/cloud/segments";
import { floats, slots } from "../src/shared/binary";

describe("decoding", () => {
  it("reads floats that start at an odd byte of a message", () => {
    const bytes = new Uint8Array(9);
    bytes.set(new Uint8Array(Float32Array.from([1.5, -2]).buffer), 1);
    expect([...floats(new DataView(bytes.buffer, 1, 8))]).toEqual([1.5, -2]);
  });

  it.each([
    [1, Uint8Array.from([0, 1, 255])],
    [2, Uint16Array.from([0, 1, 65535])],
    [4, Uint32Array.from([0, 1, 4294967295])],
  ])("reads labels of %i bytes", (width, values) => {
    expect(slots(new DataView(values.buffer), width)).toEqual(values);
  });

  it("refuses a width that no label has", () => {
    expect(slots(new DataView(new ArrayBuffer(6)), 3)).toBeNull();
  });

  it("takes no bytes as no labels", () => {
    expect(slots(null, 1)).toHaveLength(0);
  });
});

/** Colours of `now` after those of `then`, both labels plus one. */
const after = (then: number[], now: number[]) => {
  const before = fromLabels(Uint16Array.from(then));
  const order = bySize(before.sizes);
  const colours = complete(new Map(), order, before.sizes.length);
  const next = fromLabels(Uint16Array.from(now));
  const given = inherited(next, next.slots, { ...before, order, colours }, before.slots);
  return { colours, next: complete(given, bySize(next.sizes), next.sizes.length) };
};

describe("segments", () => {
  it("are counted apart from noise, anchored at their first row, and ordered by size, then number", () => {
    const { sizes, anchors, numbers } = fromLabels(Uint8Array.from([0, 0, 3, 3, 1, 2, 2]));
    expect([...sizes]).toEqual([2, 1, 2, 2]);
    expect([...anchors]).toEqual([-1, 4, 5, 2]);
    expect([...numbers]).toEqual([-1, 0, 1, 2]);
    expect([...bySize(sizes)]).toEqual([2, 3, 1]);
  });

  it("take colours by size at first, and noise takes none", () => {
    expect([...after([0, 1, 2, 2, 3, 3, 3], [0]).colours]).toEqual([-1, 2, 1, 0]);
  });

  it("keep their colours when they are only numbered anew", () => {
    const { colours, next } = after([1, 1, 1, 2, 2, 0], [2, 2, 2, 1, 1, 0]);
    expect([next[2], next[1]]).toEqual([colours[1], colours[2]]);
  });

  it("give the colour to the larger part of a split, and a free one to the smaller", () => {
    const { colours, next } = after([1, 1, 1, 1, 1, 2, 2], [1, 1, 3, 3, 3, 2, 2]);
    expect([next[3], next[2], next[1]]).toEqual([colours[1], colours[2], 2]);
  });

  it("are matched for the most points in all, where taking the largest overlap first would give away more", () => {
    // Segment 1 shares 3 points with the first and 2 with the second, segment 2 shares 2 with the first alone.
    const found = match([
      { now: 1, then: 1, points: 3 },
      { now: 1, then: 2, points: 2 },
      { now: 2, then: 1, points: 2 },
    ]);
    expect([...found]).toEqual(expect.arrayContaining([[1, 2], [2, 1]]));
  });

  it("that share nothing are matched with nothing", () => {
    const { colours, next } = after([1, 1, 0, 0], [0, 0, 1, 1]);
    expect(next[1]).toBe(colours[1]);
    expect([...match([])]).toEqual([]);
  });

  it("are counted alike by table and by map, and matched in great numbers", () => {
    // 3,000 by 3,000 labels are beyond the table.
    const many = Array.from({ length: 9000 }, (_, i) => 1 + (i % 3000));
    const moved = many.map((label) => 3001 - label);
    const { colours, next } = after(many, moved);
    expect([next[1], next[3000]]).toEqual([colours[3000], colours[1]]);
    expect(overlaps(Uint16Array.from(many), Uint16Array.from(moved), 3001, 3001)).toHaveLength(3000);
  });

  it("leave no better assignment, by trying every one", () => {
    const permutations = (left: number[]): number[][] => (left.length ? left.flatMap((one) => permutations(left.filter((other) => other !== one)).map((rest) => [one, ...rest])) : [[]]);
    let seed = 3;
    const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
    for (let trial = 0; trial < 20; trial++) {
      const cost = Float64Array.from({ length: 20 }, () => Math.floor(random() * 20));
      const total = (columns: ArrayLike<number>) => [0, 1, 2, 3].reduce((sum, row) => sum + cost[row * 5 + columns[row]!]!, 0);
      const best = Math.min(...permutations([0, 1, 2, 3, 4]).map(total));
      expect(total(assignment(cost, 4, 5))).toBe(best);
    }
  });
});
