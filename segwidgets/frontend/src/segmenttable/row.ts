import { button, icon, say } from "../controls/elements";
import { make } from "../shared/dom";
import { count, percent, short } from "../shared/format";
import type { Feature, Row } from "./order";
import { NAME_LIMIT, isNoise, nameRefusal } from "./order";

/** What a row asks of its table. */
export interface RowHost {
  check(segment: number, on: boolean): void;
  rename(segment: number, name: string): void;
  pick(segment: number): void;
  /** The page is being rearranged: a field that loses the focus by that is still being edited. */
  readonly arranging: boolean;
}

/** How a row stands among the others. */
export interface Standing {
  checked: boolean;
  picked: boolean;
  merged: boolean;
  /** The effect at which a bar is full. */
  full: number;
}

/** One segment of the table. The elements stay while the segment does, so that focus and half-typed names survive. */
export class RowView {
  readonly root = document.createElement("tr");
  private readonly box: HTMLInputElement | null;
  private readonly cell: HTMLElement;
  private readonly name: HTMLElement;
  private readonly merged: HTMLElement;
  private readonly swatch: HTMLElement;
  private readonly show: HTMLButtonElement;
  private readonly numbers: HTMLElement[];
  private readonly features: HTMLElement;
  private editor: { field: HTMLInputElement; error: HTMLElement } | null = null;
  private row: Row;
  /** A name that is on its way to the kernel. */
  private sent: string | null = null;
  private drawnFeatures: { features: readonly Feature[]; full: number } | null = null;

  constructor(
    row: Row,
    private readonly host: RowHost,
  ) {
    this.row = row;
    const { root } = this;
    root.className = isNoise(row) ? "sw-row sw-noise" : "sw-row";
    root.setAttribute("role", "row");
    root.dataset["segment"] = String(row.segment);
    const cell = (name: string): HTMLElement => make("td", name, root, { role: "cell" });
    const pick = cell("sw-cell-check");
    this.box = isNoise(row) ? null : make("input", "", pick, { type: "checkbox" });
    this.box?.addEventListener("change", () => host.check(row.segment, this.box?.checked ?? false));
    this.cell = make("th", "sw-cell-name", root, { role: "rowheader", scope: "row" });
    this.swatch = make("span", "sw-swatch", this.cell);
    if (isNoise(row)) {
      this.name = make("span", "sw-name-text", this.cell);
    } else {
      const rename = make("button", "sw-plain sw-name", this.cell, { type: "button" });
      this.name = make("span", "sw-name-text", rename);
      icon("pencil", rename);
      rename.append(rename.firstChild as Node);
      rename.addEventListener("click", () => this.edit());
      rename.addEventListener("keydown", (event) => {
        if (event.key === "F2") this.edit();
      });
    }
    this.merged = make("span", "sw-merged", this.cell);
    this.merged.textContent = "merged";
    this.merged.title = "Shown as one segment with the others of this name";
    this.show = button("sw-button sw-show", "show", this.cell);
    this.show.addEventListener("click", () => host.pick(row.segment));
    this.numbers = [cell("sw-number-cell sw-cell-size"), cell("sw-number-cell sw-cell-share"), cell("sw-number-cell sw-cell-silhouette")];
    this.features = cell("sw-cell-features");
  }

  update(row: Row, standing: Standing): void {
    if (this.sent !== null && row.name !== this.row.name) this.sent = null;
    this.row = row;
    this.write(standing);
  }

  /** The kernel has answered: what it says counts. */
  settle(): void {
    this.sent = null;
  }

  private write({ checked, picked, merged, full }: Standing): void {
    const { row } = this;
    const name = this.sent ?? row.name;
    say(this.name, name);
    this.name.title = name;
    this.root.classList.toggle("sw-sent", this.sent !== null);
    this.root.classList.toggle("sw-checked", checked);
    if (this.box) {
      this.box.checked = checked;
      this.box.setAttribute("aria-label", `Select ${name}`);
      this.name.parentElement?.setAttribute("aria-label", `Rename ${name}`);
    }
    this.show.setAttribute("aria-label", `show ${name} on the map`);
    this.show.setAttribute("aria-pressed", String(picked));
    this.merged.hidden = !merged;
    this.swatch.hidden = !row.colour;
    this.swatch.style.background = row.colour ?? "";
    const [size, share, silhouette] = this.numbers as [HTMLElement, HTMLElement, HTMLElement];
    say(size, count(row.size));
    say(share, percent(row.share));
    share.title = `${short(row.share * 100, 4)} % of all rows`;
    say(silhouette, row.silhouette === null ? "–" : row.silhouette.toFixed(2));
    this.writeFeatures(full);
  }

  private writeFeatures(full: number): void {
    const { features } = this.row;
    const drawn = this.drawnFeatures;
    if (drawn && drawn.full === full && drawn.features === features) return;
    this.drawnFeatures = { features, full };
    this.features.textContent = "";
    if (features.length === 0) {
      make("span", "sw-quiet", this.features).textContent = isNoise(this.row) ? "" : "nothing stands out";
      return;
    }
    const list = make("ul", "sw-features", this.features);
    for (const feature of features) {
      const item = make("li", "sw-feature", list);
      item.title = `${feature.name}: effect size ${short(feature.effect)}`;
      const bar = make("span", `sw-bar sw-bar-${feature.direction}`, item, { "aria-hidden": "true" });
      bar.style.setProperty("--sw-size", String(Math.min(1, Math.abs(feature.effect) / full)));
      make("span", "sw-feature-text", item).textContent = feature.text;
      make("span", "sw-spoken", item).textContent = `, ${feature.direction}, effect size ${short(feature.effect)}`;
    }
  }

  /** Turns the name into a field: Enter or leaving it keeps the name, Escape leaves it as it was. */
  edit(): void {
    if (this.editor || isNoise(this.row)) return;
    const before = this.sent ?? this.row.name;
    const field = make("input", "sw-field sw-name-field", this.cell, {
      type: "text", maxlength: String(NAME_LIMIT), "aria-label": `Name of ${before}`, autocomplete: "off", spellcheck: "false",
    });
    field.value = before;
    const error = make("div", "sw-wrong sw-name-error", this.cell, { role: "alert" });
    this.editor = { field, error };
    this.cell.classList.add("sw-editing");
    field.addEventListener("input", () => this.refuse(""));
    field.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.isComposing) this.keep(true);
      if (event.key === "Escape") this.leave(true);
    });
    field.addEventListener("blur", () => {
      if (!this.host.arranging) this.keep(false);
    });
    field.focus();
    field.select();
  }

  private refuse(sentence: string): void {
    if (!this.editor) return;
    say(this.editor.error, sentence);
    this.editor.field.setAttribute("aria-invalid", String(sentence !== ""));
  }

  private keep(byKey: boolean): void {
    if (!this.editor) return;
    const name = this.editor.field.value.trim();
    const wrong = nameRefusal(name);
    if (wrong !== null && byKey) {
      this.refuse(wrong);
      return;
    }
    this.leave(byKey);
    if (wrong !== null || name === (this.sent ?? this.row.name)) return;
    this.sent = name;
    say(this.name, name);
    this.root.classList.add("sw-sent");
    this.host.rename(this.row.segment, name);
  }

  private leave(focus: boolean): void {
    const { editor } = this;
    if (!editor) return;
    this.editor = null;
    this.cell.classList.remove("sw-editing");
    editor.field.remove();
    editor.error.remove();
    if (focus) this.name.parentElement?.focus();
  }
}
