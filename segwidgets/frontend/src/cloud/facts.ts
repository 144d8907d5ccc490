import type { Model } from "../shared/model";
import { onMessage } from "../shared/model";
import type { CloudTraits } from "./traits";

export type Fact = readonly [string, string];

const KEPT = 500;
/** Milliseconds after which a question counts as lost. */
const LOST = 5000;

/** Asks the kernel what it knows of a row; one question at a time, so that a busy kernel finds no heap of them later. */
export class Facts {
  private readonly known = new Map<number, readonly Fact[]>();
  private asked: { row: number; time: number } | null = null;
  private next: number | null = null;
  private readonly unlisten: () => void;

  /** @param told is called when an answer came. */
  constructor(
    private readonly model: Model<CloudTraits>,
    private readonly told: (row: number, facts: readonly Fact[]) => void,
  ) {
    this.unlisten = onMessage(model, (content) => {
      if (content["type"] !== "described") return;
      const row = content["row"] as number;
      const facts = content["facts"] as readonly Fact[];
      if (this.known.size >= KEPT) this.known.delete(this.known.keys().next().value as number);
      this.known.set(row, facts);
      if (this.asked?.row === row) this.asked = null;
      this.told(row, facts);
      if (this.next !== null) this.of(this.next);
    });
  }

  /** What is known already; otherwise it is asked for, the newest row first. */
  of(row: number): readonly Fact[] {
    this.next = null;
    const known = this.known.get(row);
    if (known || !this.model.get("describes")) return known ?? [];
    const now = performance.now();
    if (this.asked && now - this.asked.time < LOST) {
      if (this.asked.row !== row) this.next = row;
      return [];
    }
    this.asked = { row, time: now };
    this.model.send?.({ type: "describe", row });
    return [];
  }

  /** Other points have other facts. */
  forget(): void {
    this.known.clear();
  }

  dispose(): void {
    this.unlisten();
  }
}
