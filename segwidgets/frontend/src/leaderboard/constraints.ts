import type { Run } from "./runs";
import { numberOf, textOf } from "./runs";

/** What a run must keep to. Shares are in per cent, as they are typed; null and "" ask for nothing. */
export interface Constraints {
  noise_max: number | null;
  segments_min: number | null;
  segments_max: number | null;
  smallest_min: number | null;
  status: string;
  verdict: Verdict;
  text: string;
}

export const VERDICTS = ["", "exact", "differs", "none"] as const;
export type Verdict = (typeof VERDICTS)[number];
/** From and to of each axis that is brushed. */
export type Brushes = Readonly<Record<string, readonly [number, number]>>;

export const NOTHING: Constraints = {
  noise_max: null, segments_min: null, segments_max: null, smallest_min: null, status: "", verdict: "", text: "",
};
/** A share that a page computes is rarely the one that was meant to its last digit. */
const ROUNDING = 1e-9;

/** What the kernel keeps, with whatever it lacks or has wrong left open. */
export function constraints(kept: Readonly<Record<string, unknown>>): Constraints {
  const number = (name: string): number | null => {
    const value = kept[name];
    return typeof value === "number" && Number.isFinite(value) ? value : null;
  };
  const text = (name: string): string => (typeof kept[name] === "string" ? (kept[name] as string) : "");
  const verdict = text("verdict");
  return {
    noise_max: number("noise_max"), segments_min: number("segments_min"), segments_max: number("segments_max"),
    smallest_min: number("smallest_min"), status: text("status"), text: text("text"),
    verdict: VERDICTS.find((one) => one === verdict) ?? "",
  };
}

/** "exact", "differs" with whatever else a verdict says, "none" where there is none. */
export function verdictOf(run: Run): Exclude<Verdict, ""> {
  const verdict = textOf(run, "verdict");
  return verdict === "" ? "none" : verdict === "exact" ? "exact" : "differs";
}

/** Where a run's names have every word of the text. */
function named(run: Run, text: string): boolean {
  const names = ["name", "experiment", "trial", "source"].map((key) => textOf(run, key)).join(" ").toLowerCase();
  return text.toLowerCase().split(/\s+/).every((word) => names.includes(word));
}

/** Whether a run keeps to them; one that has no value for what is asked does not. */
export function keeps(run: Run, asked: Constraints): boolean {
  const least = (key: string, from: number | null, unit = 1): boolean => {
    const value = numberOf(run, key);
    return from === null || (value !== null && value * unit >= from - ROUNDING);
  };
  const most = (key: string, to: number | null): boolean => {
    const value = numberOf(run, key);
    return to === null || (value !== null && value <= to);
  };
  return (
    least("coverage", asked.noise_max === null ? null : 100 - asked.noise_max, 100) &&
    least("segments", asked.segments_min) &&
    most("segments", asked.segments_max) &&
    least("smallest", asked.smallest_min, 100) &&
    (asked.status === "" || textOf(run, "status") === asked.status) &&
    (asked.verdict === "" || verdictOf(run) === asked.verdict) &&
    named(run, asked.text)
  );
}

/** Whether a run lies within every brush. */
export function within(run: Run, brushes: Brushes): boolean {
  return Object.entries(brushes).every(([key, [from, to]]) => {
    const value = numberOf(run, key);
    return value !== null && value >= from && value <= to;
  });
}

/** A limit that was typed: a number, null where the field is empty, or a sentence that says what is allowed. */
export function typed(text: string, most: number): number | null | string {
  const bare = text.trim().replace(",", ".").replace(/\s*%$/, "");
  if (bare === "") return null;
  const value = Number(bare);
  if (Number.isFinite(value) && value >= 0 && value <= most) return value;
  return `“${text.trim()}” is no limit: give a number from 0${Number.isFinite(most) ? ` to ${most}` : ""}, or nothing.`;
}
