/** Orders of magnitude from which on a curve is first shown on a logarithmic axis. */
const WIDE = 2;
/** So is a curve whose largest value is this many times its median: on a linear axis its bulk would be a sliver. */
const TAIL = 8;
/** A logarithmic axis shows at most this many orders of magnitude below the largest value. */
const DECADES = 6;

export interface Curve {
  /** Place of each kept point in the sorted order, from 0. */
  ranks: Float32Array;
  /** k-distances, ascending. */
  values: Float32Array;
}

/** Pairs of (rank, value), as Python sends them. */
export function unpack(pairs: Float32Array): Curve {
  const length = Math.floor(pairs.length / 2);
  const ranks = new Float32Array(length);
  const values = new Float32Array(length);
  for (let i = 0; i < length; i++) {
    ranks[i] = pairs[2 * i] as number;
    values[i] = pairs[2 * i + 1] as number;
  }
  return { ranks, values };
}

/** The first place whose value is above `limit`. */
function upperBound(values: Float32Array, limit: number): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((values[middle] as number) <= limit) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * How many points have a k-distance of at most `eps`. Between two kept points of the curve it is interpolated, so it
 * is off by less than the points between them: a thousandth of all.
 */
export function rankAt(curve: Curve, eps: number): number {
  // The curve is float32: a limit between a number and its float32 must count the point that defines it.
  const at = upperBound(curve.values, Math.fround(eps));
  if (at === 0) return 0;
  const before = curve.ranks[at - 1] as number;
  if (at === curve.values.length) return before + 1;
  const [low, high] = [curve.values[at - 1] as number, curve.values[at] as number];
  const share = high > low ? Math.min(1, Math.max(0, (eps - low) / (high - low))) : 0;
  return before + 1 + share * ((curve.ranks[at] as number) - before - 1);
}

export interface Axis {
  low: number;
  high: number;
  log: boolean;
}

function positive(curve: Curve): number | null {
  const at = upperBound(curve.values, 0);
  return at < curve.values.length ? (curve.values[at] as number) : null;
}

/** Whether a logarithmic axis shows the curve better: the value at 1 %, or the median, lies far below the largest. */
export function wide(curve: Curve): boolean {
  const low = positive(curve);
  const high = curve.values.at(-1) ?? 0;
  if (low === null) return false;
  const early = Math.max(low, curve.values[Math.floor(curve.values.length * 0.01)] as number);
  const median = Math.max(low, curve.values[Math.floor(curve.values.length / 2)] as number);
  return Math.log10(high / early) > WIDE || high / median > TAIL;
}

/** The axis of eps: from 0, or logarithmic from the smallest positive value; with some air above. */
export function axis(curve: Curve, log: boolean): Axis {
  const high = curve.values.at(-1) ?? 0;
  const low = positive(curve);
  if (low === null || !(high > 0)) return { low: 0, high: 1, log: false };
  if (!log) return { low: 0, high: high * 1.06, log };
  const floor = Math.max(low, high / 10 ** DECADES);
  return { low: floor / 1.15, high: Math.max(high * 1.15, floor * 2), log };
}

/** 0 at the low end of the axis, 1 at the high one; beyond it, clamped. */
export function position(scale: Axis, value: number): number {
  if (scale.log) {
    if (value <= scale.low) return 0;
    return Math.min(1, Math.log(value / scale.low) / Math.log(scale.high / scale.low));
  }
  return Math.min(1, Math.max(0, (value - scale.low) / (scale.high - scale.low)));
}

/** The value at a position: the inverse of `position`. */
export function valueAt(scale: Axis, share: number): number {
  const inside = Math.min(1, Math.max(0, share));
  if (scale.log) return scale.low * (scale.high / scale.low) ** inside;
  return scale.low + (scale.high - scale.low) * inside;
}

/** About `wanted` round numbers from `low` to `high`: steps of 1, 2 or 5 times a power of ten. */
export function ticks(low: number, high: number, wanted: number): number[] {
  const raw = (high - low) / Math.max(1, wanted);
  if (!(raw > 0) || !Number.isFinite(raw)) return [];
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = ([1, 2, 5, 10].find((factor) => factor * power >= raw * 0.999) ?? 10) * power;
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/** Round numbers on a logarithmic axis: 1, 2 and 5 where they fit, else powers of ten. */
export function logTicks(low: number, high: number, wanted: number): number[] {
  const decades = Math.log10(high / low);
  const factors = decades * 3 <= wanted + 1 ? [1, 2, 5] : decades * 2 <= wanted + 1 ? [1, 3] : [1];
  const every = factors.length === 1 ? Math.max(1, Math.ceil(decades / wanted)) : 1;
  const found: number[] = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power += every) {
    for (const factor of factors) {
      const value = Number((factor * 10 ** power).toPrecision(6));
      if (value >= low && value <= high) found.push(value);
    }
  }
  return found.length >= 2 ? found : ticks(low, high, wanted);
}

const STEP = 0.01;
const LEAP = 0.1;

/** What a key makes of eps; null for a key that means nothing. */
export function keyed(key: string, shift: boolean, eps: number, curve: Curve): number | null {
  const first = curve.values[0] ?? 0;
  const last = curve.values.at(-1) ?? 0;
  const step = (share: number): number => (eps > 0 ? eps * (1 + share) : Math.max(0, share * last));
  const share = shift ? LEAP : STEP;
  switch (key) {
    case "ArrowUp":
    case "ArrowRight":
      return step(share);
    case "ArrowDown":
    case "ArrowLeft":
      return step(-share);
    case "PageUp":
      return step(LEAP);
    case "PageDown":
      return step(-LEAP);
    case "Home":
      return first;
    case "End":
      // A breath above, so that rounding afterwards cannot leave the last point out.
      return last * (1 + 1e-5);
    default:
      return null;
  }
}
