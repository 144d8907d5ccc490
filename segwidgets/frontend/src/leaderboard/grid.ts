import { arrange, button } from "../controls/elements";
import { make } from "../shared/dom";
import type { Run } from "./runs";
import { COLUMNS, isText, shown, textOf } from "./runs";
import { moved, reveal, visible } from "./window";

/** What the grid asks of its leaderboard. */
export interface GridHost {
  sort(key: string): void;
  choose(id: string, on: boolean): void;
  open(id: string): void;
}

/** What is shown. */
export interface GridContent {
  runs: readonly Run[];
  front: ReadonlySet<string>;
  chosen: readonly string[];
  sortBy: string;
  descending: boolean;
  busy: boolean;
  /** In CSS pixels; the grid may be measured while its page is not shown. */
  height: number;
}

/** Height of a row in CSS pixels; the style sheet has it as --sw-lb-row. */
const ROW = 28;
/** The columns before those of COLUMNS: the tick, and the button that opens the run. */
const FIRST = 2;
const WIDTHS = [30, 62, ...COLUMNS.map((column) => column.width)];

interface RowView {
  root: HTMLElement;
  cells: HTMLElement[];
  box: HTMLInputElement;
  open: HTMLButtonElement;
}

/** The runs as a grid of which only the rows in sight are in the page. One cell at a time is a stop of Tab. */
export class Grid {
  readonly root: HTMLElement;
  private readonly table: HTMLElement;
  private readonly body: HTMLElement;
  private readonly heads: HTMLElement[] = [];
  private readonly views = new Map<string, RowView>();
  private readonly observer: ResizeObserver;
  private content: GridContent = { runs: [], front: new Set(), chosen: [], sortBy: "", descending: true, busy: false, height: 0 };
  /** The cell that has the focus, or would get it. */
  private at = { row: 0, column: FIRST };
  private frame = 0;

  constructor(
    parent: Element,
    private readonly host: GridHost,
    signal: AbortSignal,
  ) {
    this.root = make("div", "sw-lb-scroll", parent);
    this.table = make("table", "sw-board", this.root, { role: "grid", "aria-label": "Leaderboard", "aria-multiselectable": "true" });
    this.table.style.setProperty("--sw-lb-columns", WIDTHS.map((width) => `${width}px`).join(" "));
    this.table.style.width = `${WIDTHS.reduce((sum, width) => sum + width, 0)}px`;
    this.buildHeads();
    this.body = make("tbody", "", this.table, { role: "rowgroup" });
    this.root.addEventListener("scroll", () => this.soon(), { signal, passive: true });
    this.table.addEventListener("keydown", (event) => this.pressed(event), { signal });
    this.table.addEventListener("focusin", (event) => this.entered(event), { signal });
    this.observer = new ResizeObserver(() => this.soon());
    this.observer.observe(this.root);
  }

  dispose(): void {
    cancelAnimationFrame(this.frame);
    this.observer.disconnect();
  }

  show(content: GridContent): void {
    this.content = content;
    this.at.row = Math.min(this.at.row, content.runs.length - 1);
    if (this.at.row < 0 && content.runs.length > 0 && !this.table.contains(document.activeElement)) this.at.row = 0;
    this.table.setAttribute("aria-rowcount", String(content.runs.length + 1));
    this.table.setAttribute("aria-busy", String(content.busy));
    this.root.style.maxHeight = `${content.height}px`;
    COLUMNS.forEach(({ key }, index) => {
      const sort = key !== content.sortBy ? "none" : content.descending ? "descending" : "ascending";
      this.heads[FIRST + index]?.setAttribute("aria-sort", sort);
    });
    this.body.style.height = `${content.runs.length * ROW}px`;
    this.draw();
  }

  private buildHeads(): void {
    const row = make("tr", "sw-lb-row sw-lb-heads", make("thead", "", this.table, { role: "rowgroup" }), { role: "row", "aria-rowindex": "1" });
    for (const word of ["Compare", "Open"]) {
      const cell = make("th", `sw-lb-${word.toLowerCase()}`, row, { role: "columnheader", scope: "col" });
      make("span", "sw-spoken", cell).textContent = word;
      this.heads.push(cell);
    }
    for (const column of COLUMNS) {
      const cell = make("th", isText(column) ? `sw-lb-is-${column.key}` : "sw-lb-number", row, { role: "columnheader", scope: "col" });
      const sort = button("sw-plain sw-lb-sort", column.head, cell);
      if (column.told) sort.title = column.told;
      make("span", "sw-lb-arrow", sort, { "aria-hidden": "true" });
      sort.addEventListener("click", () => this.host.sort(column.key));
      this.heads.push(cell);
    }
  }

  private soon(): void {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.draw());
  }

  private draw(): void {
    const { runs, height } = this.content;
    const { first, last } = visible(this.root.scrollTop, Math.max(height, this.root.clientHeight), ROW, runs.length);
    const wanted = new Map<string, number>();
    for (let index = first; index < last; index++) wanted.set((runs[index] as Run).id, index);
    // The row with the focus stays in the page when it is scrolled out of sight, or the focus would be lost.
    const focused = runs[this.at.row];
    if (focused) wanted.set(focused.id, this.at.row);
    for (const id of [...this.views.keys()]) if (!wanted.has(id)) this.views.delete(id);
    const order = [...wanted].sort((one, other) => one[1] - other[1]);
    arrange(this.body, order.map(([id, index]) => this.write(id, index).root));
    this.stop();
  }

  private write(id: string, index: number): RowView {
    const run = this.content.runs[index] as Run;
    let view = this.views.get(id);
    if (!view) this.views.set(id, (view = this.build(id)));
    const { root, cells, box, open } = view;
    const { chosen, front } = this.content;
    const ticked = chosen.includes(id);
    root.style.transform = `translateY(${index * ROW}px)`;
    root.dataset["index"] = String(index);
    root.setAttribute("aria-rowindex", String(index + 2));
    root.setAttribute("aria-selected", String(ticked));
    root.classList.toggle("sw-lb-on-front", front.has(id));
    box.checked = ticked;
    box.setAttribute("aria-label", `Compare ${run.name}`);
    open.setAttribute("aria-label", `Open ${run.name} in the panel`);
    COLUMNS.forEach((column, at) => {
      const cell = cells[FIRST + at] as HTMLElement;
      const words = shown(run, column, front);
      if (cell.textContent !== words) cell.textContent = words;
      if (column.kind === "text") cell.title = words;
      if (column.kind === "time") cell.title = textOf(run, column.key);
      if (column.key === "verdict" || column.key === "status") cell.dataset["value"] = words;
    });
    cells[FIRST + COLUMNS.findIndex(({ kind }) => kind === "mark")]?.setAttribute("aria-label", front.has(id) ? "on the front" : "not on the front");
    return view;
  }

  private build(id: string): RowView {
    const root = make("tr", "sw-lb-row", undefined, { role: "row" });
    root.dataset["run"] = id;
    const pick = make("td", "sw-lb-compare", root, { role: "gridcell" });
    const box = make("input", "", pick, { type: "checkbox" });
    box.addEventListener("change", () => this.host.choose(id, box.checked));
    const opener = make("td", "sw-lb-open", root, { role: "gridcell" });
    const open = button("sw-button sw-lb-open-button", "Open", opener);
    open.title = "Restore this run's settings in the panel";
    open.addEventListener("click", () => this.host.open(id));
    const cells = [pick, opener];
    for (const column of COLUMNS) {
      const name = isText(column) ? `sw-lb-is-${column.key}` : "sw-lb-number";
      const role = column.key === "name" ? "rowheader" : "gridcell";
      // A click gives a cell the focus too: the keys go on from there.
      cells.push(make(column.key === "name" ? "th" : "td", name, root, { role, tabindex: "-1" }));
    }
    return { root, cells, box, open };
  }

  // -- the keyboard ------------------------------------------------------------------------------------------------

  /** What takes the focus in a cell: what can be pressed there, or else the cell. */
  private target(row: number, column: number): HTMLElement | null {
    const run = this.content.runs[row];
    const cell = row < 0 ? this.heads[column] : run && this.views.get(run.id)?.cells[column];
    return cell ? (cell.querySelector<HTMLElement>("button, input") ?? cell) : null;
  }

  /** The one stop of Tab is where the focus was last. */
  private stop(): void {
    for (const element of this.table.querySelectorAll("[tabindex='0']")) element.setAttribute("tabindex", "-1");
    for (const element of this.table.querySelectorAll(".sw-lb-row :is(button, input):not([tabindex])")) element.setAttribute("tabindex", "-1");
    this.target(this.at.row, this.at.column)?.setAttribute("tabindex", "0");
  }

  private entered(event: FocusEvent): void {
    const cell = event.target instanceof Element ? event.target.closest("[role=row] > *") : null;
    const row = cell?.parentElement;
    if (!cell || !row) return;
    this.at = { row: Number(row.dataset["index"] ?? -1), column: [...row.children].indexOf(cell) };
    this.stop();
  }

  private pressed(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const page = Math.max(1, Math.floor(this.root.clientHeight / ROW) - 2);
    const next = moved(event.key, this.at, this.content.runs.length, WIDTHS.length, page);
    if (!next) return;
    event.preventDefault();
    this.at = next;
    const heads = this.heads[0]?.parentElement?.offsetHeight ?? ROW;
    if (next.row >= 0) this.root.scrollTop = reveal(next.row, this.root.scrollTop, this.root.clientHeight - heads, ROW);
    this.draw();
    const target = this.target(next.row, next.column);
    if (target && !target.hasAttribute("tabindex")) target.setAttribute("tabindex", "-1");
    target?.focus({ preventScroll: true });
    this.sideways(next.column);
  }

  /** Scrolls to a column, beside those that stand still. */
  private sideways(column: number): void {
    const left = WIDTHS.slice(0, column).reduce((sum, width) => sum + width, 0);
    const still = [...this.heads].filter((cell) => getComputedStyle(cell).position === "sticky");
    if (column < still.length) return;
    const kept = still.reduce((sum, cell) => sum + cell.offsetWidth, 0);
    const right = left + (WIDTHS[column] ?? 0);
    if (left < this.root.scrollLeft + kept) this.root.scrollLeft = left - kept;
    else if (right > this.root.scrollLeft + this.root.clientWidth) this.root.scrollLeft = right - this.root.clientWidth;
  }
}
