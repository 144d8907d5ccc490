import { css } from "../shared/colour";
import type { Rgb } from "../shared/colour";
import { count, percent, plural } from "../shared/format";
import { make } from "../shared/dom";
import { button, ICONS } from "./dom";
import type { Entry } from "./entries";

export interface LegendState {
  entries: readonly (Entry & { colour: Rgb })[];
  /** How many segments there are, listed or not. */
  count: number;
  noise: (Entry & { colour: Rgb }) | null;
  total: number;
  hidden: ReadonlySet<number>;
  isolated: number | null;
  /** The points are in the segments' colours, so the list shows them. */
  coloured: boolean;
  /** What sizes count. */
  noun?: string;
}

export interface LegendActions {
  isolate(key: number): void;
  hide(key: number): void;
  /** The user gave an entry another name; without it nobody can. */
  rename?(entry: Entry, name: string): void;
}

/** Longest name, as `segwidgets.names` has it. */
const NAME_LIMIT = 80;
const SHORT_LIST = 15;
/** Rows are elements; thousands of them would make every move of eps slow. */
const LONG_LIST = 300;

interface Row {
  element: HTMLLIElement;
  pick: HTMLButtonElement;
  pencil: HTMLButtonElement;
  eye: HTMLButtonElement;
  swatch: HTMLElement;
  name: HTMLElement;
  size: HTMLElement;
  bar: HTMLElement;
  entry: Entry;
  /** What the row shows, to change only what differs: a move of eps passes here many times a second. */
  shown: string;
}

/** The list of segments beside the picture: colour, name, size; a click isolates, the eye hides, the pencil renames. */
export class Legend {
  readonly element = make("div", "sw-legend");
  private readonly title = make("div", "sw-legend-title", this.element);
  private readonly list = make("ul", "sw-legend-list", this.element);
  private readonly more: HTMLButtonElement;
  private readonly rows = new Map<number, Row>();
  private long = false;
  private state: LegendState | null = null;

  constructor(private readonly actions: LegendActions) {
    this.element.setAttribute("role", "group");
    this.element.setAttribute("aria-label", "Segments");
    this.more = button("sw-legend-more", "", "", () => {
      this.long = !this.long;
      if (this.state) this.update(this.state);
    });
    this.more.removeAttribute("aria-label");
    this.element.append(this.more);
  }

  update(state: LegendState): void {
    this.state = state;
    const { entries, noise } = state;
    this.element.hidden = entries.length === 0 && !noise;
    const share = percent((noise?.size ?? 0) / Math.max(1, state.total));
    this.title.textContent = `${plural(state.count, "segment")} · ${share} noise`;
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
      const row = this.rows.get(entry.key) ?? this.addRow(entry);
      // Rows move only when their place changed, so that the focused one keeps the focus.
      if (this.list.children[at] !== row.element) this.list.insertBefore(row.element, this.list.children[at] ?? null);
      this.fill(row, entry, largest, state);
    });
    const rest = state.count - SHORT_LIST;
    this.more.hidden = rest <= 0;
    const beyond = this.long && state.count > LONG_LIST ? ` (${count(state.count - LONG_LIST)} not listed)` : "";
    this.more.textContent = this.long ? `fewer${beyond}` : `${count(rest)} more`;
    this.more.title = this.long ? "Show a short list" : "Show a longer list";
    this.more.setAttribute("aria-expanded", String(this.long));
  }

  /** Marks the row of the segment under the pointer. */
  point(key: number | null): void {
    for (const [own, row] of this.rows) row.element.classList.toggle("sw-pointed", own === key);
  }

  private addRow(entry: Entry): Row {
    const { key } = entry;
    const element = make("li", "sw-row");
    const pick = button("sw-row-pick", "", "", () => this.actions.isolate(key), element);
    const row: Row = {
      element,
      pick,
      pencil: button("sw-row-tool", "", ICONS.pencil, () => this.edit(row), element),
      eye: button("sw-row-tool sw-row-eye", "", ICONS.eye, () => this.actions.hide(key), element),
      swatch: make("span", "sw-swatch", pick),
      name: make("span", "sw-row-name", pick),
      size: make("span", "sw-row-size", pick),
      bar: make("span", "sw-row-bar", pick),
      entry,
      shown: "",
    };
    row.pencil.hidden = key < 0 || !this.actions.rename;
    if (!row.pencil.hidden) {
      row.name.addEventListener("dblclick", () => this.edit(row));
      pick.addEventListener("keydown", (event) => {
        if (event.key !== "F2") return;
        event.preventDefault();
        this.edit(row);
      });
    }
    this.rows.set(key, row);
    return row;
  }

  private fill(row: Row, entry: Entry & { colour: Rgb }, largest: number, state: LegendState): void {
    row.entry = entry;
    const hidden = state.hidden.has(entry.key);
    const isolated = state.isolated === entry.key;
    const behind = state.isolated !== null && !isolated;
    const colour = state.coloured ? css(entry.colour) : "";
    const width = `${((entry.size / largest) * 100).toFixed(1)}%`;
    const shown = [entry.name, entry.size, state.total, hidden, isolated, behind, colour, width].join("|");
    if (row.shown === shown) return;
    row.shown = shown;
    row.element.classList.toggle("sw-hidden", hidden);
    row.element.classList.toggle("sw-isolated", isolated);
    row.element.classList.toggle("sw-behind", behind);
    row.swatch.style.background = row.bar.style.background = colour;
    row.bar.style.width = width;
    row.name.textContent = entry.name;
    row.size.textContent = count(entry.size);
    const share = percent(entry.size / Math.max(1, state.total));
    const name = (element: HTMLElement, pressed: boolean | null, label: string, title = label): void => {
      if (pressed !== null) element.setAttribute("aria-pressed", String(pressed));
      element.setAttribute("aria-label", label);
      element.title = title;
    };
    const only = `Show only ${entry.name}, ${plural(entry.size, state.noun ?? "point")}, ${share}`;
    name(row.pick, isolated, only, isolated ? "Show all segments" : `${entry.name}: ${share} of the ${state.noun ?? "point"}s; click to show only these`);
    name(row.pencil, null, `Rename ${entry.name}`);
    name(row.eye, hidden, `Hide ${entry.name}`, hidden ? `Show ${entry.name}` : `Hide ${entry.name}`);
  }

  /** A field in the row's place: Enter takes the name, Escape leaves it. */
  private edit(row: Row): void {
    if (row.element.querySelector("input")) return;
    const { entry } = row;
    const field = make("input", "sw-row-field");
    field.value = entry.named ? entry.name : "";
    field.placeholder = entry.name;
    field.maxLength = NAME_LIMIT;
    field.setAttribute("aria-label", `Name of ${entry.name}`);
    row.element.insertBefore(field, row.element.firstChild);
    row.element.classList.add("sw-editing");
    let over = false;
    const end = (take: boolean): void => {
      if (over) return;
      over = true;
      const name = field.value.trim();
      const back = document.activeElement === field;
      field.remove();
      row.element.classList.remove("sw-editing");
      if (back) row.pencil.focus();
      if (take && name && name !== entry.name) this.actions.rename?.(entry, name);
    };
    field.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === "Enter") end(true);
      if (event.key === "Escape") end(false);
    });
    field.addEventListener("blur", () => end(true));
    field.focus();
    field.select();
  }
}
