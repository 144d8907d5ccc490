import type { Slots } from "../shared/binary";

/** Points per label plus one: entry 0 counts noise. */
export function tally(labels: Slots): Uint32Array {
  let top = 0;
  for (let i = 0; i < labels.length; i++) top = Math.max(top, labels[i] as number);
  const sizes = new Uint32Array(top + 1);
  for (let i = 0; i < labels.length; i++) sizes[labels[i] as number]! += 1;
  return sizes;
}

/** Segments (label plus one) that hold points, the largest first; equal ones by number. */
export function bySize(sizes: Uint32Array): number[] {
  const present: number[] = [];
  for (let slot = 1; slot < sizes.length; slot++) if (sizes[slot]) present.push(slot);
  return present.sort((one, other) => (sizes[other] as number) - (sizes[one] as number) || one - other);
}

/** A table of this many counts is cheaper than a map. */
const TABLE_LIMIT = 1 << 22;

/** [label now times `width` plus label then, points with both], noise left out. */
function sharedPoints(now: Slots, then: Slots, height: number, width: number): [number, number][] {
  const pairs: [number, number][] = [];
  if (height * width <= TABLE_LIMIT) {
    const table = new Uint32Array(height * width);
    for (let i = 0; i < now.length; i++) table[(now[i] as number) * width + (then[i] as number)]! += 1;
    for (let row = 1; row < height; row++) {
      for (let column = 1; column < width; column++) {
        const points = table[row * width + column] as number;
        if (points) pairs.push([row * width + column, points]);
      }
    }
    return pairs;
  }
  const counts = new Map<number, number>();
  for (let i = 0; i < now.length; i++) {
    if (!now[i] || !then[i]) continue;
    const key = (now[i] as number) * width + (then[i] as number);
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return [...counts];
}

/**
 * Which colour each label plus one takes; entry 0 (noise) has -1.
 *
 * The first clustering colours by size, so that the segments one looks at first are the easiest to tell apart. Later
 * ones of the same points give a segment the colour of the former segment it shares most points with, the largest
 * shares first, so that colours stay while eps moves; what is new takes the lowest free colour.
 */
export function assignColours(
  labels: Slots,
  sizes: Uint32Array,
  before: { labels: Slots; sizes: Uint32Array; colours: Int32Array } | null,
): Int32Array {
  const colours = new Int32Array(sizes.length).fill(-1);
  const order = bySize(sizes);
  const taken = new Set<number>();
  if (before && before.labels.length === labels.length) {
    const width = before.sizes.length;
    const shared = sharedPoints(labels, before.labels, sizes.length, width);
    const pairs = shared.sort((one, other) => other[1] - one[1] || one[0] - other[0]);
    for (const [key] of pairs) {
      const now = Math.floor(key / width);
      const colour = before.colours[key % width] as number;
      if (colours[now] !== -1 || taken.has(colour)) continue;
      colours[now] = colour;
      taken.add(colour);
    }
  }
  let free = 0;
  for (const slot of order) {
    if (colours[slot] !== -1) continue;
    while (taken.has(free)) free++;
    colours[slot] = free;
    taken.add(free);
  }
  return colours;
}
