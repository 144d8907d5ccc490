import { rounded, short } from "../shared/format";
import type { Brushes } from "./constraints";
import type { Run } from "./runs";
import { COLUMNS, numberOf, numeral } from "./runs";

/** The axes of the parallel coordinates, in their order. */
export const AXES = ["n_neighbors", "min_dist", "eps", "min_samples", "segments", "coverage", "silhouette"] as const;

/** An axis over the values that the runs have: 0 is its lower end, 1 its upper. */
export interface Axis {
  key: string;
  low: number;
  high: number;
  /** Runs that have a value there. */
  known: number;
}

export function axes(runs: readonly Run[]): Axis[] {
  return AXES.map((key) => {
    const axis = { key: key as string, low: Number.POSITIVE_INFINITY, high: Number.NEGATIVE_INFINITY, known: 0 };
    for (const run of runs) {
      const value = numberOf(run, key);
      if (value === null) continue;
      axis.known += 1;
      axis.low = Math.min(axis.low, value);
      axis.high = Math.max(axis.high, value);
    }
    return axis;
  });
}

/** Where a value stands on its axis, 0 to 1; the middle where all are equal. */
export function place(axis: Axis, value: number): number {
  return axis.high > axis.low ? (value - axis.low) / (axis.high - axis.low) : 0.5;
}

/** The value at a place of the axis. */
export function valueAt(axis: Axis, at: number): number {
  return axis.low + Math.min(1, Math.max(0, at)) * (axis.high - axis.low);
}

/** A brush drawn from one place of an axis to another; at an end of the axis it takes that end in, whole. */
export function drawn(axis: Axis, from: number, to: number): [number, number] {
  const [low, high] = from <= to ? [from, to] : [to, from];
  const start = low <= 0 ? axis.low : rounded(valueAt(axis, low), 4);
  const end = high >= 1 ? axis.high : rounded(valueAt(axis, high), 4);
  return [start, end];
}

/** The brushes with one axis' changed; null takes it away. */
export function brushed(brushes: Brushes, key: string, range: readonly [number, number] | null): Brushes {
  const { [key]: _, ...others } = brushes;
  return range === null ? others : { ...others, [key]: range };
}

/** A value of an axis in a few characters. */
export function tick(key: string, value: number): string {
  const kind = COLUMNS.find((column) => column.key === key)?.kind;
  return kind === undefined ? short(value, 3) : numeral(kind === "whole" ? Math.round(value) : value, kind);
}
