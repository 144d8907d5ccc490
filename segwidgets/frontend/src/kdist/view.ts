import type { BinaryTrait } from "../shared/binary";
import { floats } from "../shared/binary";
import { count, percent, rounded, short } from "../shared/format";
import type { Model } from "../shared/model";
import { onChange } from "../shared/model";
import type { Axis, Curve } from "./scale";
import { axis, keyed, logTicks, position, rankAt, rankLabel, ticks, unpack, valueAt, wide } from "./scale";
import style from "./style.css";
import { Throttle } from "./throttle";

export interface KDistanceTraits {
  curve: BinaryTrait;
  n_points: number;
  k: number;
  knee: number | null;
  eps: number;
  height: number;
}

const PAUSE = 50;
/** Digits kept of a dragged eps: finer than a pixel, and still readable in a recipe. */
const DIGITS = 4;
const MARGIN = { top: 10, right: 12, bottom: 34, left: 54 };
const SVG = "http://www.w3.org/2000/svg";

function svg<K extends keyof SVGElementTagNameMap>(tag: K, name: string, parent: Element): SVGElementTagNameMap[K] {
  const element = document.createElementNS(SVG, tag);
  if (name) element.setAttribute("class", name);
  parent.append(element);
  return element;
}

function html<K extends keyof HTMLElementTagNameMap>(tag: K, name: string, parent: Element): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  element.className = name;
  parent.append(element);
  return element;
}

function put(element: Element, attributes: Record<string, number | string>): void {
  for (const [name, value] of Object.entries(attributes)) {
    element.setAttribute(name, typeof value === "number" ? String(Math.round(value * 100) / 100) : value);
  }
}

/** "1st", "2nd", "3rd", "10th", "11th", "21st". */
export function ordinal(value: number): string {
  const tens = value % 100;
  const ending = tens >= 11 && tens <= 13 ? "th" : ({ 1: "st", 2: "nd", 3: "rd" } as Record<number, string>)[value % 10];
  return `${value}${ending ?? "th"}`;
}

/** The sorted k-distances with eps as a line that moves by pointer and by key. */
export class KDistanceView {
  private readonly root = document.createElement("div");
  private readonly title: HTMLElement;
  private readonly readout: HTMLElement;
  private readonly toggle: HTMLButtonElement;
  private readonly plot: SVGSVGElement;
  private readonly grid: SVGGElement;
  private readonly area: SVGPathElement;
  private readonly line: SVGPathElement;
  private readonly knee: SVGGElement;
  private readonly mark: SVGGElement;
  private readonly handle: SVGGElement;
  private readonly empty: HTMLElement;
  private readonly endings: (() => void)[] = [];
  private readonly throttle: Throttle<number>;
  private curve: Curve = { ranks: new Float32Array(0), values: new Float32Array(0) };
  private scale: Axis = { low: 0, high: 1, log: false };
  /** What the user chose; null: what suits the curve. */
  private log: boolean | null = null;
  private width = 0;
  /** The value shown while a pointer holds the line; what the kernel says meanwhile waits. */
  private held: number | null = null;

  constructor(
    private readonly model: Model<KDistanceTraits>,
    host: HTMLElement,
  ) {
    this.root.className = "sw-kdistance";
    this.root.setAttribute("role", "group");
    const sheet = document.createElement("style");
    sheet.textContent = style;
    this.root.append(sheet);
    const head = html("div", "sw-k-head", this.root);
    this.title = html("span", "sw-k-title", head);
    this.readout = html("span", "sw-k-readout", head);
    this.toggle = html("button", "sw-k-toggle", head);
    this.toggle.type = "button";
    this.toggle.textContent = "log";
    this.toggle.title = "Logarithmic distance axis";
    this.toggle.setAttribute("aria-label", "Logarithmic distance axis");
    this.toggle.addEventListener("click", () => {
      this.log = !this.scale.log;
      this.drawCurve();
    });
    this.plot = svg("svg", "sw-k-plot", this.root);
    this.grid = svg("g", "sw-k-grid", this.plot);
    this.grid.setAttribute("aria-hidden", "true");
    this.area = svg("path", "sw-k-area", this.plot);
    this.knee = svg("g", "sw-k-knee", this.plot);
    svg("line", "", this.knee);
    svg("text", "", this.knee);
    this.line = svg("path", "sw-k-curve", this.plot);
    this.mark = svg("g", "sw-k-mark", this.plot);
    svg("line", "", this.mark);
    svg("circle", "", this.mark).setAttribute("r", "3.5");
    this.handle = svg("g", "sw-kdistance-handle", this.plot);
    svg("rect", "sw-k-grab", this.handle);
    svg("line", "", this.handle);
    svg("rect", "sw-k-pill", this.handle);
    svg("text", "", this.handle);
    put(this.handle, { role: "slider", tabindex: 0, "aria-label": "eps", "aria-orientation": "vertical" });
    this.empty = html("div", "sw-k-empty", this.root);
    this.empty.textContent = "No k-distances yet.";
    host.append(this.root);

    this.throttle = new Throttle(PAUSE, () => model.save_changes());
    this.listen();
    this.endings.push(
      onChange(model, ["curve", "n_points", "k", "knee", "height"], () => this.readCurve()),
      onChange(model, ["eps"], () => {
        if (this.held === null) this.drawEps();
      }),
    );
    const resized = new ResizeObserver(() => {
      if (this.plot.clientWidth !== this.width) this.drawCurve();
    });
    resized.observe(this.plot);
    this.endings.push(() => resized.disconnect());
    this.readCurve();
  }

  dispose(): void {
    this.throttle.flush();
    for (const end of this.endings) end();
    this.root.remove();
  }

  private get points(): number {
    return this.model.get("n_points");
  }

  private get eps(): number {
    return this.held ?? this.model.get("eps");
  }

  private set(eps: number): void {
    this.model.set("eps", eps);
    this.throttle.push(eps);
    this.drawEps();
  }

  private listen(): void {
    const controller = new AbortController();
    const { signal } = controller;
    this.endings.push(() => controller.abort());
    // Where the line was taken, relative to itself: it does not jump to the pointer's middle.
    let offset = 0;
    let pointer: number | null = null;
    const level = (event: PointerEvent): number => event.clientY - this.plot.getBoundingClientRect().top;
    const move = (event: PointerEvent): void => {
      const value = valueAt(this.scale, 1 - (level(event) - offset - MARGIN.top) / this.inner.height);
      this.held = rounded(value, DIGITS);
      this.set(this.held);
    };
    this.plot.addEventListener(
      "pointerdown",
      (event) => {
        if (event.button !== 0 || this.curve.values.length === 0) return;
        const onLine = this.handle.contains(event.target as Node);
        // A finger beside the line scrolls the page; a mouse beside it brings the line.
        if (!onLine && event.pointerType === "touch") return;
        pointer = event.pointerId;
        this.plot.setPointerCapture(pointer);
        offset = onLine ? level(event) - this.y(this.eps) : 0;
        this.held = this.eps;
        this.root.classList.add("sw-held");
        this.handle.focus({ preventScroll: true });
        event.preventDefault();
        if (!onLine) move(event);
      },
      { signal },
    );
    this.plot.addEventListener(
      "pointermove",
      (event) => {
        if (event.pointerId === pointer) move(event);
      },
      { signal },
    );
    const release = (event: PointerEvent): void => {
      if (event.pointerId !== pointer) return;
      pointer = null;
      this.held = null;
      this.root.classList.remove("sw-held");
      this.throttle.flush();
      this.drawEps();
    };
    for (const name of ["pointerup", "pointercancel", "lostpointercapture"] as const) {
      this.plot.addEventListener(name, release, { signal });
    }
    this.handle.addEventListener(
      "keydown",
      (event) => {
        if (event.ctrlKey || event.metaKey || event.altKey || this.curve.values.length === 0) return;
        const value = keyed(event.key, event.shiftKey, this.eps, this.curve);
        if (value === null) return;
        // JupyterLab moves between cells with these keys.
        event.preventDefault();
        event.stopPropagation();
        this.set(rounded(value, DIGITS + 2));
      },
      { signal },
    );
    this.handle.addEventListener("keyup", () => this.throttle.flush(), { signal });
    this.handle.addEventListener("blur", () => this.throttle.flush(), { signal });
  }

  private readCurve(): void {
    this.curve = unpack(floats(this.model.get("curve")));
    this.root.style.setProperty("--sw-height", `${this.model.get("height")}px`);
    const k = this.model.get("k");
    this.title.textContent = `${k}-distance`;
    this.title.title = `Distance of each point to its ${ordinal(k)} neighbour, sorted`;
    this.root.classList.toggle("sw-empty", this.curve.values.length === 0);
    this.root.dataset["points"] = String(this.points);
    this.drawCurve();
  }

  private get inner(): { width: number; height: number } {
    return {
      width: Math.max(1, this.width - MARGIN.left - MARGIN.right),
      height: Math.max(1, this.plot.clientHeight - MARGIN.top - MARGIN.bottom),
    };
  }

  private x(rank: number): number {
    return MARGIN.left + (rank / Math.max(1, this.points)) * this.inner.width;
  }

  private y(value: number): number {
    return MARGIN.top + (1 - position(this.scale, value)) * this.inner.height;
  }

  private drawCurve(): void {
    const { curve } = this;
    this.width = this.plot.clientWidth;
    this.scale = axis(curve, this.log ?? wide(curve));
    this.toggle.setAttribute("aria-pressed", String(this.scale.log));
    let path = "";
    for (let i = 0; i < curve.values.length; i++) {
      path += `${i ? "L" : "M"}${this.x(curve.ranks[i] as number).toFixed(1)} ${this.y(curve.values[i] as number).toFixed(1)}`;
    }
    this.line.setAttribute("d", path);
    this.drawGrid();
    this.drawKnee();
    this.drawEps();
  }

  private drawGrid(): void {
    const { grid, scale } = this;
    const { width, height } = this.inner;
    const [left, right, bottom] = [MARGIN.left, MARGIN.left + width, MARGIN.top + height];
    grid.textContent = "";
    if (this.curve.values.length === 0) return;
    const label = (text: string, x: number, y: number, anchor: string): void => {
      const element = svg("text", "", grid);
      put(element, { x, y, "text-anchor": anchor });
      element.textContent = text;
    };
    const wanted = Math.max(2, Math.round(height / 38));
    for (const value of scale.log ? logTicks(scale.low, scale.high, wanted) : ticks(scale.low, scale.high, wanted)) {
      const y = Math.round(this.y(value)) + 0.5;
      put(svg("line", "", grid), { x1: left, x2: right, y1: y, y2: y });
      label(short(value), left - 7, y + 3.5, "end");
    }
    for (const rank of ticks(0, this.points, Math.max(2, Math.round(width / 90)))) {
      const x = Math.round(this.x(rank)) + 0.5;
      put(svg("line", "", grid), { x1: x, x2: x, y1: bottom, y2: bottom + 4 });
      label(rankLabel(rank), x, bottom + 15, "middle");
    }
    put(svg("line", "sw-k-base", grid), { x1: left, x2: right, y1: bottom + 0.5, y2: bottom + 0.5 });
    label("points, sorted by distance", left + width / 2, bottom + 29, "middle");
    const side = svg("text", "", grid);
    put(side, { "text-anchor": "middle", transform: `translate(12 ${MARGIN.top + height / 2}) rotate(-90)` });
    side.textContent = `distance to the ${ordinal(this.model.get("k"))} neighbour`;
  }

  private drawKnee(): void {
    const knee = this.model.get("knee");
    const shown = knee !== null && this.curve.values.length > 0;
    this.knee.style.display = shown ? "" : "none";
    if (knee === null || !shown) return;
    const [line, text] = [this.knee.children[0] as Element, this.knee.children[1] as Element];
    const y = this.y(knee);
    const right = MARGIN.left + this.inner.width;
    put(line, { x1: MARGIN.left, x2: right, y1: y, y2: y });
    // On the left the curve is low; the pill of eps stands before the label.
    put(text, { x: MARGIN.left + 116, y: y > MARGIN.top + 14 ? y - 5 : y + 13 });
    text.textContent = `knee ${short(knee)}`;
  }

  private drawEps(): void {
    const { curve, eps, points, handle } = this;
    if (curve.values.length === 0) {
      this.readout.textContent = "";
      return;
    }
    const [low, high] = [curve.values[0] as number, curve.values.at(-1) as number];
    const rank = rankAt(curve, eps);
    const core = percent(rank / Math.max(1, points));
    const beyond = eps > this.scale.high ? "above the curve" : this.scale.log && eps < this.scale.low ? "below the curve" : "";
    this.readout.textContent = "";
    const strong = document.createElement("b");
    strong.textContent = `${core} core`;
    this.readout.append(strong, ` at eps ${short(eps, DIGITS)}${beyond ? ` (${beyond})` : ""}`);
    const y = this.y(eps);
    const bottom = MARGIN.top + this.inner.height;
    const [left, right] = [MARGIN.left, MARGIN.left + this.inner.width];
    const [grab, line, pill, text] = [...handle.children] as [Element, Element, Element, SVGTextElement];
    put(grab, { x: left, y: y - 12, width: right - left, height: 24 });
    put(line, { x1: left, x2: right, y1: y, y2: y });
    text.textContent = `eps ${short(eps, DIGITS)}${beyond ? (eps > high ? " ↑" : " ↓") : ""}`;
    const wide = 14 + text.textContent.length * 6.6;
    put(pill, { x: left + 8, y: y - 9.5, width: wide, height: 19, rx: 9.5 });
    put(text, { x: left + 8 + wide / 2, y: y + 4, "text-anchor": "middle" });
    put(handle, {
      "aria-valuenow": String(eps),
      "aria-valuemin": String(Math.min(low, eps)),
      "aria-valuemax": String(Math.max(high, eps)),
      "aria-valuetext": `eps ${short(eps, DIGITS)}, ${core} of ${count(points)} points are core`,
    });
    const x = this.x(rank);
    const [drop, dot] = [this.mark.children[0] as Element, this.mark.children[1] as Element];
    put(drop, { x1: x, x2: x, y1: y, y2: bottom });
    put(dot, { cx: x, cy: y });
    this.drawArea(rank, y, bottom);
    this.root.dataset["core"] = String(Math.round(rank));
    this.root.setAttribute("aria-label", `${this.model.get("k")}-distance plot of ${count(points)} points: ${core} core at eps ${short(eps, DIGITS)}`);
  }

  /** The part of the curve at or below eps. */
  private drawArea(rank: number, y: number, bottom: number): void {
    const { curve } = this;
    let path = `M${this.x(curve.ranks[0] as number).toFixed(1)} ${bottom}`;
    for (let i = 0; i < curve.ranks.length && (curve.ranks[i] as number) < rank; i++) {
      path += `L${this.x(curve.ranks[i] as number).toFixed(1)} ${this.y(curve.values[i] as number).toFixed(1)}`;
    }
    const x = this.x(rank).toFixed(1);
    this.area.setAttribute("d", rank > 0 ? `${path}L${x} ${y.toFixed(1)}L${x} ${bottom}Z` : "");
  }
}
