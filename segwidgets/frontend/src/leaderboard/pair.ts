import { count, percent, short } from "../shared/format";
import type { Run } from "./runs";
import { COLUMNS, numberOf, numeral, shown, span } from "./runs";

/** A line of two runs beside each other. */
export interface Line {
  label: string;
  first: string;
  second: string;
  /** Second less first, with its sign; "" where there is none to tell. */
  change: string;
  group: "settings" | "scores" | "run";
  same: boolean;
}

const SETTINGS = ["eps", "min_samples", "n_neighbors", "min_dist"];
const SCORES = ["segments", "smallest", "largest", "coverage", "silhouette"];
const ABOUT = ["verdict", "status", "reason", "experiment", "trial", "source", "started", "duration"];
/** These tell nothing beside the others. */
const LEFT_OUT = new Set(["id", "name", "recipe", "pareto", "run_id"]);

function change(key: string, first: Run, second: Run): string {
  const [one, other] = [numberOf(first, key), numberOf(second, key)];
  if (one === null || other === null || one === other) return "";
  const by = other - one;
  const sign = by > 0 ? "+" : "−";
  const size = Math.abs(by);
  const kind = COLUMNS.find((column) => column.key === key)?.kind;
  if (kind === "share") return `${sign}${short(size * 100, 2)} points`;
  return `${sign}${kind === "whole" ? count(size) : kind === "seconds" ? span(size) : short(size, 3)}`;
}

function line(key: string, group: Line["group"], first: Run, second: Run): Line {
  const column = COLUMNS.find((one) => one.key === key);
  const cell = (run: Run): string => {
    if (column?.kind === "share") {
      const value = numberOf(run, key);
      return value === null ? "–" : percent(value);
    }
    if (column) return shown(run, column, new Set()) || "–";
    const value = numberOf(run, key);
    return value !== null ? numeral(value, "number") : String(run[key] ?? "–");
  };
  return {
    label: column?.head ?? key, first: cell(first), second: cell(second), change: change(key, first, second), group,
    same: (first[key] ?? null) === (second[key] ?? null),
  };
}

/** Settings that differ, then scores with their differences, then the verdicts and what else is known of the runs. */
export function lines(first: Run, second: Run): Line[] {
  const known = new Set([...SETTINGS, ...SCORES, ...ABOUT, ...LEFT_OUT]);
  const more = [...new Set([...Object.keys(first), ...Object.keys(second)])].filter((key) => !known.has(key)).sort();
  const settings = [...SETTINGS, ...more].map((key) => line(key, "settings", first, second));
  return [
    ...settings.filter((one) => !one.same),
    ...SCORES.map((key) => line(key, "scores", first, second)),
    ...ABOUT.map((key) => line(key, "run", first, second)).filter((one) => one.first !== "–" || one.second !== "–"),
  ];
}
