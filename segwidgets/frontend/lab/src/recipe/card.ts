import { short } from "../../../src/shared/format";
import type { Words } from "../words";

export interface Line {
  label: string;
  value: string;
  /** A sentence below the value; "" for none. */
  note: string;
  /** A setting that recipes of this version do not have. */
  unknown: boolean;
}

export interface Section {
  title: string;
  lines: Line[];
}

/** A recipe as a reader sees it, or why it cannot be read. */
export type Card =
  | { ok: true; sections: Section[]; digest: string; recipe: Record<string, unknown>; warnings: string[] }
  | { ok: false; problem: string };

const VERSION = 1;

type Shown = (value: unknown, words: Words) => string;

/** Texts and numbers as they are, lists with commas, anything else as JSON. */
const plain: Shown = (value, words) => {
  if (value === null || value === undefined) return words.__("not set");
  if (typeof value === "number") return Number.isInteger(value) ? String(value) : short(value, 6);
  if (typeof value === "boolean") return value ? words.__("yes") : words.__("no");
  if (typeof value === "string") return value;
  if (Array.isArray(value) && value.every((one) => typeof one === "string" || typeof one === "number")) {
    return value.length === 0 ? words.__("none") : value.join(", ");
  }
  return JSON.stringify(value);
};
const or = (empty: (words: Words) => string): Shown => (value, words) => (value === null || value === undefined ? empty(words) : plain(value, words));

interface Field {
  key: string;
  label: (words: Words) => string;
  shown?: Shown;
}

const same = (name: string) => (): string => name;

const SECTIONS: readonly { key: string; title: (words: Words) => string; fields: readonly Field[] }[] = [
  {
    key: "features",
    title: (words) => words.__("Features"),
    fields: [
      { key: "columns", label: (words) => words.__("Columns"), shown: or((words) => words.__("every usable column")) },
      { key: "exclude", label: (words) => words.__("Left out") },
      { key: "scaling", label: (words) => words.__("Scaling of numbers") },
      { key: "pca", label: (words) => words.__("Principal components"), shown: or((words) => words.__("no PCA")) },
    ],
  },
  {
    key: "embedding",
    title: (words) => words.__("Map"),
    fields: [
      { key: "method", label: (words) => words.__("Method") },
      { key: "n_neighbors", label: same("n_neighbors") },
      { key: "min_dist", label: same("min_dist") },
      { key: "spread", label: same("spread") },
      { key: "n_components", label: (words) => words.__("Dimensions") },
      { key: "metric", label: (words) => words.__("Metric"), shown: or((words) => words.__("the data decide")) },
      { key: "n_epochs", label: (words) => words.__("Epochs"), shown: or((words) => words.__("the rows decide")) },
      { key: "seed", label: (words) => words.__("Seed") },
      { key: "negative_sample_rate", label: same("negative_sample_rate") },
      { key: "repulsion_strength", label: same("repulsion_strength") },
    ],
  },
  {
    key: "clustering",
    title: (words) => words.__("Segments"),
    fields: [
      { key: "method", label: (words) => words.__("Method") },
      { key: "eps", label: same("eps"), shown: or((words) => words.__("the suggested one")) },
      { key: "min_samples", label: same("min_samples") },
    ],
  },
];

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null && !Array.isArray(value);

/** Where a JSON text breaks, as engines say it in several ways; "" when they do not. */
function place(text: string, error: unknown): { line: number; column: number } | null {
  const message = error instanceof Error ? error.message : "";
  const told = /line (\d+) column (\d+)/.exec(message);
  if (told) return { line: Number(told[1]), column: Number(told[2]) };
  const at = /position (\d+)/.exec(message);
  // Chromium names no place where the text just ends.
  const offset = at ? Number(at[1]) : /end of (JSON )?(input|data)/i.test(message) ? text.length : null;
  if (offset === null) return null;
  const before = text.slice(0, offset).split("\n");
  return { line: before.length, column: (before.at(-1) ?? "").length + 1 };
}

/** Reads the text of a recipe file. */
export function card(text: string, words: Words): Card {
  if (text.trim() === "") return { ok: false, problem: words.__("The file is empty. A recipe is saved from the panel, or with recipe.to_json().") };
  let values: unknown;
  try {
    values = JSON.parse(text);
  } catch (error) {
    const at = place(text, error);
    const where = at ? words.__("It stops being JSON in line %1, column %2.", at.line, at.column) : words.__("It is not JSON.");
    return { ok: false, problem: `${where} ${words.__("Open it as text to mend it.")}` };
  }
  if (!isObject(values)) return { ok: false, problem: words.__("A recipe is an object of settings; this file holds something else. Open it as text to look.") };
  return fromObject(values, words);
}

function fromObject(values: Record<string, unknown>, words: Words): Card {
  const { version = VERSION, digest, ...recipe } = values;
  if (version !== VERSION) {
    return {
      ok: false,
      problem: words.__("This is a recipe of version %1; this segwidgets reads version %2. Upgrade segwidgets, or save it again from the panel.", String(version), VERSION),
    };
  }
  const sections: Section[] = [];
  const warnings: string[] = [];
  for (const section of SECTIONS) {
    const given = recipe[section.key];
    if (given === undefined) continue;
    if (!isObject(given)) {
      warnings.push(words.__("“%1” is not an object of settings, so a panel will refuse this recipe.", section.key));
      sections.push({ title: section.title(words), lines: [{ label: section.key, value: plain(given, words), note: "", unknown: true }] });
      continue;
    }
    sections.push({ title: section.title(words), lines: linesOf(section.fields, given, words) });
  }
  const others = Object.keys(recipe).filter((key) => !SECTIONS.some((section) => section.key === key));
  if (others.length > 0) {
    const lines = others.map((key) => ({ label: key, value: plain(recipe[key], words), note: "", unknown: true }));
    sections.push({ title: words.__("Not known to this version"), lines });
  }
  const unknown = sections.flatMap((section) => section.lines.filter((line) => line.unknown).map((line) => line.label));
  if (unknown.length > 0 && warnings.length === 0) {
    warnings.push(words.__("Not a setting of a recipe: %1. A panel will refuse it; take it out as text.", unknown.join(", ")));
  }
  if (sections.every((section) => section.lines.length === 0)) {
    warnings.push(words.__("No setting is given: the data and the defaults decide all of them."));
  }
  return { ok: true, sections, digest: typeof digest === "string" ? digest : "", recipe: { version, ...recipe }, warnings };
}

function linesOf(fields: readonly Field[], given: Record<string, unknown>, words: Words): Line[] {
  const lines: Line[] = [];
  for (const { key, label, shown = plain } of fields) {
    if (key in given) lines.push({ label: label(words), value: shown(given[key], words), note: "", unknown: false });
  }
  for (const key of Object.keys(given)) {
    if (fields.some((field) => field.key === key)) continue;
    if (key === "plan") lines.push(...plan(given[key], words));
    else lines.push({ label: key, value: plain(given[key], words), note: "", unknown: true });
  }
  return lines;
}

/** How many names of columns stand on the card; the text has them all. */
const NAMES = 12;

function plan(value: unknown, words: Words): Line[] {
  const label = words.__("Plan");
  if (value === null) return [{ label, value: words.__("the data decide"), note: "", unknown: false }];
  if (!Array.isArray(value)) return [{ label: "plan", value: plain(value, words), note: "", unknown: true }];
  const kinds: Record<string, string> = { count: words.__("Counts"), number: words.__("Numbers"), category: words.__("Categories") };
  return value.map((group: unknown) => {
    if (!isObject(group)) return { label: "plan", value: plain(group, words), note: "", unknown: true };
    const columns = Array.isArray(group["columns"]) ? group["columns"].map(String) : [];
    const transforms = Array.isArray(group["transforms"]) ? group["transforms"].map(String) : [];
    const more = columns.length - NAMES;
    const names = columns.slice(0, NAMES).join(", ") + (more > 0 ? ` ${words._n("and %1 more", "and %1 more", more)}` : "");
    return {
      label: `${label}: ${kinds[String(group["kind"])] ?? String(group["kind"])}`,
      value: `${words._n("%1 column", "%1 columns", columns.length)}${transforms.length > 0 ? `, ${transforms.join(" → ")}` : ""}`,
      note: [typeof group["reason"] === "string" ? group["reason"] : "", names].filter(Boolean).join(" – "),
      unknown: false,
    };
  });
}
