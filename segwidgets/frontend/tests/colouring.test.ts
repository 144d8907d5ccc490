import { describe, expect, it } from "vitest";
import { paletteTexels, scaleEnds, scaleTexels, valueColour, wordsFor } from "../src/cloud/colouring";
import { entriesOf, namesBySlot, NOISE } from "../src/cloud/entries";
import { scaleColour } from "../src/cloud/palette";
import { bySize, complete, fromLabels } from "../src/cloud/segments";
import { KIND } from "../src/cloud/shaders";
import { contrast, css, hex, labDistance, seen, toLch } from "../src/shared/colour";

const themes = [{ background: hex("#ffffff"), dark: false }, { background: hex("#111111"), dark: true }];
const light = themes[0]!;
const slots = Uint8Array.from([1, 1, 1, 2, 2, 3, 0]);
const cut = fromLabels(slots);
const order = bySize(cut.sizes);
const segmentation = { ...cut, order, colours: complete(new Map(), order, cut.sizes.length) };
const texelsOf = (shown: { hidden?: number[]; isolated?: number | null }, names: [number, string][] = []) => {
  const entries = entriesOf(segmentation, namesBySlot(names, (row) => slots[row]));
  const texels = paletteTexels(segmentation, entries, { hidden: new Set(shown.hidden), isolated: shown.isolated ?? null }, light);
  return [0, 1, 2, 3].map((slot) => ({ colour: css([texels[4 * slot]! / 255, texels[4 * slot + 1]! / 255, texels[4 * slot + 2]! / 255]), kind: texels[4 * slot + 3] }));
};

describe("the texels of slots", () => {
  it("say what is a segment and what is noise", () => {
    expect(texelsOf({}).map(({ kind }) => kind)).toEqual([KIND.noise, KIND.segment, KIND.segment, KIND.segment]);
  });

  it("leave an isolated segment alone, and hide what is hidden", () => {
    expect(texelsOf({ hidden: [1], isolated: 0 }).map(({ kind }) => kind)).toEqual([KIND.ghost, KIND.segment, KIND.hidden, KIND.ghost]);
    expect(texelsOf({ isolated: NOISE }).map(({ kind }) => kind)).toEqual([KIND.segment, KIND.ghost, KIND.ghost, KIND.ghost]);
  });

  it("give segments of one name one colour, and hide them together", () => {
    const names: [number, string][] = [[3, "both"], [5, "both"]];
    const texels = texelsOf({}, names);
    expect(texels[2]!.colour).toBe(texels[3]!.colour);
    expect(texelsOf({ hidden: [1] }, names).map(({ kind }) => kind)).toEqual([KIND.noise, KIND.segment, KIND.hidden, KIND.hidden]);
  });
});

describe.each(themes)("a scale (dark: $dark)", (theme) => {
  const steps = Array.from({ length: 21 }, (_, at) => at / 20);

  it("goes from less to more contrast with the background in lightness alone", () => {
    const lightness = steps.map((share) => toLch(scaleColour(share, false, theme.dark))[0]);
    const sorted = [...lightness].sort((one, other) => (theme.dark ? one - other : other - one));
    expect(lightness).toEqual(sorted);
  });

  it.each(["normal", "protan", "deutan"] as const)("tells its ends and its arms apart for %s vision", (vision) => {
    const at = (share: number, diverging: boolean) => seen(scaleColour(share, diverging, theme.dark), vision);
    expect(labDistance(at(0, false), at(1, false))).toBeGreaterThan(0.3);
    expect(labDistance(at(0, true), at(1, true))).toBeGreaterThan(0.15);
    expect(labDistance(at(0.25, true), at(0.75, true))).toBeGreaterThan(0.1);
  });

  it("shows what has no value as noise, apart from every value", () => {
    const colouring = { by: "spend", kind: "number", low: 0, high: 1 } as const;
    const texels = scaleTexels(colouring, theme);
    expect(texels).toHaveLength(1024);
    for (let value = 1; value < 256; value += 10) {
      expect(labDistance(seen(valueColour(colouring, 0, theme), "normal"), seen(valueColour(colouring, value, theme), "normal"))).toBeGreaterThan(0.05);
    }
    expect(contrast(valueColour(colouring, 1, theme), theme.background)).toBeGreaterThan(1.3);
  });
});

describe("the words of a scale", () => {
  it("say where values lie beyond its ends", () => {
    expect(scaleEnds({ by: "spend", kind: "number", low: 0, high: 12.5, above: true })).toEqual(["0", "≥ 12.5"]);
    expect(scaleEnds({ by: "trust", kind: "trust", low: 0, high: 1 })).toEqual(["0 faded", "1 full"]);
  });

  it("stand in a saved picture instead of the segments", () => {
    const segments = { entries: [{ name: "families", size: 3, colour: hex("#ff0000") }], count: 1, noise: null };
    expect(wordsFor({ by: "segment", kind: "segment" }, light, segments).entries).toHaveLength(1);
    const number = wordsFor({ by: "spend", kind: "number", low: 0, high: 1, missing: 2 }, light, segments);
    expect([number.entries, number.rest?.size, number.scale?.title]).toEqual([[], 2, "spend"]);
    const category = wordsFor({ by: "channel", kind: "category", categories: [{ name: "shop", size: 4 }] }, light, segments);
    expect(category.entries.map(({ name }) => name)).toEqual(["shop"]);
  });
});
