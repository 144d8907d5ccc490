import { describe, expect, it } from "vitest";
import type { Card } from "../src/recipe/card";
import { card } from "../src/recipe/card";
import { english } from "./english";

const FULL = {
  version: 1,
  features: { columns: null, exclude: ["id"], scaling: "standard", pca: null, plan: null },
  embedding: { method: "umap", n_neighbors: 30, min_dist: 0, spread: 1, n_components: 3, metric: null, n_epochs: 200, seed: 42, negative_sample_rate: 5, repulsion_strength: 1 },
  clustering: { method: "dbscan", eps: 0.4123456789, min_samples: 10 },
};
const read = (text: string): Card => card(text, english);
const good = (value: unknown): Extract<Card, { ok: true }> => {
  const found = read(JSON.stringify(value));
  if (!found.ok) throw new Error(found.problem);
  return found;
};
const bad = (text: string): string => {
  const found = read(text);
  if (found.ok) throw new Error("it was read");
  return found.problem;
};
const values = (found: Extract<Card, { ok: true }>): Record<string, string> =>
  Object.fromEntries(found.sections.flatMap((section) => section.lines.map((line) => [`${section.title}/${line.label}`, line.value])));

describe("a recipe's card", () => {
  it("shows each setting in words, and says who decides what is left open", () => {
    const found = good(FULL);
    expect(found.sections.map((section) => section.title)).toEqual(["Features", "Map", "Segments"]);
    expect(values(found)).toMatchObject({
      "Features/Columns": "every usable column", "Features/Left out": "id", "Features/Principal components": "no PCA", "Features/Plan": "the data decide",
      "Map/n_neighbors": "30", "Map/Metric": "the data decide", "Map/Epochs": "200", "Segments/eps": "0.412346", "Segments/min_samples": "10",
    });
    expect(found.warnings).toEqual([]);
    expect(found.sections.flatMap((section) => section.lines).some((line) => line.unknown)).toBe(false);
  });

  it("lists the groups of a plan with their transforms, and not every column of thousands", () => {
    const columns = Array.from({ length: 40 }, (_, at) => `c${at}`);
    const found = good({ ...FULL, features: { plan: [{ kind: "count", columns, transforms: ["log1p", "l2"], reason: "mostly zero" }] } });
    const [line] = found.sections[0]?.lines ?? [];
    expect(line).toMatchObject({ label: "Plan: Counts", value: "40 columns, log1p → l2", unknown: false });
    expect(line?.note).toMatch(/^mostly zero – c0, .*c11 and 28 more$/);
  });

  it("shows the digest of the file and keeps it out of what a panel is given", () => {
    const found = good({ ...FULL, digest: "ab12" });
    expect(found.digest).toBe("ab12");
    expect(found.recipe).toEqual(FULL);
  });

  it("shows what it does not know as such, and says that a panel will refuse it", () => {
    const found = good({ ...FULL, embedding: { neighbours: 3 }, paint: "blue" });
    expect(found.sections.flatMap((section) => section.lines.filter((line) => line.unknown)).map((line) => line.label)).toEqual(["neighbours", "paint"]);
    expect(found.warnings[0]).toContain("neighbours, paint");
  });

  it("says it of a section that is no object", () => {
    expect(good({ version: 1, embedding: 3 }).warnings[0]).toContain("“embedding” is not an object");
  });

  it("says that all is left open where nothing is given", () => {
    expect(good({ version: 1 }).warnings[0]).toContain("No setting is given");
  });

  it("says in which line a text stops being JSON, and how to mend it", () => {
    expect(bad('{"version": 1,\n "embedding": {,}}')).toMatch(/line 2, column \d+\. Open it as text/);
    expect(bad('{"version": 1,\n')).toMatch(/line 2, column 1/);
    expect(bad("hello")).toContain("JSON");
  });

  it("refuses what is no recipe: nothing, a list, a later version", () => {
    expect(bad("  ")).toContain("empty");
    expect(bad("[1]")).toContain("something else");
    expect(bad('{"version": 2}')).toContain("version 2");
  });
});
