import { arrange, uniqueId } from "../../../src/controls/elements";
import { reveal, visible } from "../../../src/leaderboard/window";
import { textOf } from "../../../src/leaderboard/runs";
import { make } from "../../../src/shared/dom";
import type { Words } from "../words";
import type { Run } from "./model";
import { ago, chosen, costText, isLive, parted, progressOf, stepped, summary } from "./model";

/** Height of a run in CSS pixels; the style sheet has it as --sw-jobs-row. */
const ROW = 46;

export interface ListHost {
  words: Words;
  choose(ids: string[]): void;
  /** A double click or Enter. */
  open(run: Run): void;
}

interface View {
  root: HTMLElement;
  head: HTMLElement;
  tail: HTMLElement;
  cost: HTMLElement;
  when: HTMLElement;
  line: HTMLElement;
  bar: HTMLElement;
}

/** The runs as a list box of which only those in sight are in the page; the box has the focus, one run is active. */
export class RunList {
  readonly root: HTMLElement;
  private readonly inner: HTMLElement;
  private readonly views = new Map<string, View>();
  private readonly observer: ResizeObserver;
  private readonly prefix = uniqueId("run");
  private readonly numbers = new Map<string, number>();
  private runs: readonly Run[] = [];
  private picked: readonly string[] = [];
  private active: string | null = null;
  private frame = 0;

  constructor(
    parent: Element,
    private readonly host: ListHost,
  ) {
    this.root = make("div", "sw-jobs-list", parent, {
      role: "listbox", tabindex: "0", "aria-multiselectable": "true", "aria-label": host.words.__("Runs"),
    });
    this.inner = make("div", "sw-jobs-inner", this.root, { role: "presentation" });
    this.root.addEventListener("scroll", () => this.soon(), { passive: true });
    this.root.addEventListener("keydown", (event) => this.pressed(event));
    this.root.addEventListener("click", (event) => this.clicked(event));
    this.root.addEventListener("dblclick", (event) => {
      const run = this.under(event);
      if (run) this.host.open(run);
    });
    this.observer = new ResizeObserver(() => this.soon());
    this.observer.observe(this.root);
  }

  dispose(): void {
    cancelAnimationFrame(this.frame);
    this.observer.disconnect();
  }

  show(runs: readonly Run[], picked: readonly string[]): void {
    this.runs = runs;
    this.picked = picked;
    if (this.active === null || !runs.some((run) => run.id === this.active)) this.active = picked.at(-1) ?? runs[0]?.id ?? null;
    this.inner.style.height = `${runs.length * ROW}px`;
    this.draw();
  }

  /** The run under the pointer, as for a context menu. */
  under(event: Event): Run | undefined {
    const row = event.target instanceof Element ? event.target.closest<HTMLElement>("[role=option]") : null;
    return row ? this.runs[Number(row.dataset["index"])] : undefined;
  }

  private soon(): void {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.draw());
  }

  private draw(): void {
    const { first, last } = visible(this.root.scrollTop, this.root.clientHeight, ROW, this.runs.length);
    const wanted = new Map<string, number>();
    for (let index = first; index < last; index++) wanted.set((this.runs[index] as Run).id, index);
    // The active run stays in the page when it is scrolled out of sight: the box points at it.
    const at = this.at();
    if (at >= 0) wanted.set((this.runs[at] as Run).id, at);
    for (const id of [...this.views.keys()]) if (!wanted.has(id)) this.views.delete(id);
    const order = [...wanted].sort((one, other) => one[1] - other[1]);
    arrange(this.inner, order.map(([id, index]) => this.write(id, index)));
    if (at >= 0) this.root.setAttribute("aria-activedescendant", this.idOf(this.active as string));
    else this.root.removeAttribute("aria-activedescendant");
  }

  private at(): number {
    return this.active === null ? -1 : this.runs.findIndex((run) => run.id === this.active);
  }

  /** An id that stays with a run, though its name may hold anything. */
  private idOf(id: string): string {
    let number = this.numbers.get(id);
    if (number === undefined) this.numbers.set(id, (number = this.numbers.size));
    return `${this.prefix}-${number}`;
  }

  private write(id: string, index: number): HTMLElement {
    const { words } = this.host;
    const run = this.runs[index] as Run;
    let view = this.views.get(id);
    if (!view) this.views.set(id, (view = this.build(id)));
    const { root } = view;
    root.style.transform = `translateY(${index * ROW}px)`;
    root.dataset["index"] = String(index);
    root.dataset["status"] = isLive(run) ? "live" : textOf(run, "status");
    root.setAttribute("aria-posinset", String(index + 1));
    root.setAttribute("aria-setsize", String(this.runs.length));
    root.setAttribute("aria-selected", String(this.picked.includes(id)));
    root.classList.toggle("sw-active", id === this.active);
    const write = (element: HTMLElement, text: string): void => {
      if (element.textContent !== text) element.textContent = text;
    };
    const [head, tail] = parted(run.name);
    write(view.head, head);
    write(view.tail, tail);
    write(view.cost, costText(run, words));
    write(view.when, ago(textOf(run, "started"), Date.now(), words));
    write(view.line, summary(run, words));
    root.title = `${run.name}\n${summary(run, words)}`;
    // The two halves of a name would be read with a pause between them.
    const spoken = [run.name, summary(run, words), costText(run, words), ago(textOf(run, "started"), Date.now(), words)].filter(Boolean).join(", ");
    if (root.getAttribute("aria-label") !== spoken) root.setAttribute("aria-label", spoken);
    const progress = progressOf(run);
    view.bar.hidden = progress === null;
    view.bar.style.setProperty("--sw-done", `${Math.round((progress ?? 0) * 100)}%`);
    return root;
  }

  private build(id: string): View {
    const root = make("div", "sw-jobs-run", undefined, { role: "option", id: this.idOf(id) });
    make("span", "sw-jobs-dot", root, { "aria-hidden": "true" });
    const name = make("span", "sw-jobs-name", root);
    const head = make("span", "sw-jobs-name-head", name);
    const tail = make("span", "", name);
    const when = make("span", "sw-jobs-when", root);
    const second = make("span", "sw-jobs-second", root);
    const line = make("span", "sw-jobs-line", second);
    const bar = make("span", "sw-jobs-bar", root, { "aria-hidden": "true" });
    const cost = make("span", "sw-jobs-cost", second);
    return { root, head, tail, when, line, cost, bar };
  }

  private clicked(event: MouseEvent): void {
    const run = this.under(event);
    if (!run) return;
    this.active = run.id;
    this.host.choose(chosen(this.picked, run.id, event.ctrlKey || event.metaKey || event.shiftKey));
  }

  private pressed(event: KeyboardEvent): void {
    if (event.altKey || event.metaKey || event.ctrlKey) return;
    const at = this.at();
    const run = this.runs[at];
    if (event.key === "Enter" && run) this.host.open(run);
    else if (event.key === " " && run) this.host.choose(chosen(this.picked, run.id, true));
    else {
      const page = Math.max(1, Math.floor(this.root.clientHeight / ROW) - 1);
      const to = stepped(event.key, at, this.runs.length, page);
      if (to === null) return;
      const next = this.runs[to] as Run;
      this.active = next.id;
      this.root.scrollTop = reveal(to, this.root.scrollTop, this.root.clientHeight, ROW);
      // With Shift only the active run moves, so that Space can choose a second one.
      if (event.shiftKey) this.draw();
      else this.host.choose([next.id]);
    }
    event.preventDefault();
    event.stopPropagation();
  }
}
