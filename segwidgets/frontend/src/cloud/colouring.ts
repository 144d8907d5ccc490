import type { Rgb } from "../shared/colour";
import { short } from "../shared/format";
import type { Theme } from "../shared/theme";
import { type Entries, NOISE } from "./entries";
import { ghostColour, noiseColour, plainColour, scaleColour, segmentColour, shownNumber } from "./palette";
import type { Named, Words } from "./picture";
import { KIND, MODE, PALETTE_WIDTH } from "./shaders";
import type { Segmentation } from "./segments";
import type { Colouring } from "./traits";

/** What the legend was told to show, by colour number. */
export interface Shown {
  hidden: ReadonlySet<number>;
  isolated: number | null;
}

/** Colours of numbers that come up at every move of eps, as bytes, by theme. */
const cached = { light: new Map<number, Uint8Array>(), dark: new Map<number, Uint8Array>() };

function bytesOf(colour: Rgb): Uint8Array {
  return Uint8Array.from(colour, (part) => Math.round(part * 255));
}

function segmentBytes(index: number, dark: boolean): Uint8Array {
  const known = cached[dark ? "dark" : "light"];
  const number = shownNumber(index);
  let bytes = known.get(number);
  if (!bytes) {
    bytes = bytesOf(segmentColour(number, dark));
    known.set(number, bytes);
  }
  return bytes;
}

/** The texel of every slot: its colour, and what it is. */
export function paletteTexels(
  segmentation: Segmentation | null,
  entries: Entries,
  shown: Shown,
  theme: Theme,
): Uint8Array {
  const slots = segmentation?.sizes.length ?? 2;
  const texels = new Uint8Array(Math.max(1, Math.ceil(slots / PALETTE_WIDTH)) * PALETTE_WIDTH * 4);
  const put = (slot: number, colour: Uint8Array, kind: number): void => {
    const at = slot * 4;
    texels[at] = colour[0] as number;
    texels[at + 1] = colour[1] as number;
    texels[at + 2] = colour[2] as number;
    texels[at + 3] = kind;
  };
  if (!segmentation) {
    put(1, bytesOf(plainColour(theme.dark)), KIND.segment);
    return texels;
  }
  const ghost = bytesOf(ghostColour(theme));
  const { order, colours } = segmentation;
  for (let i = 0; i < order.length; i++) {
    const slot = order[i] as number;
    const key = colours[entries.leadOf.get(slot) ?? slot] as number;
    const outside = shown.isolated !== null && shown.isolated !== key;
    const kind = shown.hidden.has(key) ? KIND.hidden : outside ? KIND.ghost : KIND.segment;
    put(slot, outside ? ghost : segmentBytes(key, theme.dark), kind);
  }
  const { isolated } = shown;
  const kind = isolated === NOISE ? KIND.segment : isolated === null ? KIND.noise : KIND.ghost;
  put(0, kind === KIND.ghost ? ghost : bytesOf(noiseColour(theme)), shown.hidden.has(NOISE) ? KIND.hidden : kind);
  return texels;
}

export function modeOf(colouring: Colouring): number {
  if (colouring.kind === "segment") return MODE.segment;
  return colouring.kind === "trust" ? MODE.fade : MODE.value;
}

/** The colour of a value: 0 is missing; 1 to 255 lie along the scale, or are a category each. */
export function valueColour(colouring: Colouring, value: number, theme: Theme): Rgb {
  if (value === 0) return noiseColour(theme);
  if (colouring.kind === "category") return segmentColour(value - 1, theme.dark);
  return scaleColour((value - 1) / 254, colouring.diverging ?? false, theme.dark);
}

export function scaleTexels(colouring: Colouring, theme: Theme): Uint8Array {
  const texels = new Uint8Array(256 * 4);
  for (let value = 0; value < 256; value++) texels.set([...bytesOf(valueColour(colouring, value, theme)), 255], 4 * value);
  return texels;
}

const STOPS = 17;

/** Colours along the scale, from low to high. */
export function scaleStops(colouring: Colouring, theme: Theme): Rgb[] {
  return Array.from({ length: STOPS }, (_, at) => valueColour(colouring, 1 + Math.round((254 * at) / (STOPS - 1)), theme));
}

/** What stands at the two ends of the scale. */
export function scaleEnds(colouring: Colouring): readonly [string, string] {
  const low = `${colouring.below ? "≤ " : ""}${short(colouring.low ?? 0)}`;
  const high = `${colouring.above ? "≥ " : ""}${short(colouring.high ?? 1)}`;
  return colouring.kind === "trust" ? [`${low} faded`, `${high} full`] : [low, high];
}

/** What a saved picture says beside the points: segments, categories or a scale. */
export function wordsFor(
  colouring: Colouring,
  theme: Theme,
  segments: { entries: readonly Named[]; count: number; noise: Named | null },
): Pick<Words, "entries" | "rest" | "count" | "scale"> {
  if (colouring.kind === "segment" || colouring.kind === "trust") {
    return { entries: segments.entries, rest: segments.noise, count: segments.count, scale: null };
  }
  const missing = colouring.missing ?? 0;
  const rest = missing > 0 ? { name: "without a value", size: missing, colour: valueColour(colouring, 0, theme) } : null;
  if (colouring.kind === "category") {
    const entries = (colouring.categories ?? []).map((one, at) => ({ ...one, colour: valueColour(colouring, at + 1, theme) }));
    return { entries, rest, count: entries.length, scale: null };
  }
  const [low, high] = scaleEnds(colouring);
  return { entries: [], rest, count: 0, scale: { title: colouring.by, low, high, stops: scaleStops(colouring, theme) } };
}
