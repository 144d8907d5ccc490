import type { Slots } from "../shared/binary";

/** Points that a segment now and a former one have in common. */
export interface Overlap {
  now: number;
  then: number;
  points: number;
}

/** A table of this many counts is cheaper than a map. */
const TABLE_LIMIT = 1 << 22;
/** Exact matching takes the cube of this many steps at most; what hangs together beyond it is matched greedily. */
const EXACT_LIMIT = 400;

/** Overlaps of two clusterings of the same points, slots in the same order; noise, slot 0, is left out. */
export function overlaps(now: Slots, then: Slots, height: number, width: number): Overlap[] {
  const found: Overlap[] = [];
  if (height * width <= TABLE_LIMIT) {
    const table = new Uint32Array(height * width);
    for (let i = 0; i < now.length; i++) table[(now[i] as number) * width + (then[i] as number)]! += 1;
    for (let row = 1; row < height; row++) {
      for (let column = 1; column < width; column++) {
        const points = table[row * width + column] as number;
        if (points) found.push({ now: row, then: column, points });
      }
    }
    return found;
  }
  const counts = new Map<number, number>();
  for (let i = 0; i < now.length; i++) {
    if (!now[i] || !then[i]) continue;
    const key = (now[i] as number) * width + (then[i] as number);
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  for (const [key, points] of counts) found.push({ now: Math.floor(key / width), then: key % width, points });
  return found;
}

/**
 * The column of each row in the assignment of least total cost, every row to a column of its own; `columns >= rows`.
 * Kuhn's Hungarian method with potentials (Kuhn 1955; Jonker and Volgenant 1987), rows * rows * columns steps.
 */
export function assignment(cost: Float64Array, rows: number, columns: number): Int32Array {
  const u = new Float64Array(rows + 1);
  const v = new Float64Array(columns + 1);
  const rowOf = new Int32Array(columns + 1);
  const way = new Int32Array(columns + 1);
  for (let row = 1; row <= rows; row++) {
    rowOf[0] = row;
    let column = 0;
    const least = new Float64Array(columns + 1).fill(Infinity);
    const used = new Uint8Array(columns + 1);
    do {
      used[column] = 1;
      const at = rowOf[column] as number;
      let delta = Infinity;
      let next = 0;
      for (let j = 1; j <= columns; j++) {
        if (used[j]) continue;
        const reduced = (cost[(at - 1) * columns + j - 1] as number) - (u[at] as number) - (v[j] as number);
        if (reduced < (least[j] as number)) {
          least[j] = reduced;
          way[j] = column;
        }
        if ((least[j] as number) < delta) {
          delta = least[j] as number;
          next = j;
        }
      }
      for (let j = 0; j <= columns; j++) {
        if (used[j]) {
          u[rowOf[j] as number]! += delta;
          v[j]! -= delta;
        } else {
          least[j]! -= delta;
        }
      }
      column = next;
    } while (rowOf[column] !== 0);
    while (column) {
      rowOf[column] = rowOf[way[column] as number] as number;
      column = way[column] as number;
    }
  }
  const columnOf = new Int32Array(rows);
  for (let j = 1; j <= columns; j++) if (rowOf[j]) columnOf[(rowOf[j] as number) - 1] = j - 1;
  return columnOf;
}

/** Overlaps that hang together through a segment, now or then: each group can be matched on its own. */
function groups(found: readonly Overlap[]): Overlap[][] {
  const parent = new Map<number, number>();
  const root = (node: number): number => {
    let at = node;
    while (parent.has(at)) at = parent.get(at) as number;
    while (node !== at) {
      const next = parent.get(node) as number;
      parent.set(node, at);
      node = next;
    }
    return at;
  };
  for (const { now, then } of found) {
    const [one, other] = [root(now), root(-1 - then)];
    if (one !== other) parent.set(one, other);
  }
  const gathered = new Map<number, Overlap[]>();
  for (const overlap of found) {
    const key = root(overlap.now);
    const group = gathered.get(key);
    if (group) group.push(overlap);
    else gathered.set(key, [overlap]);
  }
  return [...gathered.values()];
}

function matchExactly(group: readonly Overlap[], thenOf: Map<number, number>): void {
  const rows = [...new Set(group.map(({ now }) => now))];
  const columns = [...new Set(group.map(({ then }) => then))];
  const [short, long] = rows.length <= columns.length ? [rows, columns] : [columns, rows];
  const cost = new Float64Array(short.length * long.length);
  const places = [new Map(rows.map((now, at) => [now, at])), new Map(columns.map((then, at) => [then, at]))] as const;
  for (const { now, then, points } of group) {
    const [row, column] = [places[0].get(now) as number, places[1].get(then) as number];
    cost[short === rows ? row * long.length + column : column * long.length + row] = -points;
  }
  assignment(cost, short.length, long.length).forEach((at, from) => {
    if (!cost[from * long.length + at]) return; // nothing in common
    const [one, other] = [short[from] as number, long[at] as number];
    if (short === rows) thenOf.set(one, other);
    else thenOf.set(other, one);
  });
}

function matchGreedily(group: readonly Overlap[], thenOf: Map<number, number>): void {
  const taken = new Set<number>();
  const sorted = [...group].sort((one, other) => other.points - one.points || one.now - other.now || one.then - other.then);
  for (const { now, then } of sorted) {
    if (thenOf.has(now) || taken.has(then)) continue;
    thenOf.set(now, then);
    taken.add(then);
  }
}

/** The former segment of each one now, so that as many points as possible stay in theirs: the Hungarian method. */
export function match(found: readonly Overlap[]): Map<number, number> {
  const thenOf = new Map<number, number>();
  for (const group of groups(found)) {
    const only = group[0] as Overlap;
    if (group.length === 1) thenOf.set(only.now, only.then);
    else if (tooMany(group)) matchGreedily(group, thenOf);
    else matchExactly(group, thenOf);
  }
  return thenOf;
}

function tooMany(group: readonly Overlap[]): boolean {
  const rows = new Set(group.map(({ now }) => now)).size;
  const columns = new Set(group.map(({ then }) => then)).size;
  return Math.min(rows, columns) ** 2 * Math.max(rows, columns) > EXACT_LIMIT ** 3;
}
