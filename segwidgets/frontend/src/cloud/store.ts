import { bytesOf, floats, type Slots, slots as asSlots } from "../shared/binary";
import type { Model } from "../shared/model";
import { onChange } from "../shared/model";
import { anchorColours } from "./anchors";
import { Arrays } from "./arrays";
import type { Vec3 } from "./camera";
import { Cutter, readIndex } from "./cut";
import { namesBySlot } from "./entries";
import { NOWHERE, type Positions, positions, reordered } from "./positions";
import { bySize, complete, fromLabels, inherited, type Segmentation } from "./segments";
import { pack, unpack } from "./selection";
import type { ArrayName, CloudTraits, Colouring } from "./traits";

export type Change = "points" | "labels" | "values" | "selection" | "names" | "waiting";

const NO_ROWS = new Uint32Array(0);
/** Colours of so many of the larger segments are remembered with the widget, and settled before those of other anchors. */
const REMEMBERED = 200;
export const BY_SEGMENT: Colouring = { by: "segment", kind: "segment" };

/**
 * What all views of one model share: decoded arrays, the clustering, and which segment has which colour, so that two
 * views of a widget agree and a view opened later shows the colours the first one shows.
 *
 * Points are kept in the order in which they are drawn, their places. That is the order of rows until an index comes,
 * and then the order of its leaves: a cut in leaf order reads and writes straight on, and takes half the time.
 */
export class CloudStore {
  points: Positions = NOWHERE;
  segmentation: Segmentation | null = null;
  /** (n) by place, or null: every point looks alike in this respect. */
  values: Uint8Array | null = null;
  colouring: Colouring = BY_SEGMENT;
  /** Selected rows, ascending. */
  selection: Uint32Array = NO_ROWS;
  /** (n) 1 where the point at that place is selected; null when none is. */
  selectedPlaces: Uint8Array | null = null;
  viewKey = 0;
  /** Milliseconds that the last change of eps took, without what the views do. */
  cutTime = 0;
  private readonly arrays: Arrays;
  private rowOf: Int32Array | null = null;
  private placeOf: Int32Array | null = null;
  private byRow: Positions = NOWHERE;
  private cutter: Cutter | null = null;
  private colourOf: ((row: number) => number) | null = null;
  private eps = NaN;
  private ownPicked: DataView | null = null;
  private readonly listeners = new Set<(changes: ReadonlySet<Change>) => void>();
  private readonly endings: (() => void)[];

  constructor(readonly model: Model<CloudTraits>) {
    this.arrays = new Arrays(model, (names) => this.tell(this.take(names)));
    this.take(new Set<ArrayName>(["points", "labels", "index", "values"]));
    this.readSelection();
    this.endings = [
      () => this.arrays.dispose(),
      onChange(model, ["eps"], () => {
        if (this.recut()) this.tell(new Set(["labels"]));
      }),
      onChange(model, ["view_key"], () => {
        if (this.viewKey === model.get("view_key") || this.arrays.expected > 0) return;
        this.viewKey = model.get("view_key");
        this.tell(new Set(["points"]));
      }),
      onChange(model, ["colouring"], () => {
        this.readValues();
        this.tell(new Set(["values"]));
      }),
      onChange(model, ["names"], () => this.tell(new Set(["names"]))),
      onChange(model, ["picked"], () => {
        if (model.get("picked") !== this.ownPicked) this.readSelection();
        this.tell(new Set(["selection"]));
      }),
    ];
  }

  get count(): number {
    return this.points.count;
  }

  /** Points that are on their way. */
  get expected(): number {
    return this.arrays.expected;
  }

  get cutsItself(): boolean {
    return this.cutter !== null;
  }

  row(place: number): number {
    return this.rowOf ? (this.rowOf[place] as number) : place;
  }

  place(row: number): number {
    if (!this.rowOf) return row;
    if (!this.placeOf) {
      this.placeOf = new Int32Array(this.count);
      for (let place = 0; place < this.count; place++) this.placeOf[this.rowOf[place] as number] = place;
    }
    return this.placeOf[row] as number;
  }

  subscribe(listener: (changes: ReadonlySet<Change>) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  dispose(): void {
    for (const end of this.endings) end();
    this.listeners.clear();
  }

  /** Selects places; the model, and with it the kernel and the other views, hears of it. */
  select(places: Uint32Array): void {
    const byPlace = new Uint8Array(this.count);
    const byRow = new Uint8Array(this.count);
    for (const place of places) byRow[this.row(place)] = byPlace[place] = 1;
    // Going over all rows puts them in order faster than sorting those that are selected.
    const rows = new Uint32Array(places.length);
    let length = 0;
    for (let row = 0; row < byRow.length; row++) if (byRow[row]) rows[length++] = row;
    this.put(rows.slice(0, length), places.length > 0 ? byPlace : null);
  }

  /** @param rows ascending. */
  selectRows(rows: Uint32Array): void {
    this.put(rows, this.markPlaces(rows));
  }

  private put(rows: Uint32Array, places: Uint8Array | null): void {
    this.selection = rows;
    this.selectedPlaces = places;
    this.ownPicked = new DataView(pack(rows, this.count).buffer);
    this.model.set("picked", this.ownPicked);
    this.model.save_changes();
  }

  private markPlaces(rows: Uint32Array): Uint8Array | null {
    if (rows.length === 0) return null;
    const mask = new Uint8Array(this.count);
    for (const row of rows) mask[this.place(row)] = 1;
    return mask;
  }

  /** Shows points under another name at once; the kernel is told, and may think better of it. */
  rename(rows: readonly number[], name: string): void {
    const others = (this.model.get("names") ?? []).filter(([row]) => !rows.includes(row));
    this.model.set("names", [...others, ...rows.map((row) => [row, name] as const)]);
    this.model.save_changes();
    this.model.send?.({ type: "rename", rows, name });
  }

  /** (n) the labels that are shown, by row. */
  labels(): Int32Array | null {
    const { segmentation } = this;
    if (!segmentation) return null;
    const labels = new Int32Array(this.count);
    for (let place = 0; place < this.count; place++) {
      labels[this.row(place)] = segmentation.numbers[segmentation.slots[place] as number] as number;
    }
    return labels;
  }

  /** The names that were given, by slot. */
  names(): Map<number, string> {
    const slots = this.segmentation?.slots;
    return namesBySlot(this.model.get("names") ?? [], (row) => (row < this.count ? slots?.[this.place(row)] : undefined));
  }

  private tell(changes: ReadonlySet<Change>): void {
    for (const listener of [...this.listeners]) listener(changes);
  }

  private take(names: ReadonlySet<ArrayName>): ReadonlySet<Change> {
    if (names.size === 0) return new Set(["waiting"]);
    const changes = new Set<Change>();
    const before = this.segmentation;
    const slotsBefore = before && this.inRows(before.slots);
    const key = this.model.get("view_key");
    if (names.has("points") || key !== this.viewKey) changes.add("points");
    this.viewKey = key;
    if (names.has("points")) this.readPoints();
    const index = names.has("points") || names.has("index") ? this.readCutter() : null;
    if (index || names.has("points")) changes.add("points");
    if (names.has("points") || names.has("index") || names.has("labels")) {
      this.recolour(before, slotsBefore);
      changes.add("labels");
    }
    if (changes.has("points")) this.readSelection();
    this.readValues();
    if (names.has("values") || changes.has("points")) changes.add("values");
    return changes;
  }

  private readPoints(): void {
    const { points: about } = this.arrays.about;
    const bytes = this.arrays.bytes("points");
    this.rowOf = this.placeOf = this.cutter = null;
    if (!about || !bytes) {
      this.byRow = this.points = NOWHERE;
      return;
    }
    const values = about.width === 2 ? (asSlots(bytes, 2) as Uint16Array) : floats(bytes);
    const vector = (numbers: readonly number[]): Vec3 => [numbers[0] ?? 0, numbers[1] ?? 0, numbers[2] ?? 0];
    this.byRow = positions(values, about.dimensions === 2 ? 2 : 3, vector(about.offset), vector(about.scale));
    this.points = this.byRow;
  }

  /** True where an index came, and with it another order. */
  private readCutter(): boolean {
    const bytes = this.arrays.bytes("index");
    const index = bytes && readIndex(bytes, this.count);
    this.cutter = index ? new Cutter(index) : null;
    if (!index) return false;
    this.rowOf = index.row;
    this.placeOf = null;
    this.points = reordered(this.byRow, index.row);
    return true;
  }

  /** The clustering anew, its colours after those of the former one, or else as they were remembered. */
  private recolour(before: Segmentation | null, slotsBefore: Slots | null): void {
    this.eps = Math.fround(this.model.get("eps"));
    const cut = this.cutter ? this.cutter.at(this.eps) : this.readLabels();
    if (!cut) {
      this.segmentation = null;
      this.colourOf = null;
      return;
    }
    const order = bySize(cut.sizes);
    const same = before && slotsBefore && slotsBefore.length === this.count;
    const index = this.cutter?.index;
    const given = same ? inherited(cut, this.inRows(cut.slots), before, slotsBefore) : this.remembered(cut.slots);
    const first = index ? order.subarray(0, REMEMBERED) : order;
    let colours = complete(given, first, cut.sizes.length);
    this.colourOf = null;
    if (index) {
      const hues = Object.entries(this.model.get("hues") ?? {}).map(([row, colour]) => [Number(row), colour] as const);
      const settled = new Map(same ? [] : hues);
      if (settled.size === 0) for (const slot of first) settled.set(cut.anchors[slot] as number, colours[slot] as number);
      this.colourOf = anchorColours(index, settled);
      colours = this.coloursOf(cut.anchors);
    }
    this.segmentation = { ...cut, order, colours };
    if (same || !index || Object.keys(this.model.get("hues") ?? {}).length === 0) this.remember();
  }

  /** The clustering at the eps of now; false where there is nothing to cut or nothing changed. */
  private recut(): boolean {
    const eps = Math.fround(this.model.get("eps"));
    if (!this.cutter || eps === this.eps || !(eps >= 0)) return false;
    const start = performance.now();
    this.eps = eps;
    const cut = this.cutter.at(eps);
    this.segmentation = { ...cut, order: bySize(cut.sizes), colours: this.coloursOf(cut.anchors) };
    this.cutTime = performance.now() - start;
    return true;
  }

  private coloursOf(anchors: Int32Array): Int32Array {
    const colours = new Int32Array(anchors.length).fill(-1);
    for (let slot = 1; slot < anchors.length; slot++) colours[slot] = this.colourOf!(anchors[slot] as number);
    return colours;
  }

  private readLabels() {
    const bytes = this.arrays.bytes("labels");
    const labels = bytes && asSlots(bytes, this.arrays.about.labels!.width);
    // Labels of another length belong to other points: better none than wrong ones.
    if (!labels || labels.length === 0 || labels.length !== this.count) return null;
    const cut = fromLabels(labels);
    return { ...cut, slots: this.inPlaces(labels) };
  }

  private readValues(): void {
    const bytes = this.arrays.bytes("values");
    const colouring = this.model.get("colouring");
    const fits = bytes !== null && bytes.length === this.count && this.count > 0;
    this.values = fits ? (this.inPlaces(bytes) as Uint8Array) : null;
    this.colouring = colouring?.kind && (fits || colouring.kind === "segment") ? colouring : BY_SEGMENT;
  }

  private readSelection(): void {
    this.selection = unpack(bytesOf(this.model.get("picked")), this.count);
    this.selectedPlaces = this.markPlaces(this.selection);
  }

  private inPlaces(byRow: Slots): Slots {
    if (!this.rowOf) return byRow;
    const out = byRow.slice();
    for (let place = 0; place < out.length; place++) out[place] = byRow[this.rowOf[place] as number] as number;
    return out;
  }

  private inRows(byPlace: Slots): Slots {
    if (!this.rowOf) return byPlace;
    const out = byPlace.slice();
    for (let place = 0; place < out.length; place++) out[this.rowOf[place] as number] = byPlace[place] as number;
    return out;
  }

  private remembered(slots: Slots): Map<number, number> {
    const given = new Map<number, number>();
    for (const [row, colour] of Object.entries(this.model.get("hues") ?? {})) {
      if (Number(row) >= this.count) continue;
      const slot = slots[this.place(Number(row))] as number;
      if (slot > 0 && !given.has(slot)) given.set(slot, colour);
    }
    return given;
  }

  private remember(): void {
    const { order, anchors, colours } = this.segmentation as Segmentation;
    const hues: Record<string, number> = {};
    for (const slot of order.subarray(0, REMEMBERED)) hues[String(anchors[slot])] = colours[slot] as number;
    const now = this.model.get("hues") ?? {};
    const keys = Object.keys(hues);
    if (keys.length === Object.keys(now).length && keys.every((row) => now[row] === hues[row])) return;
    this.model.set("hues", hues);
    this.model.save_changes();
  }
}
