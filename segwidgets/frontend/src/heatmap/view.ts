import { make } from "../shared/dom";
import { count, short } from "../shared/format";
import { isOurs, keepKeys } from "../shared/keys";
import type { Model } from "../shared/model";
import { onChange } from "../shared/model";
import { readTheme, watchTheme } from "../shared/theme";
import type { Cell, Facet, Frame, HeatMapTraits } from "./cells";
import { hit, middle, stepped, unpack } from "./cells";
import { draw, framed, pixels, shades, strip } from "./paint";
import style from "./style.css";
import { place, told, type Naming } from "./words";

interface Drawn {
  facet: Facet;
  plot: HTMLElement;
  canvas: HTMLCanvasElement;
  cursor: HTMLElement;
  frame: Frame | null;
  marks: HTMLButtonElement[];
}

/** The ring around the present setting: the colour that eps has in the k-distance plot. */
const HERE = { light: "#c2410c", dark: "#ff8a4c" };

/** Grids of values as colours on one scale, a cell told at a time, and taken by a click where there is an action. */
export class HeatMapView {
  private readonly root = document.createElement("div");
  private readonly readout: HTMLElement;
  private readonly strip: HTMLElement;
  private readonly ends: [HTMLElement, HTMLElement];
  private readonly grid: HTMLElement;
  private readonly live: HTMLElement;
  private readonly endings: (() => void)[] = [];
  private readonly abort = new AbortController();
  private readonly resized: ResizeObserver;
  private drawn: Drawn[] = [];
  private at: Cell = { facet: 0, row: 0, column: 0 };

  constructor(
    private readonly model: Model<HeatMapTraits>,
    host: HTMLElement,
  ) {
    this.root.className = "sw-heat";
    this.root.setAttribute("role", "group");
    const sheet = document.createElement("style");
    sheet.textContent = style;
    this.root.append(sheet);
    const head = make("div", "sw-heat-head", this.root);
    this.readout = make("div", "sw-heat-readout", head);
    const scale = make("div", "sw-heat-scale", head);
    const low = make("span", "", scale);
    this.strip = make("span", "sw-heat-strip", scale, { "aria-hidden": "true" });
    this.ends = [low, make("span", "", scale)];
    this.grid = make("div", "sw-heat-facets", this.root);
    this.live = make("div", "sw-heat-live", this.root, { role: "status", "aria-live": "polite" });
    host.append(this.root);
    keepKeys(this.root, this.abort.signal);
    this.resized = new ResizeObserver(() => this.paint());
    this.endings.push(
      onChange(model, [
        "facets", "values", "layers", "more", "row_name", "column_name", "value_name", "low", "high", "diverging",
        "upwards", "steep", "action", "absent", "across", "height",
      ], () => this.build()),
      watchTheme(() => this.paint()),
      () => this.resized.disconnect(),
      () => this.abort.abort(),
    );
    this.build();
  }

  dispose(): void {
    for (const end of this.endings) end();
    this.root.remove();
  }

  private get naming(): Naming {
    const { model } = this;
    return {
      row_name: model.get("row_name"), column_name: model.get("column_name"), value_name: model.get("value_name"),
      absent: model.get("absent"), layers: model.get("layers"),
    };
  }

  /** The facets anew where their shape changed; where only numbers did, whoever has the focus keeps it. */
  private build(): void {
    const { model } = this;
    const facets = unpack(model.get("facets"), model.get("values"), model.get("layers"), model.get("more"));
    this.root.setAttribute("aria-label", `Heat map of ${model.get("value_name")}`);
    this.root.style.setProperty("--sw-height", `${model.get("height")}px`);
    this.root.style.setProperty("--sw-across", String(Math.max(1, model.get("across"))));
    if (facets.length !== this.drawn.length) {
      this.resized.disconnect();
      this.grid.textContent = "";
      this.drawn = facets.map((facet, number) => this.added(facet, number));
      this.at = { facet: 0, row: 0, column: 0 };
    }
    facets.forEach((facet, i) => {
      const drawn = this.drawn[i] as Drawn;
      drawn.facet = facet;
      const size = `${count(facet.rows.length)} by ${count(facet.columns.length)} cells`;
      const how = model.get("action") ? `; Enter: ${model.get("action")}` : "";
      drawn.plot.setAttribute("aria-label", `${facet.title || model.get("value_name")}, ${size}. Arrow keys move${how}`);
      const caption = drawn.plot.previousElementSibling as HTMLElement;
      caption.textContent = facet.title;
      caption.style.display = facet.title ? "" : "none";
    });
    this.at = this.within(this.at);
    this.mark();
    this.paint();
  }

  private within(cell: Cell): Cell {
    const facet = this.drawn[cell.facet]?.facet;
    const held = (at: number, most: number): number => Math.max(0, Math.min(at, most - 1));
    return { ...cell, row: held(cell.row, facet?.rows.length ?? 1), column: held(cell.column, facet?.columns.length ?? 1) };
  }

  private added(facet: Facet, number: number): Drawn {
    const figure = make("figure", "", this.grid);
    make("figcaption", "", figure);
    const plot = make("div", "sw-heat-plot", figure, { tabindex: "0", role: "application", "aria-roledescription": "heat map" });
    const canvas = make("canvas", "", plot, { "aria-hidden": "true" });
    const cursor = make("div", "sw-heat-cursor", plot);
    const drawn: Drawn = { facet, plot, canvas, cursor, frame: null, marks: [] };
    const { signal } = this.abort;
    const under = (event: MouseEvent): Cell | null => {
      const box = plot.getBoundingClientRect();
      const found = drawn.frame && hit(drawn.frame, event.clientX - box.left, event.clientY - box.top);
      return found && { facet: number, ...found };
    };
    plot.addEventListener("pointermove", (event) => this.point(under(event)), { signal });
    plot.addEventListener("pointerleave", () => this.point(null), { signal });
    plot.addEventListener("click", (event) => {
      const cell = under(event);
      if (cell && !(event.target instanceof HTMLButtonElement)) this.take(cell);
    }, { signal });
    plot.addEventListener("focus", () => {
      this.point({ ...this.within({ ...this.at, facet: number }) }, true);
    }, { signal });
    plot.addEventListener("blur", () => this.point(null), { signal });
    plot.addEventListener("keydown", (event) => {
      if (event.target !== plot || !isOurs(event)) return;
      if (event.key === "Enter" || event.key === " ") {
        event.preventDefault();
        this.take(this.at);
        return;
      }
      const { rows, columns } = drawn.facet;
      const next = stepped(this.at, event.key, rows.length, columns.length, this.model.get("upwards"));
      if (!next) return;
      event.preventDefault();
      this.point({ facet: number, ...next }, true);
    }, { signal });
    this.resized.observe(plot);
    return drawn;
  }

  /** Buttons on the marked cells. */
  private mark(): void {
    for (const drawn of this.drawn) {
      for (const button of drawn.marks) button.remove();
      drawn.marks = drawn.facet.marks.map((mark) => {
        const button = make("button", "sw-heat-mark", drawn.plot, { type: "button", title: mark.title });
        button.textContent = mark.text;
        button.setAttribute("aria-label", `${mark.text}. ${mark.title}`);
        const cell = { facet: this.drawn.indexOf(drawn), row: mark.row, column: mark.column };
        button.addEventListener("click", () => this.take(cell), { signal: this.abort.signal });
        button.addEventListener("focus", () => this.point(cell), { signal: this.abort.signal });
        return button;
      });
    }
  }

  private take(cell: Cell): void {
    this.at = this.within(cell);
    const facet = this.drawn[cell.facet]?.facet;
    if (!facet || !this.model.get("action")) return;
    this.model.send?.({ kind: "take", ...this.at });
    this.live.textContent = `${this.model.get("action")}: ${place(this.naming, facet, this.at)}.`;
  }

  /** Tell of a cell, and frame it; of none, say what a click does. */
  private point(cell: Cell | null, byKey = false): void {
    for (const drawn of this.drawn) drawn.cursor.style.display = "none";
    const drawn = cell && this.drawn[cell.facet];
    if (!cell || !drawn || !drawn.frame) {
      this.hint();
      return;
    }
    this.at = cell;
    const [where, what] = [place(this.naming, drawn.facet, cell), told(this.naming, drawn.facet, cell)];
    this.readout.textContent = "";
    const strong = make("b", "", this.readout);
    strong.textContent = what;
    this.readout.append(` at ${where}`);
    if (byKey) this.live.textContent = `${where}: ${what}`;
    const { frame } = drawn;
    const centre = middle(frame, cell.row, cell.column);
    const [width, height] = [Math.max(6, frame.width / frame.columns), Math.max(6, frame.height / frame.rows)];
    Object.assign(drawn.cursor.style, {
      display: "block", width: `${width}px`, height: `${height}px`,
      left: `${centre.x - width / 2}px`, top: `${centre.y - height / 2}px`,
    });
  }

  private hint(): void {
    const action = this.model.get("action");
    this.readout.textContent = this.drawn.length && action ? `${action}: click a cell or a label.` : "";
  }

  private paint(): void {
    const { model } = this;
    const theme = readTheme(this.root);
    const scale = { low: model.get("low"), high: model.get("high"), diverging: model.get("diverging") };
    this.strip.style.background = strip(scale, theme.dark);
    this.ends[0].textContent = `${model.get("value_name")} ${short(scale.low)}`;
    this.ends[1].textContent = short(scale.high);
    const look = getComputedStyle(this.root);
    const table = shades(scale.diverging, theme.dark);
    const axes = { rowName: model.get("row_name"), columnName: model.get("column_name"), steep: model.get("steep") };
    const upwards = model.get("upwards");
    for (const drawn of this.drawn) {
      const { plot, canvas, facet } = drawn;
      const [width, height] = [plot.clientWidth, plot.clientHeight];
      const context = canvas.getContext("2d");
      // A tab that is not shown has no size.
      if (!context || width < 20 || height < 20) continue;
      const ratio = window.devicePixelRatio || 1;
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
      context.scale(ratio, ratio);
      drawn.frame = framed(context, facet, axes, width, height, upwards);
      const image = pixels(facet, scale, theme, upwards, table);
      draw(context, facet, drawn.frame, image, axes, look.color, theme.dark ? HERE.dark : HERE.light);
      drawn.marks.forEach((button, i) => {
        const mark = facet.marks[i];
        if (!mark || !drawn.frame) return;
        const { x, y } = middle(drawn.frame, mark.row, mark.column);
        // The label stays inside: half of its width is kept from the sides.
        const half = button.offsetWidth / 2;
        button.style.left = `${Math.min(width - half - 2, Math.max(half + 2, x))}px`;
        button.style.top = `${y}px`;
      });
    }
    this.root.dataset["painted"] = String(this.drawn.filter((one) => one.frame).length);
    if (!this.root.contains(document.activeElement)) this.hint();
  }
}
