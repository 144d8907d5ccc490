import { describe, expect, it } from "vitest";
import { Cutter, readIndex, type CutIndex } from "../src/cloud/cut";
// Written by the Python reference: tests/panel/test_pointcloud_vectors.py.
import vectors from "./vectors/cuts.json";

const numbers = (values: (number | null)[]) => values.map((value) => value ?? Infinity);
const indexOf = (vector: (typeof vectors)[number]): CutIndex => ({
  row: Int32Array.from(vector.row),
  gap: Float32Array.from(numbers(vector.gap)),
  core: Float32Array.from(numbers(vector.core)),
  entry: Float32Array.from(numbers(vector.entry)),
  host: Int32Array.from(vector.host),
});
const labelsByRow = (index: CutIndex, cutter: Cutter, eps: number) => {
  const { slots, numbers: label } = cutter.at(eps);
  const labels = new Array<number>(index.row.length);
  index.row.forEach((row, leaf) => (labels[row] = label[slots[leaf]!]!));
  return labels;
};

describe("a cut in the browser", () => {
  it.each(vectors)("labels $name as the reference does, at every eps", (vector) => {
    const index = indexOf(vector);
    const cutter = new Cutter(index);
    for (const { eps, labels } of vector.cuts) expect(labelsByRow(index, cutter, eps), `eps ${eps}`).toEqual(labels);
  });

  it.each(vectors)("finds the anchors of $name, and counts every row once", (vector) => {
    const cutter = new Cutter(indexOf(vector));
    for (const { eps, labels, anchors } of vector.cuts) {
      const cut = cutter.at(eps);
      const found = new Array<number>(anchors.length);
      const sizes = new Array<number>(anchors.length);
      for (let slot = 1; slot < cut.sizes.length; slot++) {
        found[cut.numbers[slot]!] = cut.anchors[slot]!;
        sizes[cut.numbers[slot]!] = cut.sizes[slot]!;
      }
      expect(found).toEqual(anchors);
      expect(sizes).toEqual(anchors.map((_, label) => labels.filter((own) => own === label).length));
      expect(cut.sizes[0]).toBe(labels.filter((own) => own === -1).length);
    }
  });

  it("takes eps as float32, so that a slider's float64 next to a threshold reaches it", () => {
    const index = indexOf(vectors[0]!);
    const threshold = index.core.find((core) => Number.isFinite(core) && core > 0)!;
    const cutter = new Cutter(index);
    expect(labelsByRow(index, cutter, threshold * (1 - 1e-12))).toEqual(labelsByRow(index, cutter, threshold));
  });

  it("holds more clusters than two bytes count", () => {
    const n = 70_000;
    const row = Int32Array.from({ length: n }, (_, leaf) => n - 1 - leaf);
    const index = { row, gap: new Float32Array(n).fill(Infinity), core: new Float32Array(n), entry: new Float32Array(n), host: row };
    const cut = new Cutter(index).at(1);
    expect(cut.slots).toBeInstanceOf(Uint32Array);
    expect([cut.numbers[1], cut.numbers[n], cut.sizes[0]]).toEqual([n - 1, 0, 0]);
  });

  it("is read from one block of bytes that may start anywhere in a message", () => {
    const index = indexOf(vectors[0]!);
    const n = index.row.length;
    const message = new Uint8Array(20 * n + 3);
    [index.row, index.gap, index.core, index.entry, index.host].forEach((part, at) => {
      message.set(new Uint8Array(part.buffer), 3 + 4 * n * at);
    });
    expect(readIndex(message.subarray(3), n)).toEqual(index);
    expect(readIndex(message.subarray(3), n - 1)).toBeNull();
    expect(readIndex(new Uint8Array(0), 0)).toBeNull();
  });
});
