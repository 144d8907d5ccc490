import { arrange, button, icon, say, uniqueId } from "../controls/elements";
import { make } from "../shared/dom";
import { keepKeys } from "../shared/keys";
import look from "../controls/look.css";
import { plural } from "../shared/format";
import type { Model } from "../shared/model";
import { onChange } from "../shared/model";
import { CardView, type CardHost } from "./card";
import type { Comparison, Entry } from "./entries";
import { chosenAfter, pair, shownEntries } from "./entries";
import style from "./style.css";

export interface HistoryStripTraits {
  entries: readonly Entry[];
  /** Pictures as data URLs by the entry's id. */
  thumbnails: Readonly<Record<string, string>>;
  can_undo: boolean;
  can_redo: boolean;
  starred_only: boolean;
  chosen: readonly string[];
  comparison: Comparison | null;
}

/** The settings that came to rest as a strip of cards, the newest first. */
export class HistoryStripView implements CardHost {
  private readonly root = document.createElement("div");
  private readonly undo: HTMLButtonElement;
  private readonly redo: HTMLButtonElement;
  private readonly filter: HTMLInputElement;
  private readonly compare: HTMLButtonElement;
  private readonly status: HTMLElement;
  private readonly list: HTMLElement;
  private readonly empty: HTMLElement;
  private readonly table: HTMLElement;
  private readonly cards = new Map<string, CardView>();
  private readonly endings: (() => void)[] = [];
  /** The card that Tab reaches. */
  private active: string | null = null;
  private currentId: string | null = null;
  /** Compare was pressed in this view: the answer gets the focus. */
  private asked = false;

  constructor(
    private readonly model: Model<HistoryStripTraits>,
    host: HTMLElement,
  ) {
    const controller = new AbortController();
    const { signal } = controller;
    this.endings.push(() => controller.abort());
    this.root.className = "sw-control sw-history";
    this.root.setAttribute("role", "group");
    this.root.setAttribute("aria-label", "History");
    make("style", "", this.root).textContent = look + style;
    const bar = make("div", "sw-history-bar", this.root);
    this.undo = this.command(bar, "undo", "Undo", "Ctrl+Z", "Control+Z");
    this.redo = this.command(bar, "redo", "Redo", "Ctrl+Shift+Z", "Control+Shift+Z");
    this.status = make("span", "sw-history-status", bar, { role: "status" });
    const label = make("label", "sw-filter", bar);
    this.filter = make("input", "", label, { type: "checkbox" });
    label.append("starred only");
    this.filter.addEventListener("change", () => this.put("starred_only", this.filter.checked));
    this.compare = button("sw-button sw-compare", "Compare", bar);
    this.compare.addEventListener("click", () => this.askComparison());
    this.list = make("ol", "sw-cards-row", this.root, { "aria-label": "Settings, the newest first" });
    this.empty = make("div", "sw-history-empty", this.root);
    this.table = make("div", "sw-comparison", this.root);
    host.append(this.root);

    this.keys(signal);
    keepKeys(this.root, signal);
    this.list.addEventListener("focusin", (event) => {
      const card = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-id]") : null;
      if (card) this.reach(card.dataset["id"] ?? null);
    }, { signal });
    this.endings.push(
      onChange(model, ["entries", "thumbnails", "can_undo", "can_redo", "starred_only", "chosen"], () => this.draw()),
      onChange(model, ["comparison"], () => this.drawComparison()),
    );
    this.draw();
    this.drawComparison();
  }

  dispose(): void {
    for (const end of this.endings) end();
    this.root.remove();
  }

  goto(id: string): void {
    this.model.send?.({ kind: "goto", id });
  }

  star(id: string, starred: boolean): void {
    this.model.send?.({ kind: "star", id, starred });
  }

  choose(id: string, on: boolean): void {
    this.put("chosen", chosenAfter(this.chosen, id, on));
  }

  /** The chosen entries that are there, the older first. */
  private get chosen(): string[] {
    const there = new Set(this.model.get("entries").map((entry) => entry.id));
    return this.model.get("chosen").filter((id) => there.has(id));
  }

  private put<K extends keyof HistoryStripTraits>(name: K, value: HistoryStripTraits[K]): void {
    this.model.set(name, value);
    this.model.save_changes();
    this.draw();
  }

  private command(parent: Element, kind: "undo" | "redo", text: string, keys: string, shortcut: string): HTMLButtonElement {
    const made = button("sw-button", text, parent);
    icon(kind, made);
    made.title = `${text} (${keys} in the history)`;
    made.setAttribute("aria-keyshortcuts", shortcut);
    made.addEventListener("click", () => this.model.send?.({ kind }));
    return made;
  }

  private keys(signal: AbortSignal): void {
    this.root.addEventListener("keydown", (event) => {
      if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "z") {
        // Outside the strip these keys are the notebook's own undo.
        event.preventDefault();
        event.stopPropagation();
        const kind = event.shiftKey ? "redo" : "undo";
        if (this.model.get(`can_${kind}`)) this.model.send?.({ kind });
        return;
      }
      if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
      if (event.key === "Escape" && this.model.get("comparison")) this.closeComparison();
      if (event.target instanceof Element && this.list.contains(event.target)) this.step(event);
    }, { signal });
  }

  /** From card to card. */
  private step(event: KeyboardEvent): void {
    const ids = [...this.list.children].map((card) => (card as HTMLElement).dataset["id"] as string);
    const at = ids.indexOf(this.active ?? "");
    const next = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: ids.length - 1 }[event.key];
    const card = next === undefined ? undefined : this.cards.get(ids[next] ?? "");
    if (!card) return;
    event.preventDefault();
    card.go.focus();
  }

  private reach(id: string | null): void {
    this.active = id;
    for (const [other, card] of this.cards) card.reachable(other === id);
  }

  private draw(): void {
    const { model } = this;
    const entries = model.get("entries");
    const starredOnly = model.get("starred_only");
    const thumbnails = model.get("thumbnails");
    const drawn = shownEntries(entries, starredOnly);
    const chosen = this.chosen;
    const now = new Date();
    const ids = new Set(drawn.map((entry) => entry.id));
    for (const id of [...this.cards.keys()]) if (!ids.has(id)) this.cards.delete(id);
    const elements = drawn.map((entry) => {
      let card = this.cards.get(entry.id);
      if (!card) this.cards.set(entry.id, (card = new CardView(entry.id, this)));
      card.update(entry, thumbnails[entry.id] ?? "", chosen.includes(entry.id), now);
      return card.root;
    });
    arrange(this.list, elements);
    const current = drawn.find((entry) => entry.current)?.id ?? null;
    const focused = this.list.contains(document.activeElement);
    if (!ids.has(this.active ?? "") || (current !== this.currentId && !focused)) this.active = current ?? drawn[0]?.id ?? null;
    this.reach(this.active);
    this.list.hidden = drawn.length === 0;
    this.empty.hidden = drawn.length > 0;
    this.empty.textContent =
      entries.length > 0 ? "No setting is starred." : "No settings yet. Each one that comes to rest is kept here, to go back to and to compare.";
    this.undo.disabled = !model.get("can_undo");
    this.redo.disabled = !model.get("can_redo");
    this.filter.checked = starredOnly;
    this.compare.disabled = chosen.length !== 2;
    this.compare.title = chosen.length === 2 ? "Sizes, agreement and who moved" : "Tick “compare” on two settings";
    const stars = entries.filter((entry) => entry.starred).length;
    const told = `${plural(entries.length, "setting")}${stars ? `, ${stars} starred` : ""}`;
    say(this.status, entries.length === 0 ? "" : chosen.length === 1 ? `${told} · tick one more to compare` : told);
    if (current !== this.currentId) {
      this.currentId = current;
      if (current !== null) this.bring(current);
    }
  }

  /** Scrolls the strip, and only the strip, until a card is in sight. */
  private bring(id: string): void {
    const card = this.cards.get(id)?.root;
    if (!card) return;
    requestAnimationFrame(() => {
      const [box, at] = [this.list.getBoundingClientRect(), card.getBoundingClientRect()];
      if (at.left >= box.left && at.right <= box.right) return;
      const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
      this.list.scrollBy({ left: at.left - box.left - 12, behavior: still ? "auto" : "smooth" });
    });
  }

  private askComparison(): void {
    const [first, second] = pair(this.model.get("entries"), this.chosen);
    if (first === undefined || second === undefined) return;
    this.asked = true;
    this.root.classList.add("sw-comparing");
    this.model.send?.({ kind: "compare", ids: [first, second] });
  }

  private closeComparison(): void {
    const inside = this.table.contains(document.activeElement);
    this.put("comparison", null);
    this.drawComparison();
    if (inside) (this.compare.disabled ? this.cards.get(this.active ?? "")?.go : this.compare)?.focus();
  }

  private drawComparison(): void {
    const { table } = this;
    const comparison = this.model.get("comparison");
    this.root.classList.remove("sw-comparing");
    table.hidden = comparison === null;
    table.textContent = "";
    if (comparison === null) return;
    const id = uniqueId("comparison");
    table.setAttribute("role", "region");
    table.setAttribute("aria-labelledby", id);
    const head = make("div", "sw-comparison-head", table);
    const title = make("div", "sw-comparison-title", head, { id, tabindex: "-1" });
    title.textContent = comparison.title;
    const close = button("sw-button sw-comparison-close", "Close", head);
    icon("close", close);
    close.addEventListener("click", () => this.closeComparison());
    if (comparison.text) make("p", "sw-comparison-text", table).textContent = comparison.text;
    if (comparison.rows.length > 0) {
      const scroll = make("div", "sw-comparison-scroll", table, { tabindex: "0", role: "group", "aria-labelledby": id });
      const grid = make("table", "", scroll, { "aria-labelledby": id });
      const heads = make("tr", "", make("thead", "", grid));
      const [first, second] = comparison.columns ?? ["first", "second"];
      make("td", "", heads);
      for (const text of [first, second, "change"]) make("th", "", heads, { scope: "col" }).textContent = text;
      const body = make("tbody", "", grid);
      for (const [label, ...cells] of comparison.rows) {
        const line = make("tr", "", body);
        make("th", "", line, { scope: "row" }).textContent = label;
        for (const text of cells) make("td", "", line).textContent = text;
      }
    }
    if (this.asked) title.focus({ preventScroll: true });
    this.asked = false;
  }
}
