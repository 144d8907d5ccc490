import { describe, expect, it } from "vitest";
import type { Entry } from "../src/historystrip/entries";
import { chosenAfter, pair, shownEntries, when } from "../src/historystrip/entries";

const entry = (id: string, changes: Partial<Entry> = {}): Entry => ({
  id, title: id, detail: "", time: "2026-11-24T17:00:00Z", starred: false, current: false, ...changes,
});
const entries = [entry("c"), entry("b", { starred: true }), entry("a", { current: true })];

describe("the history", () => {
  it("shows the starred entries and the current one when only these are wanted", () => {
    expect(shownEntries(entries, false).map(({ id }) => id)).toEqual(["c", "b", "a"]);
    expect(shownEntries(entries, true).map(({ id }) => id)).toEqual(["b", "a"]);
  });

  it("compares two: of three ticks the oldest gives way", () => {
    expect(chosenAfter(["a", "b"], "c", true)).toEqual(["b", "c"]);
    expect(chosenAfter(["a", "b"], "a", false)).toEqual(["b"]);
  });

  it("compares the older entry with the newer one, and only those that are there", () => {
    expect(pair(entries, ["c", "a"])).toEqual(["a", "c"]);
    expect(pair(entries, ["gone", "b"])).toEqual(["b"]);
  });

  it("tells the hour today, the day this year, and the date before", () => {
    const now = new Date(2026, 10, 24, 18, 0);
    expect(when(new Date(2026, 10, 24, 9, 5).toISOString(), now)).toBe("09:05");
    expect(when(new Date(2026, 2, 3, 9, 5).toISOString(), now)).toBe("3 Mar, 09:05");
    expect(when(new Date(2024, 2, 3, 9, 5).toISOString(), now)).toBe("3 Mar 2024");
    expect(when("yesterday", now)).toBe("yesterday");
  });
});
