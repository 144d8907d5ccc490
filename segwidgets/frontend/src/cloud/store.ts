import type { BinaryTrait, Slots } from "../shared/binary";
import { floats, slots } from "../shared/binary";
import type { Model } from "../shared/model";
import { onChange } from "../shared/model";
import { assignColours, bySize, tally } from "./segments";

export interface CloudTraits {
  points: BinaryTrait;
  dimensions: number;
  labels: BinaryTrait;
  label_bytes: number;
  view_key: number;
  caption: string;
  height: number;
  point_size: number;
}

export interface Labelled {
  labels: Slots;
  /** Points by label plus one; entry 0 is noise. */
  sizes: Uint32Array;
  /** Colour number by label plus one. */
  colours: Int32Array;
  /** Label plus one of the segments, largest first. */
  order: number[];
}

export type Change = "points" | "labels";

/**
 * What all views of one model share: decoded arrays, and which segment has which colour, so that two views of a
 * widget agree and a view opened later shows the colours the first one shows.
 */
export class CloudStore {
  xyz: Float32Array = new Float32Array(0);
  dimensions: 2 | 3 = 3;
  viewKey = 0;
  labelled: Labelled | null = null;
  private rawPoints: BinaryTrait = null;
  private rawLabels: BinaryTrait = null;
  private readonly listeners = new Set<(changes: ReadonlySet<Change>) => void>();
  private readonly unlisten: () => void;

  constructor(private readonly model: Model<CloudTraits>) {
    this.read();
    this.unlisten = onChange(model, ["points", "dimensions", "labels", "label_bytes", "view_key"], () => {
      const changes = this.read();
      for (const listener of this.listeners) listener(changes);
    });
  }

  get count(): number {
    return Math.floor(this.xyz.length / this.dimensions);
  }

  subscribe(listener: (changes: ReadonlySet<Change>) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  dispose(): void {
    this.unlisten();
    this.listeners.clear();
  }

  private read(): ReadonlySet<Change> {
    const changes = new Set<Change>();
    const points = this.model.get("points");
    const dimensions = this.model.get("dimensions") === 2 ? 2 : 3;
    const viewKey = this.model.get("view_key");
    if (points !== this.rawPoints || dimensions !== this.dimensions || viewKey !== this.viewKey) {
      this.rawPoints = points;
      this.dimensions = dimensions;
      this.viewKey = viewKey;
      this.xyz = floats(points);
      changes.add("points");
    }
    const raw = this.model.get("labels");
    if (raw !== this.rawLabels || changes.has("points")) {
      this.rawLabels = raw;
      const labels = slots(raw, this.model.get("label_bytes"));
      // Labels of another length belong to other points: better none than wrong ones.
      if (labels && labels.length > 0 && labels.length === this.count) {
        const sizes = tally(labels);
        this.labelled = { labels, sizes, colours: assignColours(labels, sizes, this.labelled), order: bySize(sizes) };
      } else {
        this.labelled = null;
      }
      changes.add("labels");
    }
    return changes;
  }
}
