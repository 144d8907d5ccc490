import { arrange, button, say, uniqueId } from "../controls/elements";
import { make } from "../shared/dom";
import { keepKeys } from "../shared/keys";
import look from "../controls/look.css";
import { count, plural } from "../shared/format";
import type { Model } from "../shared/model";
import { onChange } from "../shared/model";
import type { Column, Row } from "./order";
import { COLUMNS, LIMIT, NAME_LIMIT, clicked, fullEffect, isNoise, limited, mergedName, nameRefusal, shared, sorted } from "./order";
import { RowView, type RowHost } from "./row";
import style from "./style.css";

export interface SegmentTableTraits {
  rows: readonly Row[];
  state: "pending" | "final" | "empty";
  sort_by: Column;
  descending: boolean;
  checked: readonly number[];
  all_shown: boolean;
  max_height: number;
  /** The segment that is shown on the map. */
  picked: number | null;
}

const HEADS: Record<Column, { text: string; told: string }> = {
  name: { text: "Segment", told: "name" },
  size: { text: "Size", told: "size" },
  share: { text: "Share", told: "share" },
  silhouette: { text: "Silhouette", told: "silhouette" },
  effect: { text: "What sets it apart", told: "strongest effect" },
};

/** The segments as a table: sorted, named in place, chosen to be merged. */
export class SegmentTableView implements RowHost {
  arranging = false;
  private readonly root = document.createElement("div");
  private readonly status: HTMLElement;
  private readonly form: HTMLFormElement;
  private readonly mergeName: HTMLInputElement;
  private readonly mergeButton: HTMLButtonElement;
  private readonly error: HTMLElement;
  private readonly scroll: HTMLElement;
  private readonly table: HTMLTableElement;
  private readonly heads = new Map<Column, HTMLElement>();
  private readonly body: HTMLElement;
  private readonly more: HTMLButtonElement;
  private readonly empty: HTMLElement;
  private readonly views = new Map<number, RowView>();
  private readonly endings: (() => void)[] = [];

  constructor(
    private readonly model: Model<SegmentTableTraits>,
    host: HTMLElement,
  ) {
    const controller = new AbortController();
    const { signal } = controller;
    this.endings.push(() => controller.abort());
    this.root.className = "sw-control sw-segmenttable";
    make("style", "", this.root).textContent = look + style;
    const bar = make("div", "sw-segments-bar", this.root);
    this.status = make("div", "sw-segments-status", bar, { role: "status" });
    this.form = make("form", "sw-merge", bar, { "aria-label": "Merge segments" });
    const errorId = uniqueId("error");
    this.mergeName = make("input", "sw-field sw-merge-name", this.form, {
      type: "text", "aria-label": "Name of the merged segment", maxlength: String(NAME_LIMIT), autocomplete: "off",
      spellcheck: "false", "aria-errormessage": errorId,
    });
    this.mergeButton = button("sw-button sw-merge-button", "Merge", this.form);
    this.mergeButton.type = "submit";
    this.error = make("div", "sw-wrong sw-merge-error", this.root, { id: errorId, role: "alert" });
    this.scroll = make("div", "sw-segments-scroll", this.root);
    this.table = make("table", "sw-table", this.scroll, { role: "table", "aria-label": "Segments" });
    this.body = this.build();
    this.more = button("sw-button sw-more", "", this.scroll);
    this.empty = make("div", "sw-segments-empty", this.root);
    host.append(this.root);

    keepKeys(this.root, signal);
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.merge();
    }, { signal });
    this.mergeName.addEventListener("input", () => this.refuse(""), { signal });
    this.more.addEventListener("click", () => this.put("all_shown", true), { signal });
    this.endings.push(
      onChange(model, ["rows", "state"], () => {
        for (const view of this.views.values()) view.settle();
        this.draw();
      }),
      onChange(model, ["sort_by", "descending", "checked", "picked", "all_shown", "max_height"], () => this.draw()),
    );
    this.draw();
  }

  dispose(): void {
    for (const end of this.endings) end();
    this.root.remove();
  }

  check(segment: number, on: boolean): void {
    const others = this.checked.filter((other) => other !== segment);
    this.put("checked", on ? [...others, segment].sort((one, other) => one - other) : others);
    this.refuse("");
  }

  rename(segment: number, name: string): void {
    this.model.send?.({ kind: "rename", segments: [segment], name });
  }

  /** Shows a segment on the map; the one that is shown no more. */
  pick(segment: number): void {
    const next = this.model.get("picked") === segment ? null : segment;
    this.put("picked", next);
    this.model.send?.({ kind: "pick", segment: next });
  }

  private get rows(): readonly Row[] {
    return this.model.get("rows");
  }

  /** The chosen segments that are there. */
  private get checked(): number[] {
    const there = new Set(this.rows.map((row) => row.segment));
    return this.model.get("checked").filter((segment) => segment >= 0 && there.has(segment));
  }

  private put<K extends keyof SegmentTableTraits>(name: K, value: SegmentTableTraits[K]): void {
    this.model.set(name, value);
    this.model.save_changes();
    this.draw();
  }

  private build(): HTMLElement {
    const head = make("tr", "sw-row sw-heads", make("thead", "", this.table, { role: "rowgroup" }), { role: "row" });
    const first = make("td", "sw-cell-check", head, { role: "cell" });
    make("span", "sw-spoken", first).textContent = "Select";
    for (const column of COLUMNS) {
      const name = column === "effect" ? "features" : column;
      const number = column === "size" || column === "share" || column === "silhouette";
      const cell = make("th", `${number ? "sw-number-cell " : ""}sw-cell-${name}`, head, { role: "columnheader", scope: "col" });
      const sort = button("sw-plain sw-sort", HEADS[column].text, cell);
      make("span", "sw-arrow", sort, { "aria-hidden": "true" });
      sort.addEventListener("click", () => {
        const next = clicked(column, this.model.get("sort_by"), this.model.get("descending"));
        this.model.set("sort_by", next.column);
        this.put("descending", next.descending);
      });
      this.heads.set(column, cell);
    }
    return make("tbody", "", this.table, { role: "rowgroup" });
  }

  private merge(): void {
    const segments = this.checked;
    if (segments.length < 2) return;
    const name = this.mergeName.value.trim() || mergedName(this.rows, segments);
    const wrong = nameRefusal(name);
    if (wrong !== null) {
      this.refuse(wrong);
      this.mergeName.focus();
      return;
    }
    this.model.send?.({ kind: "merge", segments, name });
    this.mergeName.value = "";
    this.put("checked", []);
  }

  private refuse(sentence: string): void {
    say(this.error, sentence);
    this.error.hidden = !sentence;
    this.mergeName.setAttribute("aria-invalid", String(sentence !== ""));
  }

  private draw(): void {
    const { model, rows } = this;
    const [column, descending, state] = [model.get("sort_by"), model.get("descending"), model.get("state")];
    const ordered = sorted(rows, column, descending);
    const drawn = model.get("all_shown") ? ordered : limited(ordered);
    const chosen = new Set(this.checked);
    const twice = shared(rows);
    const full = fullEffect(rows);
    const picked = model.get("picked");
    const kept = new Set(drawn.map((row) => row.segment));
    for (const segment of [...this.views.keys()]) if (!kept.has(segment)) this.views.delete(segment);
    const elements = drawn.map((row) => {
      let view = this.views.get(row.segment);
      if (!view) this.views.set(row.segment, (view = new RowView(row, this)));
      view.update(row, {
        checked: chosen.has(row.segment), picked: row.segment === picked, merged: !isNoise(row) && twice.has(row.name), full,
      });
      return view.root;
    });
    this.arranging = true;
    arrange(this.body, elements);
    this.arranging = false;
    for (const [name, cell] of this.heads) {
      cell.setAttribute("aria-sort", name !== column ? "none" : descending ? "descending" : "ascending");
    }
    this.drawAround(rows, drawn, state, chosen);
  }

  private drawAround(rows: readonly Row[], drawn: readonly Row[], state: SegmentTableTraits["state"], chosen: ReadonlySet<number>): void {
    const { model } = this;
    const segments = rows.filter((row) => !isNoise(row)).length;
    this.root.dataset["state"] = state;
    this.table.setAttribute("aria-busy", String(state === "pending"));
    this.scroll.style.maxHeight = `${model.get("max_height")}px`;
    this.scroll.hidden = rows.length === 0;
    this.more.hidden = drawn.length === rows.length;
    this.more.textContent = `Show all ${plural(segments, "segment")} (${LIMIT} are shown)`;
    this.empty.hidden = rows.length > 0;
    this.empty.textContent =
      state === "pending" ? "Describing the segments …" : "No segments yet. They are listed here with what sets each one apart.";
    const order = `sorted by ${HEADS[model.get("sort_by")].told}, ${model.get("descending") ? "descending" : "ascending"}`;
    const counted = `${plural(segments, "segment")}${rows.length > segments ? " and noise" : ""}`;
    say(
      this.status,
      rows.length === 0 ? "" : state === "pending" ? `${counted} · being described anew …` : `${counted}, ${order}`,
    );
    this.form.hidden = segments < 2;
    this.mergeButton.disabled = chosen.size < 2;
    this.mergeButton.textContent = chosen.size < 2 ? "Merge" : `Merge ${count(chosen.size)}`;
    this.mergeName.disabled = chosen.size < 2;
    this.mergeName.placeholder = chosen.size < 2 ? "tick two to merge" : mergedName(rows, [...chosen]);
    if (!this.error.textContent) this.error.hidden = true;
  }
}
