import { count, percent, short } from "../shared/format";

/** A run as Python gives it: what there is not is null or not there at all. `id` tells runs of one name apart. */
export interface Run {
  id: string;
  name: string;
  [column: string]: string | number | boolean | null | undefined;
}

type Kind = "text" | "whole" | "number" | "share" | "time" | "seconds" | "mark";

export interface Column {
  key: string;
  head: string;
  kind: Kind;
  /** In CSS pixels: rows that are not in the page cannot make their column wider. */
  width: number;
  /** What the head's short word means. */
  told?: string;
}

/** The columns in their order. The front is found in the browser, among the runs that are shown. */
export const COLUMNS: readonly Column[] = [
  { key: "name", head: "Run", kind: "text", width: 252 },
  { key: "status", head: "Status", kind: "text", width: 88 },
  { key: "verdict", head: "Verdict", kind: "text", width: 104 },
  { key: "segments", head: "Segments", kind: "whole", width: 88 },
  { key: "smallest", head: "Smallest", kind: "share", width: 84, told: "Share of the rows in the smallest segment" },
  { key: "largest", head: "Largest", kind: "share", width: 84, told: "Share of the rows in the largest segment" },
  { key: "coverage", head: "Coverage", kind: "share", width: 86, told: "Share of the rows that are in a segment" },
  { key: "silhouette", head: "Silhouette", kind: "number", width: 92 },
  { key: "pareto", head: "Front", kind: "mark", width: 64, told: "On the Pareto front of the runs that are shown" },
  { key: "eps", head: "eps", kind: "number", width: 64 },
  { key: "min_samples", head: "min_samples", kind: "whole", width: 106 },
  { key: "n_neighbors", head: "n_neighbors", kind: "whole", width: 102 },
  { key: "min_dist", head: "min_dist", kind: "number", width: 80 },
  { key: "experiment", head: "Experiment", kind: "text", width: 124 },
  { key: "trial", head: "Trial", kind: "text", width: 112 },
  { key: "source", head: "Source", kind: "text", width: 96 },
  { key: "started", head: "Started", kind: "time", width: 124 },
  { key: "duration", head: "Duration", kind: "seconds", width: 82 },
  { key: "reason", head: "Reason", kind: "text", width: 260, told: "Why a run did not complete" },
];

const words = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
const moment = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });

export const isText = (column: Column): boolean => column.kind === "text";

/** A finite number, or null. */
export function numberOf(run: Run, key: string): number | null {
  const value = run[key];
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

export function textOf(run: Run, key: string): string {
  const value = run[key];
  return value === null || value === undefined ? "" : String(value);
}

/** What a column is sorted by; null where the run has nothing there. */
function sortKey(run: Run, column: Column, front: ReadonlySet<string>): string | number | null {
  if (column.kind === "mark") return front.has(run.id) ? 1 : 0;
  if (column.kind === "text") return textOf(run, column.key) || null;
  if (column.kind === "time") {
    const time = Date.parse(textOf(run, column.key));
    return Number.isFinite(time) ? time : null;
  }
  return numberOf(run, column.key);
}

/** Sorted by a column; what has no value stands below the rest in both directions. Runs that are equal keep their order. */
export function sorted(runs: readonly Run[], key: string, descending: boolean, front: ReadonlySet<string>): Run[] {
  const column = COLUMNS.find((one) => one.key === key);
  if (!column) return [...runs];
  const keyed = runs.map((run) => ({ run, value: sortKey(run, column, front) }));
  keyed.sort((one, other) => {
    if (one.value === null || other.value === null) return Number(one.value === null) - Number(other.value === null);
    const order =
      typeof one.value === "string" || typeof other.value === "string"
        ? words.compare(String(one.value), String(other.value))
        : one.value - other.value;
    return descending ? -order : order;
  });
  return keyed.map(({ run }) => run);
}

/** A press on a head: the same column turns round, another one starts with its natural direction. */
export function pressed(key: string, now: string, descending: boolean): { key: string; descending: boolean } {
  const column = COLUMNS.find((one) => one.key === key);
  return { key, descending: key === now ? !descending : column !== undefined && !isText(column) };
}

/** Seconds in words: "3.2 s", "4 min 10 s", "2 h 5 min". */
export function span(seconds: number): string {
  if (seconds < 60) return `${short(seconds, seconds < 10 ? 2 : 3)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.round((whole % 3600) / 60)} min`;
}

/** A value as its cell shows it; "–" where there is none. */
export function shown(run: Run, column: Column, front: ReadonlySet<string>): string {
  if (column.kind === "mark") return front.has(run.id) ? "◆" : "";
  if (column.kind === "text") return textOf(run, column.key);
  if (column.kind === "time") {
    const time = Date.parse(textOf(run, column.key));
    return Number.isFinite(time) ? moment.format(time) : textOf(run, column.key) || "–";
  }
  const value = numberOf(run, column.key);
  return value === null ? "–" : numeral(value, column.kind);
}

/** A number as its kind of column shows it. */
export function numeral(value: number, kind: Kind): string {
  if (kind === "whole") return count(value);
  if (kind === "share") return percent(value);
  return kind === "seconds" ? span(value) : short(value, 3);
}
