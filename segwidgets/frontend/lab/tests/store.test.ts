import { describe, expect, it } from "vitest";
import type { RunRow, RunsPage } from "../src/api";
import { PAGE, RunStore } from "../src/jobs/store";

/** A server with these runs, which keeps what it was asked for. */
class Runs {
  asked: number[] = [];
  constructor(public rows: RunRow[]) {}
  fetch = (offset: number, limit: number): Promise<RunsPage> => {
    this.asked.push(offset);
    return Promise.resolve({ runs: this.rows.slice(offset, offset + limit), total: this.rows.length, problem: "" });
  };
}

const row = (at: number, status = "completed"): RunRow => ({ name: `run-${at}`, status });
const many = (count: number): RunRow[] => Array.from({ length: count }, (_, at) => row(at));
const look = async (store: RunStore): Promise<number> => {
  let told = 0;
  await store.look(() => told++);
  return told;
};

describe("the runs", () => {
  it("come page by page, and each page is told", async () => {
    const server = new Runs(many(2 * PAGE + 10));
    const store = new RunStore(server.fetch);
    expect(await look(store)).toBe(3);
    expect(server.asked).toEqual([0, PAGE, 2 * PAGE]);
    expect(store.runs.length).toBe(2 * PAGE + 10);
    expect(store.runs.at(-1)?.name).toBe(`run-${2 * PAGE + 9}`);
  });

  it("are asked for again by their first page only, and by pages with runs that have not ended", async () => {
    const server = new Runs(many(3 * PAGE));
    server.rows[2 * PAGE + 5] = row(2 * PAGE + 5, "running");
    const store = new RunStore(server.fetch);
    await look(store);
    server.asked = [];
    server.rows[2 * PAGE + 5] = row(2 * PAGE + 5);
    await look(store);
    expect(server.asked).toEqual([0, 2 * PAGE]);
    server.asked = [];
    await look(store);
    expect(server.asked).toEqual([0]);
  });

  it("are all read anew when there is one more, and none stands there twice", async () => {
    const server = new Runs(many(2 * PAGE));
    const store = new RunStore(server.fetch);
    await look(store);
    server.rows = [{ name: "newest", status: "running" }, ...server.rows];
    server.asked = [];
    await look(store);
    expect(server.asked).toEqual([0, PAGE, 2 * PAGE]);
    expect(store.runs.length).toBe(2 * PAGE + 1);
    expect(new Set(store.runs.map((run) => run.id)).size).toBe(2 * PAGE + 1);
    expect(store.runs[0]?.name).toBe("newest");
  });

  it("that are gone are gone", async () => {
    const server = new Runs(many(PAGE + 5));
    const store = new RunStore(server.fetch);
    await look(store);
    server.rows = many(3);
    await look(store);
    expect(store.runs.length).toBe(3);
  });

  it("of what was asked for before do not come late into what is asked for now", async () => {
    let answer: (page: RunsPage) => void = () => undefined;
    const store = new RunStore(() => new Promise((resolve) => (answer = resolve)));
    const looking = store.look(() => undefined);
    store.clear();
    answer({ runs: many(3), total: 3, problem: "" });
    await looking;
    expect(store.runs).toEqual([]);
  });
});
