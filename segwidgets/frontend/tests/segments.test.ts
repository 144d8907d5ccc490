import { describe, expect, it } from "vitest";
import { assignColours, bySize, tally } from "../src/cloud/segments";
import { floats, slots } from "../src/shared/binary";

const labelled = (values: number[]) => {
  const labels = Uint8Array.from(values);
  return { labels, sizes: tally(labels) };
};

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

describe("segments", () => {
  it("are counted apart from noise and ordered by size, then number", () => {
    const sizes = tally(Uint8Array.from([0, 0, 3, 3, 1, 2, 2]));
    expect([...sizes]).toEqual([2, 1, 2, 2]);
    expect(bySize(sizes)).toEqual([2, 3, 1]);
  });

  it("take colours by size at first, and noise takes none", () => {
    const { labels, sizes } = labelled([0, 1, 2, 2, 3, 3, 3]);
    expect([...assignColours(labels, sizes, null)]).toEqual([-1, 2, 1, 0]);
  });

  it("keep their colours when they are only numbered anew", () => {
    const one = labelled([1, 1, 1, 2, 2, 0]);
    const two = labelled([2, 2, 2, 1, 1, 0]);
    const colours = assignColours(one.labels, one.sizes, null);
    const next = assignColours(two.labels, two.sizes, { ...one, colours });
    expect(next[2]).toBe(colours[1]);
    expect(next[1]).toBe(colours[2]);
  });

  it("give the colour to the larger part of a split, and a free one to the smaller", () => {
    const one = labelled([1, 1, 1, 1, 1, 2, 2]);
    const two = labelled([1, 1, 3, 3, 3, 2, 2]);
    const colours = assignColours(one.labels, one.sizes, null);
    const next = assignColours(two.labels, two.sizes, { ...one, colours });
    expect(next[3]).toBe(colours[1]);
    expect(next[2]).toBe(colours[2]);
    expect(next[1]).toBe(2);
  });

  it("are matched alike by table and by map", () => {
    // 3,000 by 3,000 labels are beyond the table.
    const many = Uint16Array.from({ length: 9000 }, (_, i) => 1 + (i % 3000));
    const moved = many.map((label) => 3001 - label);
    const before = { labels: many, sizes: tally(many) };
    const colours = assignColours(many, before.sizes, null);
    const next = assignColours(moved, tally(moved), { ...before, colours });
    expect(next[1]).toBe(colours[3000]);
    expect(next[3000]).toBe(colours[1]);
  });
});
