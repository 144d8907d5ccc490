import { describe, expect, it } from "vitest";
import type { Row } from "../src/segmenttable/order";
import { clicked, fullEffect, limited, mergedName, nameRefusal, shared, sorted } from "../src/segmenttable/order";

const row = (segment: number, changes: Partial<Row> = {}): Row => ({
  segment, name: `segment ${segment}`, size: 10, share: 0.1, silhouette: 0.5, features: [], ...changes,
});
const noise = row(-1, { name: "noise", size: 1000, silhouette: null });
const numbers = (rows: readonly Row[]): number[] => rows.map((one) => one.segment);

describe("the order of segments", () => {
  it("is by the column, ties by number, and noise is last in both directions", () => {
    const rows = [noise, row(2, { size: 5 }), row(0, { size: 7 }), row(1, { size: 7 })];
    expect(numbers(sorted(rows, "size", true))).toEqual([0, 1, 2, -1]);
    expect(numbers(sorted(rows, "size", false))).toEqual([2, 0, 1, -1]);
  });

  it("counts numbers in names as numbers", () => {
    expect(numbers(sorted([row(10), row(9), row(2)], "name", false))).toEqual([2, 9, 10]);
  });

  it("puts segments without a silhouette below those with one, in both directions", () => {
    const rows = [row(0, { silhouette: null }), row(1, { silhouette: -0.4 }), row(2)];
    expect(numbers(sorted(rows, "silhouette", true))).toEqual([2, 1, 0]);
    expect(numbers(sorted(rows, "silhouette", false))).toEqual([1, 2, 0]);
  });

  it("sorts what sets a segment apart by its strongest effect, of either direction", () => {
    const feature = { name: "a", text: "a", direction: "less" as const };
    const rows = [row(0, { features: [{ ...feature, effect: 0.5 }] }), row(1, { features: [{ ...feature, effect: -2 }] }), row(2)];
    expect(numbers(sorted(rows, "effect", true))).toEqual([1, 0, 2]);
    expect([fullEffect(rows), fullEffect([row(0)])]).toEqual([2, 0.8]);
  });

  it("turns round at a second click, and starts numbers with the largest", () => {
    expect(clicked("size", "size", true)).toEqual({ column: "size", descending: false });
    expect(clicked("share", "size", false)).toEqual({ column: "share", descending: true });
    expect(clicked("name", "size", true)).toEqual({ column: "name", descending: false });
  });
});

it("shows 300 rows at first, noise among them", () => {
  const many = [...Array.from({ length: 500 }, (_, i) => row(i)), noise];
  const drawn = limited(many);
  expect(drawn.length).toBe(300);
  expect(drawn.at(-1)).toBe(noise);
  expect(limited(many.slice(0, 300)).length).toBe(300);
});

describe("names", () => {
  it("of two segments make one segment", () => {
    expect([...shared([row(0, { name: "x" }), row(1, { name: "x" }), row(2), noise])]).toEqual(["x"]);
  });

  it("of a merged segment are the largest one's unless the user says otherwise", () => {
    expect(mergedName([row(0), row(1, { size: 99 }), row(2, { size: 999 })], [0, 1])).toBe("segment 1");
  });

  it("are refused with the reason where they cannot be", () => {
    expect(nameRefusal("Families")).toBeNull();
    expect(nameRefusal("é".repeat(80))).toBeNull();
    expect(nameRefusal("  ")).toContain("at least one character");
    expect(nameRefusal("x".repeat(81))).toContain("this one has 81");
    for (const odd of ["\u0007", "\u00a0", "\u2028", "\u200d"]) expect(nameRefusal(`a${odd}b`)).toContain("printable");
    expect(nameRefusal("Größere Haushalte 家族")).toBeNull();
  });
});
