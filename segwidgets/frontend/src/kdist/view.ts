import { isOurs, keepKeys } from "../shared/keys";
import { make } from "../shared/dom";
import type { BinaryTrait } from "../shared/binary";
import { floats } from "../shared/binary";
import { count, percent, plural, rounded, short } from "../shared/format";
import type { Model } from "../shared/model";
import { onChange } from "../shared/model";
import { put, svg, SVG } from "./dom";
import { at, mostClusters, type Profile, unpackProfile } from "./profile";
import type { Axis, Curve } from "./scale";
import { axis, keyed, logTicks, position, rankAt, ticks, unpack, valueAt, wide } from "./scale";
import style from "./style.css";
import { Throttle } from "./throttle";
import { inWords, ordinal } from "./words";

export interface KDistanceTraits {
  curve: BinaryTrait;
  n_points: number;
  k: number;
  knee: number | null;
  knee_confidence: number;
  profile: BinaryTrait;
  plateau: readonly [number, number] | null;
  eps: number;
  height: number;
}

const PAUSE = 50;
/** Digits kept of a dragged eps: finer than a pixel, and still readable in a recipe. */
const DIGITS = 4;
const MARGIN = { top: 40, right: 14, bottom: 34, left: 46 };
/** The lower plot's share of the height, and the gap above it in pixels. */
const LOWER = 0.32;
const GAP = 22;

/** The sorted k-distances with eps as a line that moves by pointer and by key. */
export class KDistanceView {
  private readonly root = document.createElement("div");
  private readonly title: HTMLElement;
  private readonly readout: HTMLElement;
  private readonly toggle: HTMLButtonElement;
  private readonly plot: SVGSVGElement;
  private readonly grid: SVGGElement;
  private readonly band: SVGRectElement;
  private readonly clusters: SVGPathElement;
  private readonly noise: SVGPathElement;
  private readonly twin: HTMLElement;
  private readonly area: SVGPathElement;
  private readonly line: SVGPathElement;
  private readonly knee: SVGGElement;
  private readonly mark: SVGGElement;
  private readonly handle: SVGGElement;
  private readonly empty: HTMLElement;
  private readonly endings: (() => void)[] = [];
  private readonly throttle: Throttle<number>;
  private profile: Profile = { eps: new Float32Array(0), clusters: new Float32Array(0), noise: new Float32Array(0) };
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
    const head = make("div", "sw-k-head", this.root);
    this.title = make("span", "sw-k-title", head);
    this.readout = make("span", "sw-k-readout", head);
    this.toggle = make("button", "sw-k-toggle", head);
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
    this.band = svg("rect", "sw-k-band", this.plot);
    this.area = svg("path", "sw-k-area", this.plot);
    this.noise = svg("path", "sw-k-noise", this.plot);
    this.clusters = svg("path", "sw-k-clusters", this.plot);
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
    put(this.handle, { role: "slider", tabindex: 0, "aria-label": "eps", "aria-orientation": "horizontal" });
    this.twin = make("div", "sw-k-twin", this.root);
    this.empty = make("div", "sw-k-empty", this.root);
    this.empty.textContent = "No k-distances yet.";
    host.append(this.root);

    this.throttle = new Throttle(PAUSE, () => model.save_changes());
    this.listen();
    this.endings.push(
      onChange(model, ["curve", "n_points", "k", "knee", "knee_confidence", "profile", "height"], () => this.readCurve()),
      onChange(model, ["plateau"], () => this.drawEps()),
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
    const level = (event: PointerEvent): number => event.clientX - this.plot.getBoundingClientRect().left;
    const move = (event: PointerEvent): void => {
      const value = valueAt(this.scale, (level(event) - offset - MARGIN.left) / this.inner.width);
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
        offset = onLine ? level(event) - this.x(this.eps) : 0;
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
    keepKeys(this.root, signal);
    this.handle.addEventListener(
      "keydown",
      (event) => {
        if (!isOurs(event) || this.curve.values.length === 0) return;
        const value = keyed(event.key, event.shiftKey, this.eps, this.curve);
        if (value === null) return;
        event.preventDefault();
        this.set(rounded(value, DIGITS + 2));
      },
      { signal },
    );
    this.handle.addEventListener("keyup", () => this.throttle.flush(), { signal });
    this.handle.addEventListener("blur", () => this.throttle.flush(), { signal });
  }

  private readCurve(): void {
    this.curve = unpack(floats(this.model.get("curve")));
    this.profile = unpackProfile(floats(this.model.get("profile")));
    this.root.style.setProperty("--sw-height", `${this.model.get("height")}px`);
    const k = this.model.get("k");
    this.title.textContent = `${k}-distance`;
    this.title.title = `How many points have their ${ordinal(k)} neighbour within eps: the sorted ${k}-distances, eps along the lower edge`;
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

  /** Where the upper plot ends and where the lower one begins; the lower one is there with a profile only. */
  private get split(): { bottom: number; top: number } {
    const { height } = this.inner;
    if (this.profile.eps.length === 0) return { bottom: MARGIN.top + height, top: MARGIN.top + height };
    const bottom = MARGIN.top + Math.round((height - GAP) * (1 - LOWER));
    return { bottom, top: bottom + GAP };
  }

  private x(eps: number): number {
    return MARGIN.left + position(this.scale, eps) * this.inner.width;
  }

  /** In the upper plot, by the number of points. */
  private y(rank: number): number {
    const { bottom } = this.split;
    return bottom - (rank / Math.max(1, this.points)) * (bottom - MARGIN.top);
  }

  /** In the lower plot, by a share of its height. */
  private z(share: number): number {
    const { top } = this.split;
    const bottom = MARGIN.top + this.inner.height;
    return bottom - share * (bottom - top);
  }

  private drawCurve(): void {
    const { curve } = this;
    this.width = this.plot.clientWidth;
    this.scale = axis(curve, this.log ?? wide(curve));
    this.toggle.setAttribute("aria-pressed", String(this.scale.log));
    let path = "";
    for (let i = 0; i < curve.values.length; i++) {
      path += `${i ? "L" : "M"}${this.x(curve.values[i] as number).toFixed(1)} ${this.y((curve.ranks[i] as number) + 1).toFixed(1)}`;
    }
    this.line.setAttribute("d", path);
    this.drawGrid();
    this.drawProfile();
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
    const across = (y: number, text: string): void => {
      put(svg("line", "", grid), { x1: left, x2: right, y1: Math.round(y) + 0.5, y2: Math.round(y) + 0.5 });
      label(text, left - 6, y + 3.5, "end");
    };
    for (const share of [0, 0.5, 1]) across(this.y(share * this.points), percent(share));
    const wanted = Math.max(2, Math.round(width / 70));
    for (const value of scale.log ? logTicks(scale.low, scale.high, wanted) : ticks(scale.low, scale.high, wanted)) {
      const x = Math.round(this.x(value)) + 0.5;
      put(svg("line", "", grid), { x1: x, x2: x, y1: MARGIN.top, y2: bottom + 4 });
      label(short(value), x, bottom + 15, "middle");
    }
    put(svg("line", "sw-k-base", grid), { x1: left, x2: right, y1: bottom + 0.5, y2: bottom + 0.5 });
    label(`eps: distance on the map`, left + width / 2, bottom + 29, "middle");
    label(`points with their ${ordinal(this.model.get("k"))} neighbour within eps`, left, 11, "start");
    if (this.profile.eps.length === 0) return;
    const most = mostClusters(this.profile);
    across(this.z(1), count(most));
    const legend = svg("text", "", grid);
    put(legend, { x: left, y: this.split.top - 6, "text-anchor": "start" });
    for (const [name, words] of [["sw-k-c", "— clusters"], ["sw-k-n", "   - - noise (0 to 100 %)"]] as const) {
      const part = document.createElementNS(SVG, "tspan");
      part.setAttribute("class", name);
      part.textContent = words;
      legend.append(part);
    }
  }

  private drawProfile(): void {
    const { profile } = this;
    const most = mostClusters(profile);
    let clusters = "";
    let noise = "";
    for (let i = 0; i < profile.eps.length; i++) {
      const eps = profile.eps[i] as number;
      if (eps > this.scale.high || (this.scale.log && eps < this.scale.low)) continue;
      const x = this.x(eps).toFixed(1);
      const y = this.z((profile.clusters[i] as number) / most).toFixed(1);
      // A step: the number of clusters stays until the next eps of the grid.
      clusters += clusters ? `H${x}V${y}` : `M${x} ${y}`;
      noise += `${noise ? "L" : "M"}${x} ${this.z(profile.noise[i] as number).toFixed(1)}`;
    }
    this.clusters.setAttribute("d", clusters);
    this.noise.setAttribute("d", noise);
  }

  private drawKnee(): void {
    const knee = this.model.get("knee");
    const [line, text] = [this.knee.children[0] as Element, this.knee.children[1] as Element];
    const { bottom } = this.split;
    this.knee.style.display = this.curve.values.length > 0 ? "" : "none";
    const right = MARGIN.left + this.inner.width;
    if (knee === null) {
      put(line, { x1: 0, x2: 0, y1: 0, y2: 0 });
      put(text, { x: right - 4, y: bottom - 8, "text-anchor": "end" });
      text.textContent = "no knee";
      return;
    }
    const x = this.x(knee);
    put(line, { x1: x, x2: x, y1: MARGIN.top, y2: bottom });
    const fits = x + 120 < right;
    put(text, { x: fits ? x + 5 : x - 5, y: bottom - 8, "text-anchor": fits ? "start" : "end" });
    const sure = this.model.get("knee_confidence");
    const said = this.inner.width < 320 ? short(sure, 2) : `confidence ${short(sure, 2)}`;
    text.textContent = `knee ${short(knee)}${sure > 0 ? ` (${said})` : ""}`;
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
    const found = at(this.profile, eps);
    // By the grid: between two of its eps a cluster may come or go. The map counts exactly.
    const told = found ? `≈ ${plural(found.clusters, "cluster")}, ${percent(found.noise)} noise, ` : "";
    this.readout.textContent = "";
    const strong = document.createElement("b");
    strong.textContent = `${told}${core} core`;
    this.readout.append(strong, ` at eps ${short(eps, DIGITS)}${beyond ? ` (${beyond})` : ""}`);
    const x = this.x(eps);
    const bottom = MARGIN.top + this.inner.height;
    const [left, right] = [MARGIN.left, MARGIN.left + this.inner.width];
    const [grab, line, pill, text] = [...handle.children] as [Element, Element, Element, SVGTextElement];
    put(grab, { x: x - 12, y: MARGIN.top - 20, width: 24, height: bottom - MARGIN.top + 20 });
    put(line, { x1: x, x2: x, y1: MARGIN.top, y2: bottom });
    text.textContent = `eps ${short(eps, DIGITS)}${beyond ? (eps > high ? " →" : " ←") : ""}`;
    const wide = 14 + text.textContent.length * 6.6;
    const middle = Math.min(right - wide / 2, Math.max(left + wide / 2, x));
    put(pill, { x: middle - wide / 2, y: MARGIN.top - 21, width: wide, height: 19, rx: 9.5 });
    put(text, { x: middle, y: MARGIN.top - 7.5, "text-anchor": "middle" });
    put(handle, {
      "aria-valuenow": String(eps),
      "aria-valuemin": String(Math.min(low, eps)),
      "aria-valuemax": String(Math.max(high, eps)),
      "aria-valuetext": `eps ${short(eps, DIGITS)}: ${told}${core} of ${count(points)} points are core`,
    });
    const y = this.y(rank);
    const [drop, dot] = [this.mark.children[0] as Element, this.mark.children[1] as Element];
    put(drop, { x1: left, x2: x, y1: y, y2: y });
    put(dot, { cx: x, cy: y });
    this.drawArea(rank, x);
    this.drawPlateau();
    this.tell(told, core, eps);
    this.root.dataset["core"] = String(Math.round(rank));
    this.root.dataset["clusters"] = found ? String(found.clusters) : "";
  }

  /** How far eps can move; while it is dragged out of the band that Python sent, the band stays where it is. */
  private drawPlateau(): void {
    const plateau = this.model.get("plateau");
    const { top } = this.split;
    if (!plateau || this.profile.eps.length === 0) {
      put(this.band, { x: 0, y: 0, width: 0, height: 0 });
      return;
    }
    const [from, to] = [this.x(plateau[0]), this.x(plateau[1])];
    put(this.band, { x: from, y: top, width: Math.max(1, to - from), height: MARGIN.top + this.inner.height - top });
  }

  /** The plot in words, for those who do not see it. */
  private tell(told: string, core: string, eps: number): void {
    const k = this.model.get("k");
    const [knee, plateau] = [this.model.get("knee"), this.model.get("plateau")];
    this.twin.textContent = inWords({ k, points: this.points, eps, told: `${told}${core}`, knee, plateau });
    this.root.setAttribute("aria-label", `${k}-distance plot of ${count(this.points)} points`);
  }

  /** The part of the curve up to eps. */
  private drawArea(rank: number, x: number): void {
    const { curve } = this;
    const { bottom } = this.split;
    let path = `M${this.x(curve.values[0] as number).toFixed(1)} ${bottom}`;
    for (let i = 0; i < curve.ranks.length && (curve.ranks[i] as number) < rank; i++) {
      path += `L${this.x(curve.values[i] as number).toFixed(1)} ${this.y((curve.ranks[i] as number) + 1).toFixed(1)}`;
    }
    this.area.setAttribute("d", rank > 0 ? `${path}L${x.toFixed(1)} ${this.y(rank).toFixed(1)}L${x.toFixed(1)} ${bottom}Z` : "");
  }
}
