import { describe, expect, it } from "vitest";
import { shut } from "../src/jobs/report";
import type { Asked, Run } from "../src/jobs/model";
import { ago, canStop, chosen, consolePage, costText, details, hasReport, isLive, listed, parted, progressOf, statuses, stepped, summary, toRun, toRuns } from "../src/jobs/model";
import { english } from "./english";

const run = (name: string, changes: Record<string, unknown> = {}): Run =>
  toRun({ name, status: "completed", verdict: "exact", segments: 5, silhouette: 0.5, coverage: 0.9, started: "2026-11-26T10:00:00+00:00", ...changes });
const all: Asked = { text: "", status: "", sortBy: "started", descending: true };
const names = (runs: readonly Run[]): string[] => runs.map((one) => one.name);

describe("a row of the server", () => {
  it("keeps plain values only", () => {
    const made = toRun({ name: "a", status: "failed", experiment: "spring", source: "mlflow", eps: null, odd: { deep: 1 }, list: [1] });
    expect(made).toEqual({ id: "a\nspring", name: "a", status: "failed", experiment: "spring", source: "mlflow", eps: null });
  });
});

describe("the id of a run", () => {
  it("stays when a tracker gets to know it", () => {
    expect(toRun({ name: "a", experiment: "spring", source: "" }).id).toBe(toRun({ name: "a", experiment: "spring", source: "local" }).id);
  });

  it("tells runs of one name apart", () => {
    expect(new Set(toRuns([{ name: "a" }, { name: "a" }, { name: "a", experiment: "b" }]).map((one) => one.id)).size).toBe(3);
  });
});

describe("which runs are listed", () => {
  const runs = [
    run("old", { started: "2026-11-01T00:00:00+00:00", experiment: "spring" }),
    run("new", { started: "2026-11-02T00:00:00+00:00", status: "running", silhouette: null }),
    run("bad", { started: "2026-11-01T12:00:00+00:00", status: "failed", silhouette: 0.9 }),
  ];

  it("are all, the newest first, by default", () => {
    expect(names(listed(runs, all))).toEqual(["new", "bad", "old"]);
  });

  it("are those of a status, those that have not ended, those with every word", () => {
    expect(names(listed(runs, { ...all, status: "failed" }))).toEqual(["bad"]);
    expect(names(listed(runs, { ...all, status: "live" }))).toEqual(["new"]);
    expect(names(listed(runs, { ...all, text: "spring OLD" }))).toEqual(["old"]);
    expect(names(listed(runs, { ...all, text: "spring new" }))).toEqual([]);
  });

  it("have those without a value last in both directions", () => {
    expect(names(listed(runs, { ...all, sortBy: "silhouette" }))).toEqual(["bad", "old", "new"]);
    expect(names(listed(runs, { ...all, sortBy: "silhouette", descending: false }))).toEqual(["old", "bad", "new"]);
  });

  it("offer the statuses that there are", () => {
    expect(statuses(runs)).toEqual(["completed", "failed", "running"]);
  });
});

describe("what a run says in a line", () => {
  it("is its verdict and scores when it has completed", () => {
    expect(summary(run("a"), english)).toBe("exact · 5 segments · silhouette 0.50");
    expect(summary(run("a", { verdict: "", segments: 1, silhouette: null }), english)).toBe("no verdict · 1 segment");
  });

  it("is how far it is while it runs, and why it failed", () => {
    expect(summary(run("a", { status: "running", stage: "layout", progress: 0.434 }), english)).toBe("layout · 43 %");
    expect(summary(run("a", { status: "failed", reason: "The disk is full." }), english)).toBe("failed · The disk is full.");
    expect(summary(run("a", { status: "stopped", reason: "stopped on request" }), english)).toBe("stopped on request");
  });

  it("has a cost only where one is known, and says when it is the most it can be", () => {
    expect(costText(run("a"), english)).toBe("");
    expect(costText(run("a", { cost: 1.204 }), english)).toBe("$1.20");
    expect(costText(run("a", { cost: 0.004 }), english)).toBe("<$0.01");
    expect(costText(run("a", { cost: 4, cost_is_limit: true }), english)).toBe("at most $4.00");
  });

  it("tells when it started as briefly as it can", () => {
    const now = Date.parse("2026-11-26T12:00:00Z");
    const at = (started: string): string => ago(started, now, english);
    expect(["2026-11-26T12:00:20Z", "2026-11-26T11:15:00Z", "2026-11-26T01:00:00Z", "2026-11-24T12:00:00Z", "2026-10-01T12:00:00Z", ""].map(at)).toEqual([
      "now", "45 min", "11 h", "2 d", "1 Oct 2026", "",
    ]);
  });

  it("keeps the end of a long name, which tells jobs of one day apart", () => {
    expect(parted("segwidgets-20261126-211633-220460")).toEqual(["segwidgets-20261126-", "211633-220460"]);
    expect(parted("other-12")).toEqual(["other-12", ""]);
  });
});

describe("what can be done with a run", () => {
  it("is to stop it while it has not ended and is a job of this machine", () => {
    expect(canStop(run("a", { status: "running", target: "local" }))).toBe(true);
    expect(canStop(run("a", { status: "running" })), "tracked elsewhere").toBe(false);
    expect(canStop(run("a", { target: "local" })), "ended").toBe(false);
    expect(isLive(run("a", { status: "queued" })), "a status that is not known here has not ended").toBe(true);
  });

  it("is to open its console page where the address is safe", () => {
    expect(consolePage(run("a", { console: "https://console.example/jobs/a" }))).toBe("https://console.example/jobs/a");
    for (const address of ["javascript:alert(1)", "http://console.example", "jobs/a", "", null]) expect(consolePage(run("a", { console: address }))).toBe("");
  });

  it("is to read its report where there is one", () => {
    expect(hasReport(run("a", { report: true }))).toBe(true);
    expect(hasReport(run("a", { report: "yes" }))).toBe(false);
  });

  it("has no progress once it has ended", () => {
    expect(progressOf(run("a", { progress: 1 }))).toBeNull();
    expect(progressOf(run("a", { status: "running", progress: 1.2 }))).toBe(1);
  });
});

describe("the details of a run", () => {
  it("leave out what is not known", () => {
    const found = details(run("a", { eps: 0.45, source: "local", target: "local", started: null }), english);
    expect(Object.fromEntries(found.map(({ label, value }) => [label, value]))).toEqual({
      Status: "completed", Verdict: "exact", Segments: "5", Coverage: "90 %", Silhouette: "0.5", eps: "0.45", Source: "local",
    });
  });
});

describe("choosing", () => {
  it("takes one, or up to two with a modifier, of which the older gives way", () => {
    expect(chosen(["a"], "b", false)).toEqual(["b"]);
    expect(chosen(["a"], "b", true)).toEqual(["a", "b"]);
    expect(chosen(["a", "b"], "c", true)).toEqual(["b", "c"]);
    expect(chosen(["a", "b"], "a", true)).toEqual(["b"]);
  });

  it("moves by key within the list", () => {
    expect([stepped("ArrowDown", 0, 9, 5), stepped("PageDown", 6, 9, 5), stepped("ArrowUp", 0, 9, 5), stepped("End", 3, 9, 5), stepped("Home", 3, 9, 5)]).toEqual([1, 8, 0, 8, 0]);
    expect(stepped("x", 3, 9, 5)).toBeNull();
    expect(stepped("ArrowDown", 0, 0, 5)).toBeNull();
  });
});

describe("a report", () => {
  it("is given its rule before anything of its own", () => {
    const rule = '<meta http-equiv="Content-Security-Policy"';
    expect(shut("<!doctype html><html><head lang='x'><script>1</script></head>")).toMatch(new RegExp(`^<!doctype html><html><head lang='x'>${rule}`));
    expect(shut("<!doctype html><header>x</header>")).toMatch(new RegExp(`^<!doctype html>${rule}`));
    expect(shut("<p>x</p>").startsWith(rule)).toBe(true);
  });
});
