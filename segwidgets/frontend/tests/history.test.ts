import { describe, expect, it } from "vitest";
import { entriesOf, namesBySlot } from "../src/cloud/entries";
import { bySize, complete, fromLabels } from "../src/cloud/segments";

const slots = Uint8Array.from([1, 1, 1, 2, 2, 3, 0]);
const cut = fromLabels(slots);
const order = bySize(cut.sizes);
const segmentation = { ...cut, order, colours: complete(new Map(), order, cut.sizes.length) };
const named = (...names: [number, string][]) => entriesOf(segmentation, namesBySlot(names, (row) => slots[row]));

describe("the legend's entries", () => {
  it("bear the number of their label where they have no name", () => {
    expect(named().list.map(({ name, size }) => [name, size])).toEqual([["segment 0", 3], ["segment 1", 2], ["segment 2", 1]]);
  });

  it("bear the name of a row that they hold, the newest of several; noise bears none", () => {
    expect(named([0, "old"], [2, "new"], [6, "nothing"]).list.map(({ name }) => name)).toEqual(["new", "segment 1", "segment 2"]);
  });

  it("of one name are one, in one colour, of all their points", () => {
    const { list, count, leadOf } = named([3, "both"], [5, "both"]);
    expect(list.map(({ name, size, key, rows }) => [name, size, key, rows])).toEqual([
      ["segment 0", 3, 0, [0]],
      ["both", 3, 1, [3, 5]],
    ]);
    expect(count).toBe(2);
    expect([...leadOf]).toEqual([[3, 2]]);
  });

  it("are none for rows of other points", () => {
    expect(named([99, "far"]).count).toBe(3);
  });
});
