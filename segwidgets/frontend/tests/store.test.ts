import { describe, expect, it } from "vitest";
import { CloudStore, type CloudTraits } from "../src/cloud/store";
import type { Model } from "../src/shared/model";

/** What the page's widget manager does with one message: all traits first, then their events. */
class Page implements Model<CloudTraits> {
  private readonly listeners = new Map<string, Set<() => void>>();
  constructor(private readonly traits: CloudTraits) {}
  get<K extends keyof CloudTraits>(name: K): CloudTraits[K] {
    return this.traits[name];
  }
  set<K extends keyof CloudTraits>(name: K, value: CloudTraits[K]): void {
    this.traits[name] = value;
  }
  save_changes(): void {}
  on(name: string, callback: () => void): void {
    this.listeners.set(name, (this.listeners.get(name) ?? new Set()).add(callback));
  }
  off(name: string, callback: () => void): void {
    this.listeners.get(name)?.delete(callback);
  }
  async message(traits: Partial<CloudTraits>): Promise<void> {
    Object.assign(this.traits, traits);
    for (const name of Object.keys(traits)) for (const call of this.listeners.get(`change:${name}`) ?? []) call();
    await Promise.resolve();
  }
}

const bytes = (values: Float32Array | Uint8Array) => new DataView(values.buffer);
const points = (count: number) => bytes(Float32Array.from({ length: 3 * count }, (_, i) => i));
const setUp = () => {
  const page = new Page({
    points: points(3),
    dimensions: 3,
    labels: bytes(Uint8Array.from([0, 1, 1])),
    label_bytes: 1,
    view_key: 0,
    caption: "",
    height: 480,
    point_size: 0,
  });
  const store = new CloudStore(page);
  const heard: string[][] = [];
  store.subscribe((changes) => heard.push([...changes]));
  return { page, store, heard };
};

describe("the store", () => {
  it("reads what the model holds before any view asks", () => {
    const { store } = setUp();
    expect(store.count).toBe(3);
    expect([...store.labelled!.sizes]).toEqual([1, 2]);
  });

  it("tells of points and labels of one message once", async () => {
    const { page, store, heard } = setUp();
    await page.message({ points: points(2), labels: bytes(Uint8Array.from([1, 2])) });
    expect(heard).toEqual([["points", "labels"]]);
    expect([store.count, store.labelled!.order]).toEqual([2, [1, 2]]);
  });

  it("leaves the points alone when only labels change", async () => {
    const { page, heard } = setUp();
    await page.message({ labels: bytes(Uint8Array.from([1, 1, 1])) });
    expect(heard).toEqual([["labels"]]);
  });

  it("ignores labels of another length until their points come", async () => {
    const { page, store } = setUp();
    await page.message({ labels: bytes(Uint8Array.from([1, 2])) });
    expect(store.labelled).toBeNull();
    await page.message({ points: points(2) });
    expect([...store.labelled!.sizes]).toEqual([0, 1, 1]);
  });

  it("is silent once it is disposed of", async () => {
    const { page, store, heard } = setUp();
    store.dispose();
    await page.message({ points: points(9) });
    expect(heard).toEqual([]);
  });
});
