import { describe, expect, it } from "vitest";
import { axes, brushed, drawn, place } from "../src/leaderboard/axes";
import { NOTHING, constraints, keeps, typed, within } from "../src/leaderboard/constraints";
import { lines } from "../src/leaderboard/pair";
import { front } from "../src/leaderboard/pareto";
import type { Run } from "../src/leaderboard/runs";
import { COLUMNS, pressed, shown, sorted, span } from "../src/leaderboard/runs";
import { OVERSCAN, moved, reveal, visible } from "../src/leaderboard/window";

const run = (id: string, changes: Partial<Run> = {}): Run => ({
  id, name: `run-${id}`, status: "completed", verdict: "exact", segments: 5, smallest: 0.04, coverage: 0.9, silhouette: 0.5, ...changes,
});
const ids = (runs: readonly Run[]): string => runs.map((one) => one.id).join("");
const none: ReadonlySet<string> = new Set();

describe("the order of runs", () => {
  it("puts what has no value last in both directions, in the order it came", () => {
    const runs = [run("a", { silhouette: null }), run("b", { silhouette: 0.2 }), run("c"), run("d", { silhouette: undefined })];
    expect(ids(sorted(runs, "silhouette", true, none))).toBe("cbad");
    expect(ids(sorted(runs, "silhouette", false, none))).toBe("bcad");
  });

  it("counts numbers in names as numbers, and knows times", () => {
    expect(ids(sorted([run("a", { name: "try-10" }), run("b", { name: "try-9" })], "name", false, none))).toBe("ba");
    const times = [run("a", { started: "2026-01-02T00:00:00+00:00" }), run("b", { started: "2026-01-02T00:30:00+01:00" })];
    expect(ids(sorted(times, "started", false, none)), "half past midnight in Berlin is before midnight in London").toBe("ba");
  });

  it("can be by every column", () => {
    const runs = ["b", "a"].map((id) => run(id, Object.fromEntries(COLUMNS.map(({ key, kind }) => [key, kind === "text" ? id : kind === "time" ? `2026-01-0${id === "a" ? 1 : 2}` : id.charCodeAt(0)]))));
    for (const { key } of COLUMNS) expect(ids(sorted(runs, key, false, new Set(["b"]))), key).toBe("ab");
  });

  it("turns round at the second press; numbers start at the highest, words at A", () => {
    expect(pressed("coverage", "name", false)).toEqual({ key: "coverage", descending: true });
    expect(pressed("coverage", "coverage", true)).toEqual({ key: "coverage", descending: false });
    expect(pressed("name", "coverage", true)).toEqual({ key: "name", descending: false });
  });
});

describe("what a cell shows", () => {
  it("is a dash where a run has nothing", () => {
    for (const column of COLUMNS.filter(({ kind }) => kind !== "text" && kind !== "mark")) expect(shown({ id: "a", name: "a" }, column, none), column.key).toBe("–");
  });

  it("tells durations in words", () => {
    expect([span(3.21), span(59), span(250), span(7500)]).toEqual(["3.2 s", "59 s", "4 min 10 s", "2 h 5 min"]);
  });
});

describe("constraints", () => {
  it("hold noise, segments and the smallest to their limits, which are allowed themselves", () => {
    const asked = { ...NOTHING, noise_max: 15, segments_min: 4, segments_max: 9, smallest_min: 2 };
    expect(keeps(run("a", { coverage: 0.85, segments: 4, smallest: 0.02 }), asked)).toBe(true);
    expect(keeps(run("a", { coverage: 0.849 }), asked)).toBe(false);
    expect(keeps(run("a", { segments: 3 }), asked)).toBe(false);
    expect(keeps(run("a", { segments: 10 }), asked)).toBe(false);
    expect(keeps(run("a", { smallest: 0.019 }), asked)).toBe(false);
  });

  it("leave out a run that has no value for what is asked, and ask for nothing where nothing is given", () => {
    const bare: Run = { id: "a", name: "a" };
    expect(keeps(bare, NOTHING)).toBe(true);
    expect(keeps(bare, { ...NOTHING, noise_max: 100 })).toBe(false);
    expect(keeps(bare, { ...NOTHING, smallest_min: 0 })).toBe(false);
  });

  it("tell exact verdicts from those that differ and from none", () => {
    const verdicts = [run("a"), run("b", { verdict: "ARI=0.98" }), run("c", { verdict: "" }), run("d", { verdict: null })];
    const by = (verdict: "exact" | "differs" | "none"): string => ids(verdicts.filter((one) => keeps(one, { ...NOTHING, verdict })));
    expect([by("exact"), by("differs"), by("none")]).toEqual(["a", "b", "cd"]);
  });

  it("find every word in the names of run, experiment, trial and source", () => {
    const one = run("a", { experiment: "Spring", trial: "north" });
    expect(keeps(one, { ...NOTHING, text: "spring RUN" })).toBe(true);
    expect(keeps(one, { ...NOTHING, text: "spring south" })).toBe(false);
  });

  it("that were kept wrongly ask for nothing", () => {
    expect(constraints({ noise_max: "15", verdict: "maybe", text: 3 })).toEqual(NOTHING);
  });

  it("are typed as people write them, or refused with what is allowed", () => {
    expect([typed(" 15 % ", 100), typed("2,5", 100), typed("", 100)]).toEqual([15, 2.5, null]);
    expect(typed("120", 100)).toContain("from 0 to 100");
    expect(typed("few", Number.POSITIVE_INFINITY)).toContain("“few”");
  });
});

describe("the Pareto front", () => {
  it("has the runs that no other beats, equals together", () => {
    const runs = [
      run("a", { silhouette: 0.9, coverage: 0.5 }), run("b", { silhouette: 0.5, coverage: 0.9 }), run("c", { silhouette: 0.5, coverage: 0.8 }),
      run("d", { silhouette: 0.5, coverage: 0.9 }), run("e", { silhouette: 0.4, coverage: 0.9 }), run("f", { silhouette: null, coverage: 1 }),
    ];
    expect([...front(runs, "silhouette", "coverage")].sort().join("")).toBe("abd");
  });

  it("agrees with the definition on many runs", () => {
    const noise = (seed: number): number => Math.round(((Math.sin(seed * 12.9898) * 43758.5453) % 1) * 12) / 12;
    const runs = Array.from({ length: 300 }, (_, i) => run(String(i), { silhouette: noise(i + 1), coverage: noise(i + 1000) }));
    const [x, y] = [(one: Run) => one["silhouette"] as number, (one: Run) => one["coverage"] as number];
    const beaten = (one: Run): boolean => runs.some((other) => x(other) >= x(one) && y(other) >= y(one) && (x(other) > x(one) || y(other) > y(one)));
    expect([...front(runs, "silhouette", "coverage")].sort()).toEqual(runs.filter((one) => !beaten(one)).map((one) => one.id).sort());
  });

  it("wants fewer segments and shorter runs", () => {
    expect([...front([run("a", { segments: 3, duration: 9 }), run("b", { segments: 4, duration: 9 })], "segments", "duration")]).toEqual(["a"]);
  });
});

describe("brushes", () => {
  const [axis] = axes([run("a", { n_neighbors: 10 }), run("b", { n_neighbors: 50 }), run("c")]);
  if (!axis) throw new Error("there is an axis");

  it("take the axis' own ends in whole, drawn upwards or downwards", () => {
    expect([axis.low, axis.high, axis.known]).toEqual([10, 50, 2]);
    expect(drawn(axis, 0.5, 1.2)).toEqual([30, 50]);
    expect(drawn(axis, 0.5, -3)).toEqual([10, 30]);
  });

  it("keep the runs within all of them, and none without a value", () => {
    const brushes = brushed(brushed({}, "n_neighbors", [10, 30]), "segments", [5, 5]);
    const runs = [run("a", { n_neighbors: 10 }), run("b", { n_neighbors: 31 }), run("c"), run("d", { n_neighbors: 30, segments: 6 })];
    expect(ids(runs.filter((one) => within(one, brushes)))).toBe("a");
    expect(brushed(brushes, "segments", null)).toEqual({ n_neighbors: [10, 30] });
  });

  it("stand in the middle of an axis on which all runs are equal", () => {
    expect(place({ key: "eps", low: 2, high: 2, known: 3 }, 2)).toBe(0.5);
  });
});

describe("two runs beside each other", () => {
  const found = lines(run("a", { eps: 0.5, min_samples: 5, note: "x" }), run("b", { eps: 0.7, min_samples: 5, coverage: 0.85, note: "y" }));

  it("begin with the settings that differ, columns nobody knows among them", () => {
    expect(found.filter((line) => line.group === "settings").map((line) => [line.label, line.first, line.second, line.change])).toEqual([
      ["eps", "0.5", "0.7", "+0.2"], ["note", "x", "y", ""],
    ]);
    expect(found[0]?.group).toBe("settings");
  });

  it("go on with the scores and their differences, then the verdicts", () => {
    expect(found.find((line) => line.label === "Coverage")).toMatchObject({ first: "90 %", second: "85 %", change: "−5 points" });
    expect(found.map((line) => line.group)).toEqual([...found.map((line) => line.group)].sort((a, b) => ["settings", "scores", "run"].indexOf(a) - ["settings", "scores", "run"].indexOf(b)));
    expect(found.find((line) => line.label === "Verdict")).toMatchObject({ first: "exact", second: "exact", same: true });
  });
});

describe("the rows in the page", () => {
  it("are those in sight and a few around, however many there are", () => {
    expect(visible(28_000, 280, 28, 5000)).toEqual({ first: 1000 - OVERSCAN, last: 1010 + OVERSCAN });
    expect(visible(0, 280, 28, 3)).toEqual({ first: 0, last: 3 });
    expect(visible(99_999, 280, 28, 3)).toEqual({ first: 3, last: 3 });
  });

  it("follow the keys, from the heads to the last", () => {
    expect(moved("ArrowUp", { row: 0, column: 4 }, 10, 20, 5)).toEqual({ row: -1, column: 4 });
    expect(moved("PageDown", { row: 7, column: 4 }, 10, 20, 5)).toEqual({ row: 9, column: 4 });
    expect(moved("PageUp", { row: 3, column: 4 }, 10, 20, 5)).toEqual({ row: 0, column: 4 });
    expect(moved("End", { row: 3, column: 4 }, 10, 20, 5)).toEqual({ row: 3, column: 19 });
    expect(moved("a", { row: 3, column: 4 }, 10, 20, 5)).toBeNull();
  });

  it("scroll no further than it takes", () => {
    expect([reveal(3, 0, 280, 28), reveal(20, 0, 280, 28), reveal(2, 100, 280, 28)]).toEqual([0, 308, 56]);
  });
});
