import { make } from "../shared/dom";
import { count } from "../shared/format";
import { watchTheme } from "../shared/theme";
import type { Axis } from "./axes";
import { axes, brushed, drawn, place, tick } from "./axes";
import type { Brushes } from "./constraints";
import type { Run } from "./runs";
import { COLUMNS, numberOf } from "./runs";

/** What is drawn: `all` stand in grey, `kept` in colour, those of the front thick on top. */
export interface ParallelContent {
  all: readonly Run[];
  kept: readonly Run[];
  front: ReadonlySet<string>;
  brushes: Brushes;
}

const HEIGHT = 206;
const TOP = 24;
const BOTTOM = 46;
/** Where a line passes an axis on which its run has no value: below it. */
const NOWHERE = HEIGHT - BOTTOM + 20;
/** A pointer that moved less has clicked, and a click takes the brush away. */
const CLICK = 4;

/** Each run as a line over its settings and scores; an axis is brushed with the pointer or by its two fields. */
export class Parallel {
  readonly root: HTMLElement;
  private readonly stage: HTMLElement;
  private readonly canvas: HTMLCanvasElement;
  private readonly inks: Record<"other" | "kept" | "front", HTMLElement>;
  private readonly strips = new Map<string, { strip: HTMLElement; brush: HTMLElement; head: HTMLElement; high: HTMLElement; low: HTMLElement }>();
  private readonly fields = new Map<string, { from: HTMLInputElement; to: HTMLInputElement; range: HTMLElement; known: HTMLElement }>();
  private readonly endings: (() => void)[] = [];
  private content: ParallelContent = { all: [], kept: [], front: new Set(), brushes: {} };
  private axes: Axis[] = axes([]);
  private frame = 0;

  constructor(
    parent: Element,
    private readonly changed: (brushes: Brushes) => void,
    signal: AbortSignal,
  ) {
    this.root = make("div", "sw-lb-parallel", parent);
    const legend = make("div", "sw-lb-legend", this.root);
    const ink = (name: string, words: string): HTMLElement => {
      const item = make("span", "sw-lb-legend-item", legend);
      const swatch = make("span", `sw-lb-ink sw-lb-ink-${name}`, item, { "aria-hidden": "true" });
      make("span", "", item).textContent = words;
      return swatch;
    };
    this.inks = { kept: ink("kept", "shown"), front: ink("front", "Pareto front (thick)"), other: ink("other", "left out") };
    make("span", "sw-lb-hint", legend).textContent = "Drag along an axis to keep a range; click it to let go. A line below an axis: no value.";
    this.stage = make("div", "sw-lb-stage", this.root);
    this.canvas = make("canvas", "sw-lb-canvas", this.stage, { role: "img" });
    this.axes.forEach((axis, index) => this.buildStrip(axis.key, index, signal));
    this.buildTwin(signal);
    const observer = new ResizeObserver(() => this.soon());
    observer.observe(this.stage);
    this.endings.push(() => observer.disconnect(), watchTheme(() => this.soon()), () => cancelAnimationFrame(this.frame));
  }

  dispose(): void {
    for (const end of this.endings) end();
  }

  show(content: ParallelContent): void {
    this.content = content;
    this.axes = axes(content.all);
    for (const axis of this.axes) this.write(axis);
    const brushedAxes = Object.keys(content.brushes).length;
    this.canvas.setAttribute(
      "aria-label",
      `Parallel coordinates of ${count(content.all.length)} runs over ${this.axes.length} axes, ${count(content.kept.length)} of them kept` +
        `${brushedAxes ? ` by ranges on ${brushedAxes} axes` : ""}. The table below has the ranges and sets them.`,
    );
    this.soon();
  }

  // -- brushing ----------------------------------------------------------------------------------------------------

  private buildStrip(key: string, index: number, signal: AbortSignal): void {
    const strip = make("div", "sw-lb-strip", this.stage, { "aria-hidden": "true" });
    strip.style.left = `${(100 * (index + 0.5)) / this.axes.length}%`;
    strip.dataset["axis"] = key;
    const part = (name: string): HTMLElement => make("div", name, strip);
    const parts = { strip, brush: part("sw-lb-brush"), head: part("sw-lb-axis-head"), high: part("sw-lb-axis-high"), low: part("sw-lb-axis-low") };
    parts.head.textContent = COLUMNS.find((column) => column.key === key)?.head ?? key;
    this.strips.set(key, parts);
    let start: number | null = null;
    const at = (event: PointerEvent): number => {
      const box = strip.getBoundingClientRect();
      return 1 - (event.clientY - box.top - TOP) / (HEIGHT - TOP - BOTTOM);
    };
    strip.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      start = at(event);
      strip.setPointerCapture(event.pointerId);
      event.preventDefault();
    }, { signal });
    const brush = (event: PointerEvent, ended: boolean): void => {
      const axis = this.axes.find((one) => one.key === key);
      if (start === null || !axis || axis.known === 0) return;
      const end = at(event);
      const moved = Math.abs(end - start) * (HEIGHT - TOP - BOTTOM);
      if (moved >= CLICK) this.changed(brushed(this.content.brushes, key, drawn(axis, start, end)));
      else if (ended) this.changed(brushed(this.content.brushes, key, null));
    };
    strip.addEventListener("pointermove", (event) => brush(event, false), { signal });
    strip.addEventListener("pointerup", (event) => {
      brush(event, true);
      start = null;
    }, { signal });
    strip.addEventListener("pointercancel", () => (start = null), { signal });
  }

  /** The same in text: what an axis spans, and its brush in two fields. */
  private buildTwin(signal: AbortSignal): void {
    const twin = make("details", "sw-lb-twin", this.root);
    make("summary", "", twin).textContent = "Ranges as numbers";
    const table = make("table", "sw-lb-small", make("div", "sw-lb-small-scroll", twin, { tabindex: "0", role: "group", "aria-label": "Ranges as numbers" }));
    const head = make("tr", "", make("thead", "", table));
    for (const word of ["Axis", "Runs span", "With a value", "Keep from", "to"]) make("th", "", head, { scope: "col" }).textContent = word;
    const body = make("tbody", "", table);
    for (const { key } of this.axes) {
      const row = make("tr", "", body);
      const name = COLUMNS.find((column) => column.key === key)?.head ?? key;
      make("th", "", row, { scope: "row" }).textContent = name;
      const range = make("td", "sw-lb-number", row);
      const known = make("td", "sw-lb-number", row);
      const field = (word: string): HTMLInputElement => {
        const made = make("input", "sw-field sw-lb-limit", make("td", "", row), { type: "number", step: "any", "aria-label": `Keep ${name} ${word}` });
        made.addEventListener("change", () => this.typed(key), { signal });
        return made;
      };
      this.fields.set(key, { range, known, from: field("from"), to: field("to") });
    }
  }

  private typed(key: string): void {
    const fields = this.fields.get(key);
    const axis = this.axes.find((one) => one.key === key);
    if (!fields || !axis) return;
    const { from, to } = fields;
    if (from.value === "" && to.value === "") return this.changed(brushed(this.content.brushes, key, null));
    const [low, high] = [from.value === "" ? axis.low : Number(from.value), to.value === "" ? axis.high : Number(to.value)];
    this.changed(brushed(this.content.brushes, key, [Math.min(low, high), Math.max(low, high)]));
  }

  private write(axis: Axis): void {
    const { key, low, high, known } = axis;
    const range = this.content.brushes[key];
    const strip = this.strips.get(key);
    const fields = this.fields.get(key);
    if (!strip || !fields) return;
    strip.high.textContent = known ? tick(key, high) : "";
    strip.low.textContent = known ? tick(key, low) : "no value";
    strip.brush.hidden = !range || known === 0;
    if (range && known > 0) {
      const span = HEIGHT - TOP - BOTTOM;
      const [bottom, top] = [place(axis, range[0]), place(axis, range[1])].map((at) => Math.min(1, Math.max(0, at))) as [number, number];
      strip.brush.style.top = `${TOP + (1 - top) * span - 2}px`;
      strip.brush.style.height = `${Math.max(0, top - bottom) * span + 4}px`;
    }
    fields.range.textContent = known ? `${tick(key, low)} to ${tick(key, high)}` : "–";
    fields.known.textContent = count(known);
    for (const [field, value] of [[fields.from, range?.[0]], [fields.to, range?.[1]]] as const) {
      if (document.activeElement !== field) field.value = value === undefined ? "" : String(value);
    }
  }

  // -- drawing -----------------------------------------------------------------------------------------------------

  private soon(): void {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.draw());
  }

  private x(index: number, width: number): number {
    return (width * (index + 0.5)) / this.axes.length;
  }

  private draw(): void {
    const width = this.stage.clientWidth;
    const pen = this.canvas.getContext("2d");
    if (width === 0 || !pen) return;
    const ratio = window.devicePixelRatio || 1;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(HEIGHT * ratio);
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.lineJoin = "round";
    const kept = new Set(this.content.kept.map((run) => run.id));
    const others = this.content.all.filter((run) => !kept.has(run.id));
    this.lines(pen, width, others, this.inks.other, 1, 0.35);
    const plain = this.content.kept.filter((run) => !this.content.front.has(run.id));
    this.lines(pen, width, plain, this.inks.kept, 1.2, plain.length > 400 ? 0.3 : 0.6);
    this.lines(pen, width, this.content.kept.filter((run) => this.content.front.has(run.id)), this.inks.front, 2.6, 1);
    pen.globalAlpha = 1;
    pen.strokeStyle = getComputedStyle(this.root).color;
    pen.lineWidth = 1;
    this.axes.forEach((_, index) => {
      const x = Math.round(this.x(index, width)) + 0.5;
      pen.beginPath();
      pen.moveTo(x, TOP);
      pen.lineTo(x, HEIGHT - BOTTOM);
      pen.stroke();
    });
  }

  private lines(pen: CanvasRenderingContext2D, width: number, runs: readonly Run[], ink: HTMLElement, thick: number, alpha: number): void {
    pen.strokeStyle = getComputedStyle(ink).color;
    pen.lineWidth = thick;
    pen.globalAlpha = alpha;
    const span = HEIGHT - TOP - BOTTOM;
    for (const run of runs) {
      pen.beginPath();
      this.axes.forEach((axis, index) => {
        const value = numberOf(run, axis.key);
        const y = value === null ? NOWHERE : TOP + (1 - place(axis, value)) * span;
        if (index === 0) pen.moveTo(this.x(index, width), y);
        else pen.lineTo(this.x(index, width), y);
      });
      pen.stroke();
    }
  }
}
