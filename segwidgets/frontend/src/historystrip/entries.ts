/** A setting that came to rest. */
export interface Entry {
  id: string;
  title: string;
  detail: string;
  /** ISO 8601; any other text is shown as it is. */
  time: string;
  starred: boolean;
  current: boolean;
}

/** Two entries beside each other: rows of label, first, second and change, and the same in words. */
export interface Comparison {
  title: string;
  rows: readonly (readonly [string, string, string, string])[];
  text: string;
  /** Heads of the columns with the two entries. */
  columns?: readonly [string, string];
}

/** What the strip shows: all, or the starred ones and the current one, which says where one is. */
export function shownEntries(entries: readonly Entry[], starredOnly: boolean): Entry[] {
  return entries.filter((entry) => !starredOnly || entry.starred || entry.current);
}

/** A tick for or against comparing an entry: of three the oldest tick gives way. */
export function chosenAfter(chosen: readonly string[], id: string, on: boolean): string[] {
  const others = chosen.filter((other) => other !== id);
  return on ? [...others, id].slice(-2) : others;
}

/** The chosen ones that are there, the older one first: changes read from then to now. */
export function pair(entries: readonly Entry[], chosen: readonly string[]): string[] {
  const order = entries.map((entry) => entry.id);
  return chosen.filter((id) => order.includes(id)).sort((one, other) => order.indexOf(other) - order.indexOf(one));
}

/** When an entry was made, as short as it is clear at `now`: the hour today, the day this year, else the date. */
export function when(time: string, now: Date): string {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return time;
  const two = (value: number): string => String(value).padStart(2, "0");
  const hour = `${two(date.getHours())}:${two(date.getMinutes())}`;
  if (date.toDateString() === now.toDateString()) return hour;
  const day = `${date.getDate()} ${date.toLocaleString("en", { month: "short" })}`;
  return date.getFullYear() === now.getFullYear() ? `${day}, ${hour}` : `${day} ${date.getFullYear()}`;
}
