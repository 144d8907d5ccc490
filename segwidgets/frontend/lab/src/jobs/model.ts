import { count, percent, short } from "../../../src/shared/format";
import { NOTHING, keeps } from "../../../src/leaderboard/constraints";
import type { Run } from "../../../src/leaderboard/runs";
import { numberOf, sorted, span, textOf } from "../../../src/leaderboard/runs";
import type { RunRow } from "../api";
import type { Words } from "../words";

export type { Run } from "../../../src/leaderboard/runs";

const ENDED = new Set(["completed", "failed", "stopped"]);

/** A row as the list holds it: plain values only, and an id that stays as the run goes from its job to its trackers. */
export function toRun(row: RunRow): Run {
  const run: Run = { id: "", name: String(row.name) };
  for (const [key, value] of Object.entries(row)) {
    if (value === null || ["string", "number", "boolean"].includes(typeof value)) run[key] = value as string | number | boolean | null;
  }
  run.id = `${run.name}\n${textOf(run, "experiment")}`;
  return run;
}

/** The rows of one page; of runs that share their name and experiment, later ones are told apart by a number. */
export function toRuns(rows: readonly RunRow[]): Run[] {
  const times = new Map<string, number>();
  return rows.map((row) => {
    const run = toRun(row);
    const before = times.get(run.id) ?? 0;
    times.set(run.id, before + 1);
    return before === 0 ? run : { ...run, id: `${run.id}\n${before + 1}` };
  });
}

export const isLive = (run: Run): boolean => !ENDED.has(textOf(run, "status"));

/** Promoted from this machine: there is a job to ask and to stop. */
export const hasJob = (run: Run): boolean => textOf(run, "target") !== "";
export const canStop = (run: Run): boolean => hasJob(run) && isLive(run);
export const hasReport = (run: Run): boolean => run["report"] === true;

/** The page of a run in somebody's console; "" unless it is an address that is safe to open. */
export function consolePage(run: Run): string {
  const address = textOf(run, "console");
  try {
    return new URL(address).protocol === "https:" ? address : "";
  } catch {
    return "";
  }
}

/** Which runs are listed, and in which order. */
export interface Asked {
  text: string;
  /** "" for all, "live" for those that have not ended, else the status itself. */
  status: string;
  sortBy: SortKey;
  descending: boolean;
}

export const SORTS = ["started", "name", "status", "verdict", "segments", "coverage", "silhouette", "duration"] as const;
export type SortKey = (typeof SORTS)[number];
const NONE: ReadonlySet<string> = new Set();

export function listed(runs: readonly Run[], asked: Asked): Run[] {
  const live = asked.status === "live";
  const kept = runs.filter((run) => (!live || isLive(run)) && keeps(run, { ...NOTHING, text: asked.text, status: live ? "" : asked.status }));
  return sorted(kept, asked.sortBy, asked.descending, NONE);
}

/** The statuses there are, for the choice of one. */
export function statuses(runs: readonly Run[]): string[] {
  return [...new Set(runs.map((run) => textOf(run, "status")))].filter(Boolean).sort();
}

/** From 0 to 1; null where a run has none to tell, as one that has ended. */
export function progressOf(run: Run): number | null {
  const progress = numberOf(run, "progress");
  return progress === null || !isLive(run) ? null : Math.min(1, Math.max(0, progress));
}

/** What a run costs, in US dollars; "" where that is not known. */
export function costText(run: Run, words: Words): string {
  const cost = numberOf(run, "cost");
  if (cost === null) return "";
  const dollars = cost > 0 && cost < 0.01 ? "<$0.01" : `$${cost.toFixed(2)}`;
  return run["cost_is_limit"] === true ? words.__("at most %1", dollars) : dollars;
}

/** A long name in two parts, of which the second is the one that tells jobs of one day apart. */
export function parted(name: string): readonly [string, string] {
  return name.length > 24 ? [name.slice(0, -13), name.slice(-13)] : [name, ""];
}

/** How long ago, as short as it can be said: "now", "5 min", "3 h", "2 d", else the date. */
export function ago(started: string, now: number, words: Words): string {
  const then = Date.parse(started);
  if (!Number.isFinite(then)) return "";
  const seconds = (now - then) / 1000;
  if (seconds < 60) return words.__("now");
  if (seconds < 3600) return words.__("%1 min", Math.floor(seconds / 60));
  if (seconds < 86_400) return words.__("%1 h", Math.floor(seconds / 3600));
  if (seconds < 7 * 86_400) return words.__("%1 d", Math.floor(seconds / 86_400));
  return new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" }).format(then);
}

/** The second line of a run in the list: what matters most of it, in a few words. */
export function summary(run: Run, words: Words): string {
  const status = textOf(run, "status");
  const parts: string[] = [];
  if (isLive(run)) {
    const progress = progressOf(run);
    parts.push(textOf(run, "stage") || status);
    if (progress !== null) parts.push(percent(progress));
  } else if (status === "completed") {
    parts.push(textOf(run, "verdict") || words.__("no verdict"));
    const segments = numberOf(run, "segments");
    const silhouette = numberOf(run, "silhouette");
    if (segments !== null) parts.push(words._n("%2 segment", "%2 segments", segments, count(segments)));
    if (silhouette !== null) parts.push(words.__("silhouette %1", silhouette.toFixed(2)));
  } else {
    const reason = textOf(run, "reason");
    if (!reason.startsWith(status)) parts.push(status);
    parts.push(reason);
  }
  return parts.filter(Boolean).join(" · ");
}

export interface Detail {
  label: string;
  value: string;
}

/** What the pane below the list tells of a run. */
export function details(run: Run, words: Words): Detail[] {
  const found: Detail[] = [];
  const add = (label: string, value: string): void => {
    if (value) found.push({ label, value });
  };
  const number = (key: string, shown: (value: number) => string): string => {
    const value = numberOf(run, key);
    return value === null ? "" : shown(value);
  };
  const progress = progressOf(run);
  add(words.__("Status"), [textOf(run, "status"), isLive(run) ? textOf(run, "stage") : "", progress === null ? "" : percent(progress)].filter(Boolean).join(" · "));
  add(words.__("Reason"), textOf(run, "reason"));
  add(words.__("Verdict"), textOf(run, "verdict"));
  add(words.__("Cost"), costText(run, words));
  add(words.__("Segments"), number("segments", count));
  add(words.__("Coverage"), number("coverage", percent));
  add(words.__("Smallest"), number("smallest", percent));
  add(words.__("Silhouette"), number("silhouette", (value) => short(value, 3)));
  for (const key of ["eps", "min_samples", "n_neighbors", "min_dist"]) add(key, number(key, (value) => short(value, 4)));
  add(words.__("Experiment"), [textOf(run, "experiment"), textOf(run, "trial")].filter(Boolean).join(" / "));
  const started = Date.parse(textOf(run, "started"));
  if (Number.isFinite(started)) {
    add(words.__("Started"), new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" }).format(started));
  }
  add(words.__("Took"), number("duration", span));
  add(words.__("Source"), [textOf(run, "target"), textOf(run, "source")].filter((one, at, all) => one && all.indexOf(one) === at).join(", "));
  return found;
}

/** The choice of up to two runs after a click or a key on one of them. */
export function chosen(now: readonly string[], id: string, more: boolean): string[] {
  if (!more) return [id];
  return now.includes(id) ? now.filter((one) => one !== id) : [...now, id].slice(-2);
}

/** Where a key leads in a list; null for a key that leads nowhere. */
export function stepped(key: string, at: number, total: number, page: number): number | null {
  if (total === 0) return null;
  const to: Record<string, number> = {
    ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + page, PageUp: at - page, Home: 0, End: total - 1,
  };
  const target = to[key];
  return target === undefined ? null : Math.max(0, Math.min(total - 1, target));
}
