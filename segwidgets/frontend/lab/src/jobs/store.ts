import type { RunsPage } from "../api";
import type { Run } from "./model";
import { isLive, toRuns } from "./model";

/** Runs in one answer: enough for most, small enough to be asked for every few seconds. */
export const PAGE = 250;

export type Fetch = (offset: number, limit: number) => Promise<RunsPage>;

/**
 * All runs, fetched in pages. A look fetches the first page; the others only when they are new, when the number of runs
 * has changed (everything moved), or when they hold runs that have not ended.
 */
export class RunStore {
  runs: readonly Run[] = [];
  total = 0;
  problem = "";
  private pages: Run[][] = [];
  private generation = 0;

  constructor(private readonly fetch: Fetch) {}

  /** Forgets all, as when another experiment is asked for; a look that is under way is dropped. */
  clear(): void {
    this.generation++;
    this.pages = [];
    this.runs = [];
    this.total = 0;
    this.problem = "";
  }

  /** Looks, and calls `changed` after each page that brought something new. */
  async look(changed: () => void): Promise<void> {
    const mine = this.generation;
    const first = await this.fetch(0, PAGE);
    if (mine !== this.generation) return;
    const moved = first.total !== this.total;
    this.total = first.total;
    this.problem = first.problem;
    this.pages.length = Math.max(1, Math.ceil(this.total / PAGE));
    this.put(0, first);
    changed();
    for (const index of this.due(moved)) {
      const page = await this.fetch(index * PAGE, PAGE);
      if (mine !== this.generation) return;
      this.put(index, page);
      changed();
    }
  }

  private due(moved: boolean): number[] {
    const indices = Array.from({ length: this.pages.length }, (_, index) => index).slice(1);
    return indices.filter((index) => moved || (this.pages[index]?.some(isLive) ?? true));
  }

  private put(index: number, page: RunsPage): void {
    this.pages[index] = toRuns(page.runs);
    // A run that moved from one page to the next between two answers stands in both.
    const seen = new Map<string, Run>();
    for (const runs of this.pages) for (const run of runs ?? []) if (!seen.has(run.id)) seen.set(run.id, run);
    this.runs = [...seen.values()];
  }
}
