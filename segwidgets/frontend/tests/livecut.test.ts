import { describe, expect, it } from "vitest";
import { LiveCut } from "../src/report/cutting";
import { read, type Written } from "../src/report/data";

const base64 = (array: ArrayBufferView): string => {
  const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
};

/**
 * Two pairs that part at 1 and join at 3, one of which falls in two below 2; a pair that is told of from 4 on; a border
 * point of the first that comes at 2.5.
 */
function written(): Written {
  const gap = Float32Array.of(Infinity, 2, 3, 1, 3, 5, 4);
  const core = Float32Array.of(1, 1, 1, 1, 9, 4, 4);
  const entry = Float32Array.of(1, 1, 1, 1, 2.5, 4, 4);
  const steps = Float32Array.of(0.5, 1.5, 2, 2.6, 4, 6);
  return {
    count: 7, rows: 70, floor: 5, dimensions: 2, offset: [0, 0], scale: [1, 1],
    places: base64(new Uint16Array(14)),
    leaf: base64(Int32Array.of(0, 1, 2, 3, 4, 5, 6)),
    gap: base64(gap), core: base64(core), entry: base64(entry),
    host: base64(Int32Array.of(0, 1, 2, 3, 0, 5, 6)),
    steps: base64(steps),
    start: 2,
    // 0.5: none; 1.5: three; 2: two; 2.6: two; 4: two; 6: one.
    sizes: base64(Uint32Array.of(10, 12, 20, 22, 20, 24, 20, 50, 15, 70)),
    rest: base64(Uint32Array.of(70, 0, 0, 28, 0, 0, 28, 0, 0, 20, 1, 6, 5, 0, 0, 0, 0, 0)),
    names: [{ name: "families", slots: [1] }, { name: "Segment 7", slots: [2] }],
    colours: [[1, 1], [2, 0]],
  };
}
const listed = (cut: LiveCut, step: number) => cut.at(step).entries.list.map(({ name, size }) => [name, size]);

describe("the live map of a report", () => {
  const cut = new LiveCut(read(written()));

  it("has the cards' names and colours and the whole table's sizes at the chosen eps", () => {
    expect(listed(cut, 2)).toEqual([["families", 22], ["Segment 7", 20]]);
    expect(cut.at(2).entries.list.map(({ key }) => key)).toEqual([1, 0]);
    expect(cut.at(2).noise).toBe(28);
  });

  it("names parts below it and what came together above it", () => {
    expect(listed(cut, 1)).toEqual([["Segment 7", 20], ["families, part 1", 12], ["families, part 2", 10]]);
    expect(listed(cut, 4)).toEqual([["families + Segment 7", 50], ["new segment 1", 15]]);
    expect(listed(cut, 5)).toEqual([["families + Segment 7", 70]]);
    expect(listed(cut, 0)).toEqual([]);
  });

  it("gives a border point to its host, and grey to those in no segment", () => {
    expect([...cut.at(2).segmentation.slots]).toEqual([1, 1, 2, 2, 0, 0, 0]);
    expect([...cut.at(3).segmentation.slots]).toEqual([1, 1, 2, 2, 1, 0, 0]);
    expect(cut.at(3)).toMatchObject({ undrawn: 1, undrawnSize: 6 });
  });

  it("keeps a segment's colour while eps moves", () => {
    const colours = [1, 2, 3, 4].map((step) => cut.at(step).segmentation.colours[1]);
    expect(new Set(colours)).toEqual(new Set([1]));
  });

  it("is one entry for segments of one name", () => {
    const same = { ...written(), names: [{ name: "alike", slots: [1, 2] }] };
    const merged = new LiveCut(read(same));
    expect(listed(merged, 2)).toEqual([["alike", 42]]);
    expect(merged.at(2).entries.leadOf).toEqual(new Map([[2, 1]]));
  });

  it("knows a file that was cut short", () => {
    expect(cut.whole).toBe(true);
    expect(new LiveCut(read({ ...written(), sizes: base64(Uint32Array.of(1)) })).whole).toBe(false);
  });
});
