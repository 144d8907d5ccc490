import { css } from "../shared/colour";
import type { Rgb } from "../shared/colour";
import { count, percent, plural } from "../shared/format";

export interface Entry {
  /** What stays the same while a segment keeps its colour. Noise is -1. */
  key: number;
  name: string;
  size: number;
  colour: Rgb;
}

export interface LegendState {
  entries: readonly Entry[];
  noise: Entry | null;
  total: number;
  hidden: ReadonlySet<number>;
  isolated: number | null;
}

export interface LegendActions {
  isolate(key: number): void;
  hide(key: number): void;
}

const SHORT_LIST = 15;
/** Rows are elements; thousands of them would make every move of eps slow. */
const LONG_LIST = 300;

interface Row {
  element: HTMLLIElement;
  pick: HTMLButtonElement;
  eye: HTMLButtonElement;
  swatch: HTMLElement;
  name: HTMLElement;
  size: HTMLElement;
  bar: HTMLElement;
}

const EYE =
  '<svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true"><path d="M1.5 8S4 3.5 8 3.5 14.5 8 14.5 8 12 12.5 8 12.5 1.5 8 1.5 8Z" fill="none" stroke="currentColor" stroke-width="1.3"/><circle cx="8" cy="8" r="2" fill="currentColor"/><path class="sw-strike" d="M3 13.5 13 2.5" stroke="currentColor" stroke-width="1.4"/></svg>';

function make<K extends keyof HTMLElementTagNameMap>(tag: K, name: string): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  element.className = name;
  return element;
}

/** The list of segments beside the picture: colour, number, size; a click isolates, the eye hides. */
export class Legend {
  readonly element = make("div", "sw-legend");
  private readonly title = make("div", "sw-legend-title");
  private readonly list = make("ul", "sw-legend-list");
  private readonly more = make("button", "sw-legend-more");
  private readonly rows = new Map<number, Row>();
  private long = false;
  private state: LegendState | null = null;

  constructor(private readonly actions: LegendActions) {
    this.element.setAttribute("role", "group");
    this.element.setAttribute("aria-label", "Segments");
    this.more.type = "button";
    this.more.addEventListener("click", () => {
      this.long = !this.long;
      if (this.state) this.update(this.state);
    });
    this.element.append(this.title, this.list, this.more);
  }

  update(state: LegendState): void {
    this.state = state;
    const { entries, noise } = state;
    this.element.hidden = entries.length === 0 && !noise;
    const share = percent((noise?.size ?? 0) / Math.max(1, state.total));
    this.title.textContent = `${plural(entries.length, "segment")} · ${share} noise`;
    const shown = entries.slice(0, this.long ? LONG_LIST : SHORT_LIST);
    const largest = Math.max(1, entries[0]?.size ?? 1, noise?.size ?? 1);
    const wanted = noise ? [...shown, noise] : shown;
    const keep = new Set(wanted.map((entry) => entry.key));
    for (const [key, row] of this.rows) {
      if (keep.has(key)) continue;
      row.element.remove();
      this.rows.delete(key);
    }
    wanted.forEach((entry, at) => {
      const row = this.rows.get(entry.key) ?? this.addRow(entry.key);
      // Rows move only when their place changed, so that the focused one keeps the focus.
      if (this.list.children[at] !== row.element) this.list.insertBefore(row.element, this.list.children[at] ?? null);
      this.fill(row, entry, largest, state);
    });
    const rest = entries.length - SHORT_LIST;
    this.more.hidden = rest <= 0;
    const beyond = this.long && entries.length > LONG_LIST ? ` (${count(entries.length - LONG_LIST)} not listed)` : "";
    this.more.textContent = this.long ? `fewer${beyond}` : `${count(rest)} more`;
    this.more.setAttribute("aria-expanded", String(this.long));
  }

  /** Marks the row of the segment under the pointer. */
  point(key: number | null): void {
    for (const [own, row] of this.rows) row.element.classList.toggle("sw-pointed", own === key);
  }

  private addRow(key: number): Row {
    const row: Row = {
      element: make("li", "sw-row"),
      pick: make("button", "sw-row-pick"),
      eye: make("button", "sw-row-eye"),
      swatch: make("span", "sw-swatch"),
      name: make("span", "sw-row-name"),
      size: make("span", "sw-row-size"),
      bar: make("span", "sw-row-bar"),
    };
    row.pick.type = row.eye.type = "button";
    row.eye.innerHTML = EYE;
    row.pick.append(row.swatch, row.name, row.size, row.bar);
    row.element.append(row.pick, row.eye);
    row.pick.addEventListener("click", () => this.actions.isolate(key));
    row.eye.addEventListener("click", () => this.actions.hide(key));
    this.rows.set(key, row);
    return row;
  }

  private fill(row: Row, entry: Entry, largest: number, state: LegendState): void {
    const hidden = state.hidden.has(entry.key);
    const isolated = state.isolated === entry.key;
    row.element.classList.toggle("sw-hidden", hidden);
    row.element.classList.toggle("sw-isolated", isolated);
    row.element.classList.toggle("sw-behind", state.isolated !== null && !isolated);
    row.swatch.style.background = css(entry.colour);
    row.bar.style.background = css(entry.colour);
    row.bar.style.width = `${((entry.size / largest) * 100).toFixed(1)}%`;
    row.name.textContent = entry.name;
    row.size.textContent = count(entry.size);
    const share = percent(entry.size / Math.max(1, state.total));
    row.pick.setAttribute("aria-pressed", String(isolated));
    row.pick.setAttribute("aria-label", `Show only ${entry.name}, ${plural(entry.size, "point")}, ${share}`);
    row.pick.title = isolated ? "Show all segments" : `Show only ${entry.name} (${share} of the points)`;
    row.eye.setAttribute("aria-pressed", String(hidden));
    row.eye.setAttribute("aria-label", `Hide ${entry.name}`);
    row.eye.title = hidden ? `Show ${entry.name}` : `Hide ${entry.name}`;
  }
}
