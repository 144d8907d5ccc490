import { describe, expect, it } from "vitest";
import { CloudStore } from "../src/cloud/store";
import type { ArrayName, CloudTraits } from "../src/cloud/traits";
import type { Listener, Model } from "../src/shared/model";
import vectors from "./vectors/cuts.json";

/** What the page's widget manager does with one message: all traits first, then their events. */
class Page implements Model<CloudTraits> {
  readonly sent: unknown[] = [];
  private readonly listeners = new Map<string, Set<Listener>>();
  constructor(readonly traits: CloudTraits) {}
  get<K extends keyof CloudTraits>(name: K): CloudTraits[K] {
    return this.traits[name];
  }
  set<K extends keyof CloudTraits>(name: K, value: CloudTraits[K]): void {
    this.traits[name] = value;
    this.fire(`change:${name}`);
  }
  save_changes(): void {}
  on(name: string, callback: Listener): void {
    this.listeners.set(name, (this.listeners.get(name) ?? new Set()).add(callback));
  }
  off(name: string, callback: Listener): void {
    this.listeners.get(name)?.delete(callback);
  }
  send(content: unknown): void {
    this.sent.push(content);
  }
  async message(traits: Partial<CloudTraits>): Promise<void> {
    Object.assign(this.traits, traits);
    for (const name of Object.keys(traits)) this.fire(`change:${name}`);
    await Promise.resolve();
  }
  async arrays(parts: Partial<Record<ArrayName, [number, DataView]>>): Promise<void> {
    const versions = Object.entries(parts).map(([name, [version]]) => [name, version]);
    this.fire("msg:custom", { type: "arrays", versions }, Object.values(parts).map(([, bytes]) => bytes));
    await Promise.resolve();
  }
  private fire(name: string, ...parts: unknown[]): void {
    for (const call of this.listeners.get(name) ?? []) (call as (...all: unknown[]) => void)(...parts);
  }
}

const bytes = (values: Float32Array | Uint8Array) => new DataView(values.buffer);
const points = (count: number) => bytes(Float32Array.from({ length: 3 * count }, (_, i) => i));
const aboutPoints = (count: number, version = 1, kept = true) => ({
  version, kept, width: 4, count, dimensions: 3, offset: [0, 0, 0], scale: [1, 1, 1],
});
const aboutLabels = (version = 2, kept = true) => ({ version, kept, width: 1 });
const empty: CloudTraits = {
  arrays: {}, points: null, labels: null, index: null, values: null, view_key: 0, caption: "", height: 480,
  point_size: 0, opacity: 0, eps: 0, names: [], hues: {}, colouring: { by: "segment", kind: "segment" },
  colour_choices: [], picked: null, describes: false, still: null, look: {},
};
const setUp = (traits: Partial<CloudTraits> = {}) => {
  const page = new Page({
    ...empty,
    arrays: { points: aboutPoints(3), labels: aboutLabels() },
    points: points(3),
    labels: bytes(Uint8Array.from([0, 1, 1])),
    ...traits,
  });
  const store = new CloudStore(page);
  const heard: string[][] = [];
  store.subscribe((changes) => heard.push([...changes].sort()));
  return { page, store, heard };
};

describe("the store", () => {
  it("reads what the model holds before any view asks", () => {
    const { store } = setUp();
    expect(store.count).toBe(3);
    expect([...store.segmentation!.sizes]).toEqual([1, 2]);
  });

  it("tells of points and labels of one message once", async () => {
    const { page, store, heard } = setUp();
    await page.message({
      arrays: { points: aboutPoints(2, 3), labels: aboutLabels(4) },
      points: points(2),
      labels: bytes(Uint8Array.from([1, 2])),
    });
    expect(heard).toEqual([["labels", "points", "values"]]);
    expect([store.count, [...store.segmentation!.order]]).toEqual([2, [1, 2]]);
  });

  it("leaves the points alone when only labels change", async () => {
    const { page, heard } = setUp();
    await page.message({ arrays: { points: aboutPoints(3), labels: aboutLabels(5) }, labels: bytes(Uint8Array.from([1, 1, 1])) });
    expect(heard).toEqual([["labels"]]);
  });

  it("ignores labels of another length", async () => {
    const { page, store } = setUp();
    await page.message({ arrays: { points: aboutPoints(3), labels: aboutLabels(5) }, labels: bytes(Uint8Array.from([1, 2])) });
    expect(store.segmentation).toBeNull();
  });

  it("is silent once it is disposed of", async () => {
    const { page, store, heard } = setUp();
    store.dispose();
    await page.message({ arrays: { points: aboutPoints(9, 7) }, points: points(9) });
    expect(heard).toEqual([]);
  });
});

describe("large arrays", () => {
  const large = { arrays: { points: aboutPoints(3, 1, false), labels: aboutLabels(2, false) }, points: null, labels: null };
  const both = { points: [1, points(3)] as [number, DataView], labels: [2, bytes(Uint8Array.from([1, 1, 2]))] as [number, DataView] };

  it("are asked for once, and shown when all of them are there", async () => {
    const { page, store, heard } = setUp(large);
    expect(page.sent).toEqual([{ type: "ask", names: ["points", "labels"] }]);
    expect([store.count, store.expected]).toEqual([0, 3]);
    await page.arrays({ points: both.points });
    expect(store.count).toBe(0);
    await page.arrays({ labels: both.labels });
    expect([store.count, store.expected, heard.at(-1)]).toEqual([3, 0, ["labels", "points", "values"]]);
    expect(page.sent).toHaveLength(1);
  });

  it("that came ahead of the trait that names them are not asked for", async () => {
    const { page, store } = setUp();
    await page.arrays({ labels: [9, bytes(Uint8Array.from([1, 2, 2]))] });
    expect([...store.segmentation!.sizes]).toEqual([1, 2]);
    await page.message({ arrays: { points: aboutPoints(3), labels: aboutLabels(9, false) } });
    expect([...store.segmentation!.sizes]).toEqual([0, 1, 2]);
    expect(page.sent).toEqual([]);
  });

  it("leave the former picture until they are there", async () => {
    const { page, store } = setUp();
    await page.message({ arrays: { points: aboutPoints(3), labels: aboutLabels(9, false) } });
    expect([...store.segmentation!.sizes]).toEqual([1, 2]);
    await page.arrays({ labels: [9, bytes(Uint8Array.from([1, 2, 2]))] });
    expect([...store.segmentation!.sizes]).toEqual([0, 1, 2]);
  });
});

describe("with an index", () => {
  const vector = vectors[0]!;
  const n = vector.row.length;
  const numbers = (values: (number | null)[]) => values.map((value) => value ?? Infinity);
  const block = new Uint8Array(20 * n);
  [Int32Array.from(vector.row), Float32Array.from(numbers(vector.gap)), Float32Array.from(numbers(vector.core)), Float32Array.from(numbers(vector.entry)), Int32Array.from(vector.host)].forEach((part, at) => block.set(new Uint8Array(part.buffer), 4 * n * at));
  const middle = vector.cuts[Math.floor(vector.cuts.length / 2)]!;
  const labels = bytes(Uint8Array.from(middle.labels, (label) => label + 1));
  const shown = { arrays: { points: aboutPoints(n), labels: aboutLabels() }, points: points(n), labels, eps: middle.eps };
  const indexed = { arrays: { ...shown.arrays, index: { version: 3, width: 20, kept: true } }, index: bytes(block) };
  const byRow = (store: CloudStore, of: (slot: number) => number) =>
    Array.from({ length: n }, (_, row) => of(store.segmentation!.slots[store.place(row)]!));

  it("labels by itself at every eps, whoever moves it", async () => {
    const { page, store } = setUp({ ...shown, ...indexed });
    for (const { eps, labels: expected } of vector.cuts) {
      await page.message({ eps });
      expect(byRow(store, (slot) => store.segmentation!.numbers[slot]!)).toEqual(expected);
    }
    expect(page.sent).toEqual([]);
  });

  it("changes no colour when the index comes, nor on the way to another eps and back", async () => {
    const { page, store } = setUp(shown);
    const colours = () => byRow(store, (slot) => store.segmentation!.colours[slot]!);
    const before = colours();
    await page.message(indexed);
    expect(store.cutsItself).toBe(true);
    expect(colours()).toEqual(before);
    await page.message({ eps: vector.cuts[2]!.eps });
    await page.message({ eps: middle.eps });
    expect(colours()).toEqual(before);
  });

  it("keeps a place for every row, and goes back to labels when the index goes", async () => {
    const { page, store } = setUp({ ...shown, ...indexed });
    for (let row = 0; row < n; row++) expect(store.row(store.place(row))).toBe(row);
    store.selectRows(Uint32Array.of(5, 7));
    expect([...store.selectedPlaces!].flatMap((on, place) => (on ? [store.row(place)] : [])).sort()).toEqual([5, 7]);
    const two = Uint8Array.from({ length: n }, (_, row) => 1 + (row % 2));
    await page.message({ arrays: { points: aboutPoints(n), labels: aboutLabels(9) }, labels: bytes(two), index: null });
    expect(byRow(store, (slot) => slot)).toEqual([...two]);
  });

  it("shows the colours that it had before the page was loaded again", async () => {
    const first = setUp(shown);
    await first.page.message(indexed);
    await first.page.message({ eps: vector.cuts[4]!.eps });
    const again = setUp({ ...first.page.traits, ...indexed });
    const colours = ({ store }: typeof again) => byRow(store, (slot) => store.segmentation!.colours[slot]!);
    expect(colours(again)).toEqual(colours(first));
  });
});
