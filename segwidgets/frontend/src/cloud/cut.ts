import type { Slots } from "../shared/binary";

/**
 * A clustering for every eps, one leaf per point, in leaf order; `segwidgets/compute/density/portable.py` describes the
 * arrays and is the reference that the tests hold this file to.
 */
export interface CutIndex {
  row: Int32Array;
  gap: Float32Array;
  core: Float32Array;
  entry: Float32Array;
  host: Int32Array;
}

/** A clustering at one eps. A slot is a cluster plus one, clusters standing in leaf order; slot 0 is noise. */
export interface Cut {
  /** (n) slot of each leaf. */
  slots: Slots;
  /** Leaves by slot. */
  sizes: Uint32Array;
  /** The label by slot, -1 for noise: clusters are numbered by their lowest core row. */
  numbers: Int32Array;
  /** The row of the anchor, the densest point, by slot; -1 for noise. */
  anchors: Int32Array;
}

export const BYTES_PER_LEAF = 20;

/** One block of bytes: row, gap, core, entry and host one after the other, 4 bytes each. Null when it does not fit. */
export function readIndex(bytes: Uint8Array, count: number): CutIndex | null {
  if (count === 0 || bytes.byteLength !== BYTES_PER_LEAF * count) return null;
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  const at = (field: number): number => aligned.byteOffset + 4 * count * field;
  return {
    row: new Int32Array(aligned.buffer, at(0), count),
    gap: new Float32Array(aligned.buffer, at(1), count),
    core: new Float32Array(aligned.buffer, at(2), count),
    entry: new Float32Array(aligned.buffer, at(3), count),
    host: new Int32Array(aligned.buffer, at(4), count),
  };
}

const NARROW = 0xffff;

/** What a cut writes into, kept from one to the next so that a tick allocates nothing of the size of the cloud. */
export class Cutter {
  private narrow: Uint16Array;
  private wide: Uint32Array | null = null;
  private readonly border: Int32Array;
  private lowest = new Int32Array(1024);
  private anchors = new Int32Array(1024);
  private sizes = new Uint32Array(1024);

  constructor(readonly index: CutIndex) {
    this.narrow = new Uint16Array(index.row.length);
    this.border = new Int32Array(index.row.length);
  }

  /** The clustering at `eps`, taken as float32 like `snap`. The slots are overwritten by the next cut. */
  at(eps: number): Cut {
    const snapped = Math.fround(eps);
    let clusters = this.scan(this.narrow, snapped, NARROW);
    let slots: Slots = this.narrow;
    if (clusters < 0) {
      slots = this.wide ??= new Uint32Array(this.index.row.length);
      clusters = this.scan(slots, snapped, Infinity);
    }
    return {
      slots,
      sizes: this.sizes.slice(0, clusters + 1),
      numbers: this.numbers(clusters),
      anchors: this.anchors.slice(0, clusters + 1),
    };
  }

  /** Fills slots, and lowest row, anchor and size by slot. Returns the count of clusters, -1 where it exceeds `most`. */
  private scan(slots: Slots, eps: number, most: number): number {
    const { row, gap, core, entry, host } = this.index;
    const { border } = this;
    const n = row.length;
    this.anchors[0] = this.lowest[0] = -1;
    let clusters = 0;
    let bordering = 0;
    let low = 0;
    let size = 0;
    for (let leaf = 0; leaf < n; leaf++) {
      if ((core[leaf] as number) <= eps) {
        const own = row[leaf] as number;
        if ((gap[leaf] as number) > eps) {
          if (clusters > 0) this.close(clusters, low, size);
          if (clusters === most) return -1;
          clusters += 1;
          if (clusters >= this.sizes.length) this.grow();
          this.anchors[clusters] = own;
          low = own;
          size = 0;
        } else if (own < low) {
          low = own;
        }
        size += 1;
        slots[leaf] = clusters;
      } else {
        slots[leaf] = 0;
        if ((entry[leaf] as number) <= eps) border[bordering++] = leaf;
      }
    }
    if (clusters > 0) this.close(clusters, low, size);
    const { sizes } = this;
    for (let i = 0; i < bordering; i++) {
      const leaf = border[i] as number;
      const slot = slots[host[leaf] as number] as number;
      slots[leaf] = slot;
      sizes[slot]! += 1;
    }
    let clustered = 0;
    for (let slot = 1; slot <= clusters; slot++) clustered += sizes[slot] as number;
    sizes[0] = n - clustered;
    return clusters;
  }

  private close(slot: number, low: number, size: number): void {
    this.lowest[slot] = low;
    this.sizes[slot] = size;
  }

  private grow(): void {
    const length = this.sizes.length * 2;
    const grown = <T extends Int32Array | Uint32Array>(now: T, next: T): T => {
      next.set(now);
      return next;
    };
    this.lowest = grown(this.lowest, new Int32Array(length));
    this.anchors = grown(this.anchors, new Int32Array(length));
    this.sizes = grown(this.sizes, new Uint32Array(length));
  }

  /** Sorting numbers of two parts, row and slot, as float64 is several times faster than sorting with a comparison. */
  private numbers(clusters: number): Int32Array {
    const factor = clusters + 1;
    const keys = new Float64Array(clusters);
    for (let slot = 1; slot <= clusters; slot++) keys[slot - 1] = (this.lowest[slot] as number) * factor + slot;
    keys.sort();
    const numbers = new Int32Array(clusters + 1);
    numbers[0] = -1;
    for (let number = 0; number < clusters; number++) numbers[(keys[number] as number) % factor] = number;
    return numbers;
  }
}
