/** A feature that sets a segment apart from the rest. */
export interface Feature {
  name: string;
  text: string;
  /** Effect size, without a unit. */
  effect: number;
  direction: "more" | "less";
}

/** A segment as Python describes it; number -1 is noise. */
export interface Row {
  segment: number;
  name: string;
  size: number;
  /** Of all rows, 0 to 1. */
  share: number;
  silhouette: number | null;
  features: readonly Feature[];
  /** The segment's colour on the map, where it is known. */
  colour?: string;
}

export const COLUMNS = ["name", "size", "share", "silhouette", "effect"] as const;
export type Column = (typeof COLUMNS)[number];

/** Rows in the page at first: more make a slow page. */
export const LIMIT = 300;
/** Longest name, in characters; the kernel holds to it too. */
export const NAME_LIMIT = 80;
/** A bar is full at the largest effect that is shown, and at this one at least: small effects look small. */
const LARGE = 0.8;

export const isNoise = (row: Row): boolean => row.segment < 0;

export function strongest(row: Row): number {
  return row.features.reduce((most, feature) => Math.max(most, Math.abs(feature.effect)), 0);
}

const words = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

function compare(one: Row, other: Row, column: Column): number {
  switch (column) {
    case "name":
      return words.compare(one.name, other.name);
    case "size":
      return one.size - other.size;
    case "share":
      return one.share - other.share;
    case "silhouette":
      return (one.silhouette ?? 0) - (other.silhouette ?? 0);
    case "effect":
      return strongest(one) - strongest(other);
  }
}

/** Sorted by a column. What has no value stands below the rest in both directions, and noise below everything. */
export function sorted(rows: readonly Row[], column: Column, descending: boolean): Row[] {
  const last = (row: Row): number => (isNoise(row) ? 2 : column === "silhouette" && row.silhouette === null ? 1 : 0);
  return [...rows].sort((one, other) => {
    const place = last(one) - last(other);
    if (place !== 0) return place;
    const order = compare(one, other, column);
    return (descending ? -order : order) || one.segment - other.segment;
  });
}

/** A click on a column: the same one turns round, another one starts with its natural direction. */
export function clicked(column: Column, now: Column, descending: boolean): { column: Column; descending: boolean } {
  return { column, descending: column === now ? !descending : column !== "name" };
}

/** The first rows, and noise, which stands last, also where rows are left out. */
export function limited(rows: readonly Row[], limit = LIMIT): Row[] {
  if (rows.length <= limit) return [...rows];
  const final = rows.at(-1) as Row;
  return isNoise(final) ? [...rows.slice(0, limit - 1), final] : rows.slice(0, limit);
}

/** Names that more than one segment bears: these are shown as one on the map. */
export function shared(rows: readonly Row[]): Set<string> {
  const seen = new Set<string>();
  const twice = new Set<string>();
  for (const row of rows) {
    if (isNoise(row)) continue;
    if (seen.has(row.name)) twice.add(row.name);
    seen.add(row.name);
  }
  return twice;
}

/** Why a text is no name; null where it is one. */
export function nameRefusal(text: string): string | null {
  const name = text.trim();
  if (name === "") return "A segment's name has at least one character.";
  const length = [...name].length;
  if (length > NAME_LIMIT) return `A segment's name has at most ${NAME_LIMIT} characters; this one has ${length}.`;
  // As Python's str.isprintable, which the kernel holds to: of the blanks only the plain one.
  if (/[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/u.test(name)) return "A segment's name has printable characters only.";
  return null;
}

/** What a merged segment is called unless the user says otherwise: as the largest of them. */
export function mergedName(rows: readonly Row[], chosen: readonly number[]): string {
  const parts = rows.filter((row) => chosen.includes(row.segment)).sort((one, other) => other.size - one.size);
  return parts[0]?.name ?? "";
}

/** The effect at which a bar is full. */
export function fullEffect(rows: readonly Row[]): number {
  return rows.reduce((most, row) => Math.max(most, strongest(row)), LARGE);
}
