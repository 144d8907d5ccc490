import type { Vec3 } from "./camera";

/** Where the points are, in the order in which they are drawn: a place is offset + scale * value on each axis. */
export interface Positions {
  values: Float32Array | Uint16Array;
  dimensions: 2 | 3;
  /** Values from one point to the next; four narrow ones keep to the multiples of 4 bytes that GPUs read fast. */
  stride: number;
  count: number;
  offset: Vec3;
  scale: Vec3;
}

export const NOWHERE: Positions = {
  values: new Float32Array(0),
  dimensions: 3,
  stride: 3,
  count: 0,
  offset: [0, 0, 0],
  scale: [1, 1, 1],
};

export function positions(
  values: Float32Array | Uint16Array,
  dimensions: 2 | 3,
  offset: Vec3 = NOWHERE.offset,
  scale: Vec3 = NOWHERE.scale,
): Positions {
  return { values, dimensions, stride: dimensions, count: Math.floor(values.length / dimensions), offset, scale };
}

/** The same points in another order: `rows[i]` is which of them comes i-th. */
export function reordered(from: Positions, rows: Int32Array): Positions {
  const { values, dimensions, stride } = from;
  const count = rows.length;
  const width = values instanceof Uint16Array && dimensions === 3 ? 4 : dimensions;
  const next = values instanceof Uint16Array ? new Uint16Array(width * count) : new Float32Array(width * count);
  for (let i = 0, at = 0; i < count; i++, at += width) {
    const source = (rows[i] as number) * stride;
    next[at] = values[source] as number;
    next[at + 1] = values[source + 1] as number;
    if (dimensions === 3) next[at + 2] = values[source + 2] as number;
  }
  return { ...from, values: next, stride: width, count };
}

export function coordinate(from: Positions, point: number, axis: 0 | 1 | 2): number {
  if (axis >= from.dimensions) return 0;
  return from.offset[axis] + from.scale[axis] * (from.values[point * from.stride + axis] as number);
}

/** `matrix`, column by column, for values instead of places. */
export function forValues(matrix: Float32Array, { offset, scale }: Positions): Float32Array {
  const m = (i: number): number => matrix[i] as number;
  const out = new Float32Array(16);
  for (let row = 0; row < 4; row++) {
    let moved = m(12 + row);
    for (const axis of [0, 1, 2] as const) {
      out[4 * axis + row] = m(4 * axis + row) * scale[axis];
      moved += m(4 * axis + row) * offset[axis];
    }
    out[12 + row] = moved;
  }
  return out;
}
