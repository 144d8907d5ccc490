import type { CutIndex } from "./cut";

/** Colour numbers from here on belong to one anchor each, the number being this plus its row. */
export const OWN_NUMBER = 4096;
/** Anchors that share the first numbers; there are more of them than anybody tells colours apart. */
const RANKED = 512;
/** An anchor of core distance 0 lives through infinitely many doublings of eps; it counts as so many. */
const LONGEST = 20;

interface Life {
  row: number;
  /** The eps from which to which it is an anchor. */
  from: number;
  to: number;
  weight: number;
}

/** How many leaves a cluster that begins at each leaf holds just before it joins the one before it. */
export function extents(gap: Float32Array): Int32Array {
  const n = gap.length;
  const extent = new Int32Array(n);
  const open = new Int32Array(n);
  let depth = 0;
  for (let leaf = 0; leaf < n; leaf++) {
    const height = gap[leaf] as number;
    while (depth > 0 && (gap[open[depth - 1] as number] as number) <= height) {
      const begun = open[--depth] as number;
      extent[begun] = leaf - begun;
    }
    open[depth++] = leaf;
  }
  while (depth > 0) {
    const begun = open[--depth] as number;
    extent[begun] = n - begun;
  }
  return extent;
}

/** The anchors of the largest and longest-lived clusters, the weightiest first. */
function weightiest(index: CutIndex): Life[] {
  const { row, gap, core } = index;
  const n = row.length;
  const extent = extents(gap);
  const least = Math.floor(n / 50_000) + 1;
  const lives: Life[] = [];
  for (let leaf = 0; leaf < n; leaf++) {
    const [from, to] = [core[leaf] as number, gap[leaf] as number];
    if ((extent[leaf] as number) < least || !(from < to)) continue;
    const life = Math.min(LONGEST, Math.log2(to / from));
    lives.push({ row: row[leaf] as number, from, to, weight: (extent[leaf] as number) * life });
  }
  return lives.sort((one, other) => other.weight - one.weight || one.row - other.row).slice(0, RANKED);
}

/**
 * The colour number of every anchor, whatever eps is: nothing changes its colour while eps moves, and clusters that
 * can be seen at one time have different ones.
 *
 * Weighty anchors take, one after the other, the lowest number that no weightier one has with which they coexist at
 * some eps. The others have a number of their own each.
 *
 * @param given numbers that some rows have already, of clusters that coexist.
 */
export function anchorColours(index: CutIndex, given: ReadonlyMap<number, number>): (row: number) => number {
  const numbers = new Map<number, number>();
  const placed: (Life & { number: number })[] = [];
  const fixed = new Set<number>();
  const lives = weightiest(index);
  const known = new Set(lives.map(({ row }) => row));
  if ([...given.keys()].some((row) => !known.has(row))) {
    index.row.forEach((row, leaf) => {
      if (known.has(row) || !given.has(row)) return;
      lives.push({ row, from: index.core[leaf] as number, to: index.gap[leaf] as number, weight: 0 });
    });
  }
  for (const life of lives) {
    const number = given.get(life.row);
    if (number === undefined || number >= OWN_NUMBER || fixed.has(number)) continue;
    fixed.add(number);
    numbers.set(life.row, number);
    placed.push({ ...life, number });
  }
  for (const life of lives) {
    if (numbers.has(life.row)) continue;
    const taken = new Set<number>();
    for (const other of placed) if (other.from < life.to && life.from < other.to) taken.add(other.number);
    let number = 0;
    while (taken.has(number)) number++;
    numbers.set(life.row, number);
    placed.push({ ...life, number });
  }
  return (row) => numbers.get(row) ?? OWN_NUMBER + row;
}
