import { describe, expect, it } from "vitest";
import { ghostColour, noiseColour, scaleColour, segmentColour } from "../src/cloud/palette";
import type { Rgb } from "../src/shared/colour";
import { contrast, css, fromLch, hex, labDistance, seen, toLch } from "../src/shared/colour";

const light = { background: [1, 1, 1] as Rgb, dark: false };
const dark = { background: hex("#111111"), dark: true };

describe("the palette", () => {
  it("starts with Okabe and Ito's blue, orange, green and vermillion in the light theme", () => {
    expect([0, 1, 2, 3].map((i) => css(segmentColour(i, false)))).toEqual(["#0072b2", "#e69f00", "#009e73", "#d55e00"]);
  });

  it("keeps the hue of a segment when the theme changes", () => {
    for (let i = 0; i < 40; i++) {
      const [, chroma, one] = toLch(segmentColour(i, false));
      const other = toLch(segmentColour(i, true))[2];
      const turn = Math.abs(((one - other + 540) % 360) - 180);
      expect(turn * Math.min(1, chroma * 10)).toBeLessThan(12);
    }
  });

  it.each([[light], [dark]])("stands out from the background, for any number of segments", (theme) => {
    for (let i = 0; i < 300; i++) {
      expect(contrast(segmentColour(i, theme.dark), theme.background)).toBeGreaterThan(1.5);
    }
  });

  it.each([
    ["normal", false],
    ["normal", true],
    ["protan", false],
    ["protan", true],
    ["deutan", false],
    ["deutan", true],
  ] as const)("has twelve first colours that %s vision tells apart (dark: %s)", (vision, inDark) => {
    const views = Array.from({ length: 12 }, (_, i) => seen(segmentColour(i, inDark), vision));
    for (let i = 0; i < views.length; i++) {
      for (let j = 0; j < i; j++) expect(labDistance(views[i]!, views[j]!)).toBeGreaterThan(0.05);
    }
  });

  it("gives every one of the first 200 segments a colour of its own", () => {
    const colours = new Set(Array.from({ length: 200 }, (_, i) => css(segmentColour(i, false))));
    expect(colours.size).toBe(200);
  });

  it.each([[light], [dark]])("ranks segments above noise, and noise above ghosts, by contrast", (theme) => {
    const noise = contrast(noiseColour(theme), theme.background);
    expect(noise).toBeGreaterThan(1.5);
    expect(contrast(ghostColour(theme), theme.background)).toBeLessThan(noise);
  });

  it("converts to OKLCH and back", () => {
    for (const text of ["#0072b2", "#cc79a7", "#777777"]) {
      const [lightness, chroma, hue] = toLch(hex(text));
      expect(labDistance(seen(fromLch(lightness, chroma, hue), "normal"), seen(hex(text), "normal"))).toBeLessThan(0.006);
    }
  });
});

describe("the scale of numbers with a sign", () => {
  it.each([false, true])("is blue below its middle and orange above it, however near", (isDark) => {
    const warm = (share: number): number => {
      const [red, , blue] = scaleColour(share, true, isDark);
      return red - blue;
    };
    for (let step = 1; step <= 50; step++) {
      expect(warm(0.5 - step / 100)).toBeLessThan(warm(0.5) + 1e-9);
      expect(warm(0.5 + step / 100)).toBeGreaterThan(warm(0.5));
    }
  });
});
