import type { Slots } from "../shared/binary";
import type { Cut } from "./cut";
import { match, overlaps } from "./matching";

/** A clustering as it is drawn: a cut, and which colour number each slot has (-1 for noise). */
export interface Segmentation extends Cut {
  colours: Int32Array;
  /** Slots of the segments that hold points, the largest first. */
  order: Int32Array;
}

/** Labels plus one as a cut: a slot is its label plus one, its anchor the first row. */
export function fromLabels(slots: Slots): Cut {
  let top = 0;
  for (let i = 0; i < slots.length; i++) if ((slots[i] as number) > top) top = slots[i] as number;
  const sizes = new Uint32Array(top + 1);
  const anchors = new Int32Array(top + 1).fill(-1);
  for (let i = 0; i < slots.length; i++) {
    const slot = slots[i] as number;
    if (sizes[slot]! === 0 && slot > 0) anchors[slot] = i;
    sizes[slot]! += 1;
  }
  return { slots, sizes, anchors, numbers: Int32Array.from(sizes, (_, slot) => slot - 1) };
}

/** Slots that hold points, noise left out, the largest first; equal ones by slot. */
export function bySize(sizes: Uint32Array): Int32Array {
  const factor = sizes.length;
  const keys = new Float64Array(factor);
  let present = 0;
  for (let slot = 1; slot < factor; slot++) {
    if (sizes[slot]) keys[present++] = (sizes[slot] as number) * factor + (factor - 1 - slot);
  }
  const sorted = keys.subarray(0, present).sort().reverse();
  return Int32Array.from(sorted, (key) => factor - 1 - (key % factor));
}

/** Colour numbers for slots some of which have one already: the rest take the lowest free ones, the largest first. */
export function complete(given: ReadonlyMap<number, number>, order: Int32Array, slots: number): Int32Array {
  const colours = new Int32Array(slots).fill(-1);
  const taken = new Set<number>();
  for (const slot of order) {
    const colour = given.get(slot);
    if (colour === undefined || taken.has(colour)) continue;
    colours[slot] = colour;
    taken.add(colour);
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

/** By slot, the colours of the former segments of the same points, matched by overlap; both in one order of points. */
export function inherited(now: Cut, slotsNow: Slots, before: Segmentation, slotsBefore: Slots): Map<number, number> {
  const pairs = overlaps(slotsNow, slotsBefore, now.sizes.length, before.sizes.length);
  const colours = new Map<number, number>();
  for (const [slot, then] of match(pairs)) colours.set(slot, before.colours[then] as number);
  return colours;
}
