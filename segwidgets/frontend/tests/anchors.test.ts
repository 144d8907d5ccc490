import { describe, expect, it } from "vitest";
import { anchorColours, extents } from "../src/cloud/anchors";
import { Cutter, type CutIndex } from "../src/cloud/cut";
import vectors from "./vectors/cuts.json";

const numbers = (values: (number | null)[]) => values.map((value) => value ?? Infinity);
const indexOf = (vector: (typeof vectors)[number]): CutIndex => ({
  row: Int32Array.from(vector.row),
  gap: Float32Array.from(numbers(vector.gap)),
  core: Float32Array.from(numbers(vector.core)),
  entry: Float32Array.from(numbers(vector.entry)),
  host: Int32Array.from(vector.host),
});

describe("an anchor's colour", () => {
  it.each(vectors)("differs from that of every other cluster of $name, at every eps", (vector) => {
    const index = indexOf(vector);
    const colourOf = anchorColours(index, new Map());
    const cutter = new Cutter(index);
    for (const { eps } of vector.cuts) {
      const colours = Array.from(cutter.at(eps).anchors.subarray(1), colourOf);
      expect(new Set(colours).size, `eps ${eps}`).toBe(colours.length);
    }
  });

  it("is the one that a segment had already", () => {
    const index = indexOf(vectors[0]!);
    const anchors = new Cutter(index).at(vectors[0]!.cuts[5]!.eps).anchors.subarray(1);
    const given = new Map(Array.from(anchors, (row, at) => [row, 30 - at]));
    const colourOf = anchorColours(index, given);
    for (const [row, colour] of given) expect(colourOf(row)).toBe(colour);
  });

  it("is a low number for clusters that hold much for long", () => {
    // Two runs of ten leaves, and one leaf that joins the second at once.
    const gap = Float32Array.from([Infinity, ...new Array(9).fill(1), 8, ...new Array(9).fill(1), 1.1]);
    const row = Int32Array.from(gap, (_, leaf) => leaf);
    const core = new Float32Array(21).fill(1);
    const colourOf = anchorColours({ row, gap, core, entry: core, host: row }, new Map());
    expect([colourOf(0), colourOf(10)]).toEqual([0, 1]);
    expect(extents(gap)[10]).toBe(11);
  });
});
