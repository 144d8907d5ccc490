import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Facts } from "../src/cloud/facts";
import type { CloudTraits } from "../src/cloud/traits";
import type { Listener, Model } from "../src/shared/model";

const setUp = (describes = true) => {
  const asked: number[] = [];
  let hear: Listener = () => undefined;
  const model = {
    get: () => describes,
    on: (_: string, callback: Listener) => (hear = callback),
    off: () => undefined,
    send: (content: { row: number }) => asked.push(content.row),
  } as unknown as Model<CloudTraits>;
  const told: number[] = [];
  const facts = new Facts(model, (row) => told.push(row));
  const answer = (row: number) => (hear as (content: unknown) => void)({ type: "described", row, facts: [["id", `C-${row}`]] });
  return { facts, asked, told, answer };
};

describe("questions to the kernel", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["performance"] }));
  afterEach(() => void vi.useRealTimers());

  it("are asked once, and the answer is remembered", () => {
    const { facts, asked, told, answer } = setUp();
    expect(facts.of(7)).toEqual([]);
    answer(7);
    expect(told).toEqual([7]);
    expect(facts.of(7)).toEqual([["id", "C-7"]]);
    expect(asked).toEqual([7]);
  });

  it("do not pile up for a busy kernel: the newest waits for the answer before", () => {
    const { facts, asked, answer } = setUp();
    for (const row of [1, 2, 3]) facts.of(row);
    expect(asked).toEqual([1]);
    answer(1);
    expect(asked).toEqual([1, 3]);
  });

  it("are asked again after one was lost", () => {
    const { facts, asked } = setUp();
    facts.of(1);
    vi.advanceTimersByTime(6000);
    facts.of(2);
    expect(asked).toEqual([1, 2]);
  });

  it("are none where the kernel has nothing to tell", () => {
    const { facts, asked } = setUp(false);
    expect(facts.of(1)).toEqual([]);
    expect(asked).toEqual([]);
  });

  it("are asked anew of other points", () => {
    const { facts, asked, answer } = setUp();
    facts.of(7);
    answer(7);
    facts.forget();
    facts.of(7);
    expect(asked).toEqual([7, 7]);
  });
});
