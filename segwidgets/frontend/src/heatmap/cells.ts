import type { BinaryTrait } from "../shared/binary";
import { floats } from "../shared/binary";

/** A label on a cell that can be pressed. */
export interface Mark {
  row: number;
  column: number;
  text: string;
  title: string;
}

/** One grid of the picture, as Python sends it. */
export interface FacetTrait {
  title: string;
  rows: readonly string[];
  columns: readonly string[];
  marks: readonly Mark[];
  /** Where the present setting is, in rows and columns from the middle of the first cell; between two, or outside. */
  here: readonly [number, number] | null;
}

/** What more is told of a cell. */
export interface Layer {
  name: string;
  kind: "count" | "share" | "number";
}

export interface HeatMapTraits {
  facets: readonly FacetTrait[];
  values: BinaryTrait;
  layers: readonly Layer[];
  more: BinaryTrait;
  row_name: string;
  column_name: string;
  value_name: string;
  low: number;
  high: number;
  diverging: boolean;
  upwards: boolean;
  steep: boolean;
  action: string;
  absent: string;
  across: number;
  height: number;
}

/** A cell of one of the facets. */
export interface Cell {
  facet: number;
  row: number;
  column: number;
}

/** One grid with its numbers: rows by columns, NaN where there is none. */
export interface Facet extends FacetTrait {
  values: Float32Array;
  more: readonly Float32Array[];
}

/** Cuts the two binary traits into what belongs to each facet; numbers that are missing are NaN. */
export function unpack(
  facets: readonly FacetTrait[], values: BinaryTrait, layers: readonly Layer[], more: BinaryTrait,
): Facet[] {
  const all = floats(values);
  const rest = floats(more);
  const total = facets.reduce((sum, facet) => sum + facet.rows.length * facet.columns.length, 0);
  let at = 0;
  return facets.map((facet) => {
    const size = facet.rows.length * facet.columns.length;
    const cut = (from: Float32Array, begin: number): Float32Array => {
      if (begin + size <= from.length) return from.subarray(begin, begin + size);
      return new Float32Array(size).fill(Number.NaN);
    };
    const made = { ...facet, values: cut(all, at), more: layers.map((_, i) => cut(rest, i * total + at)) };
    at += size;
    return made;
  });
}

/** Where a facet is drawn, in CSS pixels of its canvas. */
export interface Frame {
  left: number;
  top: number;
  width: number;
  height: number;
  rows: number;
  columns: number;
  upwards: boolean;
}

/** The row and column under a point, null beside the grid. */
export function hit(frame: Frame, x: number, y: number): { row: number; column: number } | null {
  const column = Math.floor(((x - frame.left) / frame.width) * frame.columns);
  const down = Math.floor(((y - frame.top) / frame.height) * frame.rows);
  if (column < 0 || column >= frame.columns || down < 0 || down >= frame.rows) return null;
  return { row: frame.upwards ? frame.rows - 1 - down : down, column };
}

/** The middle of a cell; row and column may lie between two. */
export function middle(frame: Frame, row: number, column: number): { x: number; y: number } {
  const down = frame.upwards ? frame.rows - 1 - row : row;
  return {
    x: frame.left + ((column + 0.5) / frame.columns) * frame.width,
    y: frame.top + ((down + 0.5) / frame.rows) * frame.height,
  };
}

/** Every how many labels one is shown, so that each has `room` pixels of the `length` there are. */
export function every(count: number, length: number, room: number): number {
  if (count <= 0 || length <= 0) return 1;
  return Math.max(1, Math.ceil((count * room) / length));
}

/** One step by key from a cell: within the grid, by a row or a column, or to an end. Null for other keys. */
export function stepped(
  cell: { row: number; column: number }, key: string, rows: number, columns: number, upwards: boolean,
): { row: number; column: number } | null {
  const up = upwards ? 1 : -1;
  const far = 5;
  const moves: Record<string, readonly [number, number]> = {
    ArrowUp: [up, 0],
    ArrowDown: [-up, 0],
    PageUp: [up * far, 0],
    PageDown: [-up * far, 0],
    ArrowLeft: [0, -1],
    ArrowRight: [0, 1],
    Home: [0, -columns],
    End: [0, columns],
  };
  const move = moves[key];
  if (!move) return null;
  const within = (at: number, most: number): number => Math.min(most - 1, Math.max(0, at));
  return { row: within(cell.row + move[0], rows), column: within(cell.column + move[1], columns) };
}

/** Where a value stands between low and high, 0 to 1. */
export function shareOf(value: number, low: number, high: number): number {
  return high > low ? Math.min(1, Math.max(0, (value - low) / (high - low))) : 0.5;
}
