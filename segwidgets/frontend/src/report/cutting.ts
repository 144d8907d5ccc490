import { anchorColours } from "../cloud/anchors";
import { type Cut, Cutter } from "../cloud/cut";
import type { Entries, Entry } from "../cloud/entries";
import { bySize, type Segmentation } from "../cloud/segments";
import type { LiveData } from "./data";

/** How things stand at one step of the slider. */
export interface Stand {
  step: number;
  eps: number;
  /** Slots by point; sizes are customers of the whole table. */
  segmentation: Segmentation;
  entries: Entries;
  /** Customers in no segment that is told of. */
  noise: number;
  /** Segments, and their customers, of which no dot is in the sample. */
  undrawn: number;
  undrawnSize: number;
}

const NAMED = 3;

/** The clustering of the sample at every step: the panel's cut, sizes of the whole table, names after the cards'. */
export class LiveCut {
  private readonly cutter: Cutter;
  private readonly colourOf: (leaf: number) => number;
  /** Where the sizes of each step begin. */
  private readonly begins: Int32Array;
  /** By leaf: which of the names it has at the chosen eps, -1 for none. */
  private readonly named: Int32Array;

  constructor(private readonly data: LiveData) {
    const { index, steps, start, names } = data;
    this.cutter = new Cutter(index);
    this.begins = new Int32Array(steps.length + 1);
    steps.forEach((eps, step) => {
      this.begins[step + 1] = (this.begins[step] as number) + this.cutter.at(eps).sizes.length - 1;
    });
    const cut = this.cutter.at(steps[start] as number);
    const nameOf = new Map<number, number>();
    names.forEach(({ slots }, name) => slots.forEach((slot) => nameOf.set(slot, name)));
    this.named = Int32Array.from(cut.slots, (slot) => nameOf.get(slot) ?? -1);
    this.colourOf = anchorColours(index, new Map(data.colours.map(([slot, colour]) => [cut.anchors[slot] as number, colour])));
  }

  /** Every step's sizes are there: a file that was cut short shows none rather than wrong ones. */
  get whole(): boolean {
    const { sizes, rest, steps } = this.data;
    return sizes.length === this.begins[steps.length] && rest.length === 3 * steps.length;
  }

  at(step: number): Stand {
    const { data } = this;
    const eps = data.steps[step] as number;
    const cut = this.cutter.at(eps);
    const [noise, undrawn, undrawnSize] = data.rest.subarray(3 * step, 3 * step + 3) as unknown as [number, number, number];
    const sizes = new Uint32Array(cut.sizes.length);
    sizes.set(data.sizes.subarray(this.begins[step], this.begins[step + 1]), 1);
    const order = bySize(sizes);
    sizes[0] = noise;
    const colours = Int32Array.from(cut.anchors, (anchor) => (anchor < 0 ? -1 : this.colourOf(anchor)));
    const slots = Uint32Array.from(data.leaf, (leaf) => cut.slots[leaf] as number);
    const segmentation = { ...cut, slots, sizes, order, colours };
    return { step, eps, segmentation, entries: this.entries(segmentation, cut, step), noise, undrawn, undrawnSize };
  }

  /** What the legend lists: segments of one name at or above the chosen eps are one, as on the cards. */
  private entries(segmentation: Segmentation, cut: Cut, step: number): Entries {
    const { order, sizes, colours, anchors } = segmentation;
    const names = this.names(cut, order, step);
    const leads = new Map<string, number>();
    const leadOf = new Map<number, number>();
    const found = new Map<number, Entry>();
    for (const slot of order) {
      const name = names.get(slot) as string;
      const lead = leads.get(name);
      const size = sizes[slot] as number;
      const before = lead === undefined ? undefined : found.get(lead);
      if (lead !== undefined && before) {
        leadOf.set(slot, lead);
        found.set(lead, { ...before, size: before.size + size });
      } else {
        leads.set(name, slot);
        found.set(slot, { key: colours[slot] as number, name, named: true, size, rows: [anchors[slot] as number] });
      }
    }
    const list = [...found.values()].sort((one, other) => other.size - one.size);
    return { list, count: list.length, leadOf };
  }

  /** A name by slot: of the segment it is, is a part of, or has in it at the chosen eps. */
  private names(cut: Cut, order: Int32Array, step: number): Map<number, string> {
    const held = new Map<number, Map<number, number>>();
    this.named.forEach((name, leaf) => {
      const slot = cut.slots[leaf] as number;
      if (name < 0 || slot === 0) return;
      const counts = held.get(slot) ?? new Map<number, number>();
      counts.set(name, (counts.get(name) ?? 0) + 1);
      held.set(slot, counts);
    });
    const parts = new Map<number, number>();
    for (const slot of order) for (const name of held.get(slot)?.keys() ?? []) parts.set(name, (parts.get(name) ?? 0) + 1);
    const found = new Map<number, string>();
    const told = new Map<number, number>();
    let unnamed = 0;
    for (const slot of order) {
      const counts = held.get(slot);
      if (!counts) {
        unnamed += 1;
        found.set(slot, `new segment ${unnamed}`);
        continue;
      }
      const names = [...counts].sort(([, one], [, other]) => other - one).map(([name]) => name);
      const words = names.slice(0, NAMED).map((name) => this.data.names[name]!.name);
      const more = names.length > NAMED ? ` + ${names.length - NAMED} more` : "";
      const first = names[0] as number;
      const part = step < this.data.start && names.length === 1 && (parts.get(first) as number) > 1;
      if (part) told.set(first, (told.get(first) ?? 0) + 1);
      found.set(slot, part ? `${words[0]}, part ${told.get(first)}` : words.join(" + ") + more);
    }
    return found;
  }
}
