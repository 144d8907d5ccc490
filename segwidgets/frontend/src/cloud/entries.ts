import type { Segmentation } from "./segments";

/** What the legend lists: a segment, or several that bear one name. */
export interface Entry {
  /** Stays the same while a segment keeps its colour; noise is -1. */
  key: number;
  name: string;
  /** The name is one that somebody gave. */
  named: boolean;
  size: number;
  /** A row of each segment in it. */
  rows: readonly number[];
}

export interface Entries {
  /** The largest first; of very many, the largest only, and all that have names. */
  list: readonly Entry[];
  /** How many there are. */
  count: number;
  /** The slot whose colour a slot takes, where that is another one. */
  leadOf: ReadonlyMap<number, number>;
}

export const NOISE = -1;
const MOST = 400;

export function defaultName(number: number): string {
  return `segment ${number}`;
}

/**
 * Names by slot, in the order in which they were given. Of several names that one segment holds the newest counts, as
 * in `segwidgets.names.Names`.
 *
 * @param names a row and a name each, the newest last.
 * @param slotOf the slot of a row.
 */
export function namesBySlot(
  names: readonly (readonly [number, string])[],
  slotOf: (row: number) => number | undefined,
): Map<number, string> {
  const found = new Map<number, string>();
  for (const [row, name] of names) {
    const slot = slotOf(row);
    if (slot) found.set(slot, name);
  }
  return found;
}

/** Entries of a clustering; segments of one name are one entry, in the colour of the one named first. */
export function entriesOf(segmentation: Segmentation, names: ReadonlyMap<number, string>): Entries {
  const { order, sizes, colours, numbers, anchors } = segmentation;
  const leadOf = new Map<number, number>();
  const leads = new Map<string, number>();
  const members = new Map<number, number[]>();
  for (const [slot, name] of names) {
    const lead = leads.get(name);
    if (lead === undefined) {
      leads.set(name, slot);
      members.set(slot, [slot]);
    } else {
      leadOf.set(slot, lead);
      members.get(lead)!.push(slot);
    }
  }
  const list: Entry[] = [];
  const entry = (slot: number): Entry => {
    const own = members.get(slot) ?? [slot];
    return {
      key: colours[slot] as number,
      name: names.get(slot) ?? defaultName(numbers[slot] as number),
      named: names.has(slot),
      size: own.reduce((sum, member) => sum + (sizes[member] as number), 0),
      rows: own.map((member) => anchors[member] as number),
    };
  };
  for (const slot of order.subarray(0, MOST)) if (!names.has(slot)) list.push(entry(slot));
  for (const slot of members.keys()) list.push(entry(slot));
  if (names.size > 0) list.sort((one, other) => other.size - one.size);
  return { list, count: order.length - leadOf.size, leadOf };
}
