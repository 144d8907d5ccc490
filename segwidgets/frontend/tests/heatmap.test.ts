import { describe, expect, it } from "vitest";
import { every, hit, middle, shareOf, stepped, unpack, type FacetTrait, type Frame } from "../src/heatmap/cells";
import { shades } from "../src/heatmap/paint";
import { place, told } from "../src/heatmap/words";

const facet = (rows: number, columns: number): FacetTrait => ({
  title: "", marks: [], here: null,
  rows: Array.from({ length: rows }, (_, i) => `${10 + i}`),
  columns: Array.from({ length: columns }, (_, i) => `0.${i + 1}`),
});
const bytes = (...values: number[]): Uint8Array => new Uint8Array(Float32Array.from(values).buffer);
const frame = (upwards: boolean): Frame => ({ left: 10, top: 5, width: 30, height: 20, rows: 2, columns: 3, upwards });

describe("what Python sends", () => {
  it("is cut into facets, and each layer likewise", () => {
    const layers = [{ name: "segment", kind: "count" }, { name: "noise", kind: "share" }] as const;
    const made = unpack([facet(1, 2), facet(1, 1)], bytes(1, 2, 3), layers, bytes(4, 5, 6, 7, 8, 9));
    expect(made.map((one) => [...one.values])).toEqual([[1, 2], [3]]);
    expect(made.map((one) => one.more.map((more) => [...more]))).toEqual([[[4, 5], [7, 8]], [[6], [9]]]);
  });

  it("is nothing where a part has not arrived", () => {
    const [made] = unpack([facet(1, 2)], bytes(1), [], null);
    expect([...(made?.values ?? [])].every(Number.isNaN)).toBe(true);
  });
});

describe("a cell", () => {
  it.each([true, false])("is found again by its middle", (upwards) => {
    for (let row = 0; row < 2; row++) {
      for (let column = 0; column < 3; column++) {
        const { x, y } = middle(frame(upwards), row, column);
        expect(hit(frame(upwards), x, y)).toEqual({ row, column });
      }
    }
  });

  it("is none beside the grid", () => {
    for (const [x, y] of [[9, 10], [41, 10], [20, 4], [20, 26]] as const) expect(hit(frame(true), x, y)).toBeNull();
  });

  it("stands at the bottom where rows go upwards", () => {
    expect(middle(frame(true), 0, 0).y).toBeGreaterThan(middle(frame(true), 1, 0).y);
    expect(middle(frame(false), 0, 0).y).toBeLessThan(middle(frame(false), 1, 0).y);
  });

  it("is left by key, up being up, and never past the grid", () => {
    const from = { row: 0, column: 0 };
    expect(stepped(from, "ArrowUp", 2, 3, true)).toEqual({ row: 1, column: 0 });
    expect(stepped(from, "ArrowUp", 2, 3, false)).toEqual({ row: 0, column: 0 });
    expect(stepped(from, "ArrowDown", 2, 3, false)).toEqual({ row: 1, column: 0 });
    expect(stepped(from, "End", 2, 3, true)).toEqual({ row: 0, column: 2 });
    expect(stepped(from, "a", 2, 3, true)).toBeNull();
  });
});

describe("a cell in words", () => {
  const layers = [{ name: "segment", kind: "count" }, { name: "noise", kind: "share" }] as const;
  const naming = { row_name: "min_samples", column_name: "eps", value_name: "agreement", absent: "nothing", layers };
  const [made] = unpack([facet(1, 2)], bytes(0.9734, Number.NaN), layers, bytes(1, 0, 0.04, Number.NaN));

  it("tells where it is, and all that is known", () => {
    expect(place(naming, made!, { row: 0, column: 1 })).toBe("eps 0.2, min_samples 10");
    expect(told(naming, made!, { row: 0, column: 0 })).toBe("agreement 0.973, 1 segment, 4 % noise");
  });

  it("says so where there is no value", () => {
    expect(told(naming, made!, { row: 0, column: 1 })).toBe("nothing, 0 segments");
  });
});

describe("the scale", () => {
  it("ends where its ends are", () => {
    expect([-2, -1, 0, 1, 3].map((value) => shareOf(value, -1, 1))).toEqual([0, 0, 0.5, 1, 1]);
  });

  it.each([[false, false], [false, true]] as const)("of numbers changes its lightness all the way", (diverging, dark) => {
    const table = shades(diverging, dark);
    const light = (i: number): number => 0.2126 * table[i * 3]! + 0.7152 * table[i * 3 + 1]! + 0.0722 * table[i * 3 + 2]!;
    const signs = new Set(Array.from({ length: 15 }, (_, i) => Math.sign(light((i + 1) * 16) - light(i * 16))));
    expect(signs.size).toBe(1);
  });

  it("leaves room between labels", () => {
    expect(every(40, 400, 10)).toBe(1);
    expect(every(40, 400, 30)).toBe(3);
    expect(every(0, 400, 30)).toBe(1);
  });
});
