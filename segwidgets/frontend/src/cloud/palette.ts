import type { Lab, Rgb, Vision } from "../shared/colour";
import { fromLch, hex, labDistance, mix, seen, toLch } from "../shared/colour";
import type { Theme } from "../shared/theme";

/**
 * Okabe and Ito (2008), "Color Universal Design", without black, which a dark theme cannot show. The order puts the
 * pairs that are easiest to tell apart first, because the largest segments take the first colours.
 */
const OKABE_ITO = ["#0072b2", "#e69f00", "#009e73", "#d55e00", "#56b4e9", "#cc79a7", "#f0e442"].map(hex);

/** How many colours are chosen for distance; beyond that nobody tells them apart, and isolating answers. */
const CHOSEN = 40;
const VISIONS: readonly Vision[] = ["normal", "protan", "deutan"];
const GOLDEN_ANGLE = 137.50776405003785;
const GOLDEN_RATIO = 0.6180339887498949;

/** OKLCH lightness that stands out from the background. */
const range = (dark: boolean): readonly [number, number] => (dark ? [0.6, 0.92] : [0.4, 0.79]);
/** Yellow may be lighter than the rest: any darker, deuteranopes take it for orange. */
const LIGHTEST_ON_PAPER = 0.86;

/** One segment's colour in both themes. */
interface Pair {
  light: Rgb;
  dark: Rgb;
}

/** A colour of Okabe and Ito's, its lightness moved into what the theme can show, its hue left. */
function adapt(colour: Rgb, dark: boolean): Rgb {
  const [lightness, chroma, hue] = toLch(colour);
  const [low, high] = dark ? range(true) : [range(false)[0], LIGHTEST_ON_PAPER];
  if (lightness >= low && lightness <= high) return colour;
  return fromLch(Math.min(high, Math.max(low, lightness)), chroma, hue);
}

/** A hue at `share` of each theme's range of lightness: a change of theme renames no segment. */
function generated(share: number, chroma: number, hue: number): Pair {
  const at = (dark: boolean): number => range(dark)[0] + share * (range(dark)[1] - range(dark)[0]);
  return { light: fromLch(at(false), chroma, hue), dark: fromLch(at(true), chroma, hue) };
}

function candidates(): Pair[] {
  const pairs: Pair[] = [];
  for (let step = 0; step < 5; step++) {
    for (let hue = 0; hue < 360; hue += 12) {
      for (const chroma of [0.08, 0.15]) pairs.push(generated(step / 4, chroma, hue + step * 2.4));
    }
  }
  return pairs;
}

/** How the pair looks, in each theme, to each kind of eye. */
function views(pair: Pair): Lab[] {
  return [pair.light, pair.dark].flatMap((colour) => VISIONS.map((vision) => seen(colour, vision)));
}

/** The smallest OKLab distance in any theme under any vision. */
function apart(one: readonly Lab[], other: readonly Lab[]): number {
  return Math.min(...one.map((lab, i) => labDistance(lab, other[i] as Lab)));
}

/** Farthest-point selection: each further colour is the candidate that lies farthest from all those before it. */
function choose(): Pair[] {
  const chosen = OKABE_ITO.map((colour) => ({ light: adapt(colour, false), dark: adapt(colour, true) }));
  const pool = candidates().map((pair) => ({ pair, views: views(pair), gap: Infinity }));
  const reach = (taken: readonly Lab[]): void => {
    for (const candidate of pool) candidate.gap = Math.min(candidate.gap, apart(candidate.views, taken));
  };
  for (const pair of chosen) reach(views(pair));
  while (chosen.length < CHOSEN) {
    const best = pool.reduce((one, other) => (other.gap > one.gap ? other : one));
    chosen.push(best.pair);
    reach(best.views);
  }
  return chosen;
}

let chosen: Pair[] | null = null;

/** Numbers beyond these begin anew, after the chosen ones. */
const DIFFERENT = 1000;
const made = new Map<number, Pair>();

/** The number, below `DIFFERENT`, whose colour a number has. */
export function shownNumber(index: number): number {
  return index < DIFFERENT ? index : CHOSEN + ((index - CHOSEN) % (DIFFERENT - CHOSEN));
}

/** The colour with that number, from 0, for any number of segments. */
export function segmentColour(index: number, dark: boolean): Rgb {
  chosen ??= choose();
  const number = shownNumber(index);
  let pair = chosen[number] ?? made.get(number);
  if (!pair) {
    pair = generated((number * GOLDEN_RATIO) % 1, number % 2 ? 0.13 : 0.08, (number * GOLDEN_ANGLE) % 360);
    made.set(number, pair);
  }
  return dark ? pair.dark : pair.light;
}

/** Stops of a scale, in lightness, chroma and hue of OKLCH: lightness alone tells low from high, whoever looks. */
type Stop = readonly [number, number, number];
const SEQUENTIAL = {
  light: [[0.83, 0.1, 95], [0.7, 0.1, 150], [0.54, 0.11, 225], [0.3, 0.13, 285]],
  dark: [[0.42, 0.14, 290], [0.58, 0.12, 235], [0.74, 0.11, 170], [0.92, 0.12, 105]],
} as const satisfies Record<string, readonly Stop[]>;
/** Blue to orange past the middle: the pair that red-green blindness leaves alone. */
const DIVERGING = {
  light: [[0.42, 0.15, 255], [0.66, 0.1, 245], [0.84, 0.015, 250], [0.68, 0.12, 60], [0.46, 0.12, 45]],
  dark: [[0.8, 0.11, 240], [0.62, 0.12, 250], [0.42, 0.015, 250], [0.66, 0.12, 60], [0.85, 0.12, 70]],
} as const satisfies Record<string, readonly Stop[]>;

/** The colour at `share`, 0 to 1, of a scale for numbers. */
export function scaleColour(share: number, diverging: boolean, dark: boolean): Rgb {
  const stops: readonly Stop[] = (diverging ? DIVERGING : SEQUENTIAL)[dark ? "dark" : "light"];
  const at = Math.min(1, Math.max(0, share)) * (stops.length - 1);
  const from = stops[Math.min(stops.length - 2, Math.floor(at))] as Stop;
  const to = stops[Math.min(stops.length - 1, Math.floor(at) + 1)] as Stop;
  const part = at - Math.min(stops.length - 2, Math.floor(at));
  const blend = (axis: 0 | 1 | 2): number => from[axis] + (to[axis] - from[axis]) * part;
  // The two arms of a diverging scale meet in a grey, whose hue is nobody's: each arm has its own from there on.
  const hue = diverging ? (at < (stops.length - 1) / 2 ? from[2] : to[2]) : blend(2);
  return fromLch(blend(0), blend(1), hue);
}

/** Points without any labels. */
export function plainColour(dark: boolean): Rgb {
  return segmentColour(dark ? 4 : 0, dark);
}

/** Noise: a grey that the eye passes over, yet above the background. */
export function noiseColour(theme: Theme): Rgb {
  return mix(theme.background, theme.dark ? [1, 1, 1] : [0, 0, 0], theme.dark ? 0.34 : 0.27);
}

/** Points outside an isolated segment: there, but hardly. */
export function ghostColour(theme: Theme): Rgb {
  return mix(theme.background, theme.dark ? [1, 1, 1] : [0, 0, 0], theme.dark ? 0.13 : 0.09);
}
