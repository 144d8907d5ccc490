import { rounded } from "../shared/format";

/** What a setting may be, and what its slider offers. */
export interface Range {
  /** Ends of the slider as the kernel set them. */
  min: number;
  max: number;
  step: number;
  /** Hard limits; null: none. */
  low: number | null;
  high: number | null;
  log: boolean;
  whole: boolean;
  optional: boolean;
}

/** Ends of the slider as it is shown: wider than the range where a value asked for it. */
export interface Ends {
  low: number;
  high: number;
}

/** Stops of a logarithmic slider: about one a pixel on a wide screen. */
export const STOPS = 1000;
/** Digits kept of a value that was dragged on a logarithmic slider. */
const DRAGGED = 4;
/** Digits shown of a value that the kernel computed. */
const SHOWN = 5;
/** What an arrow key moves on a logarithmic slider. */
const SHARE = 0.01;

/** Takes away what binary fractions leave behind: 0.1 + 0.2. */
const clean = (value: number): number => Number(value.toPrecision(12));
const finite = (value: number | null): value is number => value !== null && Number.isFinite(value);

/** The hard limits; a logarithmic setting is above 0. */
function held(range: Range, value: number): number {
  let inside = value;
  if (finite(range.low)) inside = Math.max(inside, range.low);
  if (finite(range.high)) inside = Math.min(inside, range.high);
  return inside;
}

/** The slider's ends so that it reaches `values`, and no narrower than `before`. */
export function ends(range: Range, values: readonly (number | null)[], before: Ends | null = null): Ends {
  let low = before ? Math.min(before.low, range.min) : range.min;
  let high = before ? Math.max(before.high, range.max) : range.max;
  for (const value of values) {
    if (!finite(value) || (range.log && value <= 0)) continue;
    if (value < low) low = range.log ? value : held(range, low - Math.ceil((low - value) / range.step - 1e-9) * range.step);
    if (value > high) high = range.log ? value : held(range, high + Math.ceil((value - high) / range.step - 1e-9) * range.step);
  }
  [low, high] = [clean(low), clean(high)];
  return { low, high: high > low ? high : range.log ? low * 2 : low + range.step };
}

/** Where a value stands: 0 to `STOPS` on a logarithmic slider, itself on a linear one; beyond the ends, at the end. */
export function positionOf(at: Ends, range: Range, value: number): number {
  const inside = Math.min(at.high, Math.max(at.low, value));
  if (!range.log) return inside;
  return Math.round((STOPS * Math.log(inside / at.low)) / Math.log(at.high / at.low));
}

/** The value at a position of the slider: the ends exactly, between them no more digits than can be told apart. */
export function valueAt(at: Ends, range: Range, position: number): number {
  if (!range.log) return held(range, range.whole ? Math.round(position) : clean(position));
  if (position <= 0) return at.low;
  if (position >= STOPS) return at.high;
  const value = at.low * (at.high / at.low) ** (position / STOPS);
  return held(range, range.whole ? Math.round(value) : rounded(value, DRAGGED));
}

/** `count` steps on from a value, inside the hard limits: `step` on a linear scale, a hundredth on a logarithmic one. */
export function stepped(range: Range, value: number, count: number): number {
  if (!range.log) return held(range, clean(value + count * range.step));
  const moved = rounded(value * (1 + SHARE) ** count, DRAGGED + 1);
  if (!range.whole) return held(range, moved);
  // A hundredth of a small whole number is none: each step moves by one at least.
  return held(range, count > 0 ? Math.max(Math.round(moved), value + count) : Math.min(Math.round(moved), value + count));
}

/** What a key makes of a value; null for a key that moves nothing. */
export function keyed(key: string, shift: boolean, range: Range, value: number): number | null {
  const leap = shift ? 10 : 1;
  switch (key) {
    case "ArrowUp":
      return stepped(range, value, leap);
    case "ArrowDown":
      return stepped(range, value, -leap);
    case "PageUp":
      return stepped(range, value, 10);
    case "PageDown":
      return stepped(range, value, -10);
    default:
      return null;
  }
}

/** What a value may be, in words: "a whole number from 2 to 500". */
export function allowed(range: Range): string {
  const kind = range.whole ? "a whole number" : "a number";
  const { low, high } = range;
  let span = "";
  if (finite(low) && finite(high)) span = ` from ${low} to ${high}`;
  else if (finite(low)) span = ` of ${low} or more`;
  else if (finite(high)) span = range.log ? ` above 0 and up to ${high}` : ` of ${high} or less`;
  else if (range.log) span = " above 0";
  return `${kind}${span}${range.optional ? ", or left open" : ""}`;
}

/** Why a value cannot be, as a sentence; null where it can. */
export function refusal(name: string, range: Range, value: number | null): string | null {
  if (value === null) return range.optional ? null : `${name} needs ${allowed(range)}.`;
  const outside =
    !Number.isFinite(value) ||
    (range.whole && !Number.isInteger(value)) ||
    (range.log && value <= 0) ||
    (finite(range.low) && value < range.low) ||
    (finite(range.high) && value > range.high);
  return outside ? `${name}=${value} is not allowed: it must be ${allowed(range)}.` : null;
}

/** A value as the number field shows it. */
export function shown(range: Range, value: number | null): string {
  if (value === null) return "";
  return String(range.whole ? value : rounded(value, SHOWN));
}
