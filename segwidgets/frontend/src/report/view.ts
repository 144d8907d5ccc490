import { bounds, Camera } from "../cloud/camera";
import { paletteTexels } from "../cloud/colouring";
import { NOISE } from "../cloud/entries";
import { type Gestures, listen } from "../cloud/gestures";
import { Legend } from "../cloud/legend";
import { noiseColour, segmentColour } from "../cloud/palette";
import { Pace, type Part } from "../cloud/pace";
import { nearest } from "../cloud/picking";
import { forValues } from "../cloud/positions";
import { Raster } from "../cloud/raster";
import { type Painter, Renderer } from "../cloud/renderer";
import { MODE, PALETTE_WIDTH } from "../cloud/shaders";
import style from "../cloud/style.css";
import { Tip } from "../cloud/tip";
import { automaticSize } from "../cloud/view";
import { mix } from "../shared/colour";
import { make } from "../shared/dom";
import { count, percent, plural, short } from "../shared/format";
import { readTheme, sameTheme, type Theme, watchTheme } from "../shared/theme";
import { LiveCut, type Stand } from "./cutting";
import type { LiveData } from "./data";
import own from "./style.css";

const RADIANS_PER_HEIGHT = 3.4;
const REACH = 10;
const FADE = 0.38;
const NARROW = 520;
/** Milliseconds without a move until the outcome is read out. */
const READ_OUT = 700;

/** The live map of a report: the panel's picture of a sample, a slider of eps, and nothing that tells of one customer. */
export class LiveView {
  stand: Stand;
  private readonly cut: LiveCut;
  private readonly root = make("div", "sw-pointcloud");
  private readonly canvas: HTMLCanvasElement;
  private readonly tip: Tip;
  private readonly slider: HTMLInputElement;
  private readonly shown: HTMLOutputElement;
  private readonly note: HTMLElement;
  private readonly live: HTMLElement;
  private readonly legend: Legend;
  private readonly camera = new Camera();
  private readonly painter: Painter | null;
  private readonly pace: Pace | null;
  private readonly hidden = new Set<number>();
  private isolated: number | null = null;
  private theme: Theme = { background: [1, 1, 1], dark: false };
  private texels: Uint8Array = new Uint8Array(PALETTE_WIDTH * 4);
  private fitWaits = true;
  private touched = false;
  private timer = 0;

  constructor(
    private readonly data: LiveData,
    host: HTMLElement,
  ) {
    this.cut = new LiveCut(data);
    if (!this.cut.whole) throw new Error("The live map's data is incomplete: make the report again.");
    host.textContent = "";
    make("style", "", host).textContent = style + own;
    const bar = make("div", "sw-live-bar", host);
    const label = make("label", "", bar);
    label.append("eps ");
    this.slider = make("input", "", label, { type: "range", min: "0", max: String(data.steps.length - 1), step: "1" });
    this.slider.value = String(data.start);
    this.shown = make("output", "", bar);
    const back = make("button", "", bar, { type: "button" });
    back.textContent = `Back to ${short(data.steps[data.start] as number)}, the chosen one`;

    const { root } = this;
    root.setAttribute("role", "group");
    Object.assign(root, { live: this });
    host.append(root);
    const stage = make("div", "sw-stage", root);
    this.canvas = make("canvas", "sw-canvas", stage, { role: "application", tabindex: "0" });
    this.tip = new Tip(stage);
    make("div", "sw-hint", stage).textContent = "arrows or drag turn · shift moves · + − or wheel scale · 0 fits";
    this.legend = new Legend({ isolate: (key) => this.isolate(key), hide: (key) => this.hide(key) });
    make("div", "sw-side", root).append(this.legend.element);
    this.note = make("p", "soft", host);
    this.live = make("div", "sw-live-words", host, { "aria-live": "polite" });

    const renderer = Renderer.on(this.canvas);
    this.painter = renderer ?? Raster.on(this.canvas);
    renderer?.watch(() => this.draw(), () => this.draw());
    this.pace = this.painter && new Pace(this.painter, () => data.points.count, () => true, (part) => this.paint(part));
    this.camera.setFrame(bounds(data.points), data.points.dimensions === 2);
    this.painter?.setPoints(data.points);
    this.painter?.setValues(null);
    this.painter?.setPicked(null);

    this.slider.addEventListener("input", () => this.go(Number(this.slider.value)));
    back.addEventListener("click", () => this.go(data.start));
    root.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.isolated !== null) this.isolate(this.isolated);
    });
    listen(this.canvas, this.gestures());
    const resized = new ResizeObserver(() => {
      root.classList.toggle("sw-narrow", root.clientWidth < NARROW);
      if (!this.touched) this.fitWaits = true;
      this.draw();
    });
    resized.observe(root);
    watchTheme(() => this.updateTheme());
    this.theme = readTheme(root);
    this.stand = this.cut.at(data.start);
    this.update();
  }

  /** To a step of the slider. */
  go(step: number): void {
    this.slider.value = String(step);
    this.stand = this.cut.at(step);
    this.update();
    this.pace?.hurry();
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => {
      this.live.textContent = `eps ${short(this.stand.eps)}: ${this.words()}`;
    }, READ_OUT);
  }

  private words(): string {
    const { entries, noise, undrawn } = this.stand;
    return `${plural(entries.count + undrawn, "segment")}, ${percent(noise / Math.max(1, this.data.rows))} in none that is shown`;
  }

  private update(): void {
    const { stand, painter, root, data } = this;
    painter?.setSlots(stand.segmentation.slots);
    const words = this.words();
    this.shown.textContent = `${short(stand.eps)}: ${words}`;
    this.slider.setAttribute("aria-valuetext", `${short(stand.eps)}, ${words}`);
    root.setAttribute("aria-label", `Live map: ${words}`);
    this.canvas.setAttribute("aria-label", `The map at eps ${short(stand.eps)}: ${words}. Arrows turn it, plus and minus scale it, 0 fits it.`);
    this.note.textContent = stand.undrawn > 0
      ? `${plural(stand.undrawn, "segment")} (${plural(stand.undrawnSize, "customer")}) of at least ${data.floor} customers ${stand.undrawn === 1 ? "has" : "have"} no dot in the sample.`
      : "";
    Object.assign(root.dataset, { step: stand.step, segments: stand.entries.count });
    this.tip.hide();
    this.updateColours();
  }

  private updateTheme(): void {
    const theme = readTheme(this.root);
    if (sameTheme(theme, this.theme)) return;
    this.theme = theme;
    this.updateColours();
  }

  private updateColours(): void {
    const { theme, stand, data } = this;
    const { entries, segmentation, noise } = stand;
    const present = this.isolated === NOISE || entries.list.some(({ key }) => key === this.isolated);
    const isolated = present ? this.isolated : null;
    this.texels = paletteTexels(segmentation, entries, { hidden: this.hidden, isolated }, theme);
    this.painter?.setPalette(this.texels);
    this.legend.update({
      entries: entries.list.map((entry) => ({ ...entry, colour: segmentColour(entry.key, theme.dark) })),
      count: entries.count,
      noise: noise > 0 ? { key: NOISE, name: "in none", named: false, size: noise, rows: [], colour: noiseColour(theme) } : null,
      total: data.rows,
      hidden: this.hidden,
      isolated,
      coloured: true,
      noun: "customer",
    });
    this.draw();
  }

  private isolate(key: number): void {
    this.isolated = this.isolated === key ? null : key;
    if (this.isolated !== null) this.hidden.delete(key);
    this.updateColours();
  }

  private hide(key: number): void {
    if (!this.hidden.delete(key)) this.hidden.add(key);
    if (this.hidden.has(key) && this.isolated === key) this.isolated = null;
    this.updateColours();
  }

  private gestures(): Gestures {
    const { camera } = this;
    const moved = (): void => {
      this.touched = true;
      this.leave();
      this.pace?.hurry();
    };
    const pan = (right: number, up: number): void => {
      camera.pan(right, up);
      moved();
    };
    const nothing = (): void => undefined;
    return {
      pan,
      turn: (right, up) => {
        if (camera.isFlat) return pan(right, up);
        camera.turn(right * RADIANS_PER_HEIGHT, up * RADIANS_PER_HEIGHT);
        moved();
      },
      zoom: (factor, right, up) => {
        camera.zoom(factor, right, up);
        moved();
      },
      fit: () => {
        camera.reset(this.aspect);
        this.touched = false;
        this.leave();
        this.draw();
      },
      hover: (x, y) => this.point(x, y),
      click: (x, y) => this.point(x, y),
      leave: () => this.leave(),
      // Nobody selects dots here: a dot is nobody.
      lassoing: () => false,
      toggleLasso: nothing,
      draw: nothing,
      lasso: nothing,
      selectShown: nothing,
    };
  }

  /** Tells which segment is there, and nothing of the dot. */
  private point(x: number, y: number): void {
    const { data, canvas, stand, theme } = this;
    const matrix = forValues(this.camera.matrix(this.aspect), data.points);
    const { slots, colours } = stand.segmentation;
    const scene = { points: data.points, slots, texels: this.texels, matrix, width: canvas.clientWidth, height: canvas.clientHeight };
    const pick = nearest(scene, x, y, REACH);
    if (!pick) return this.leave();
    const slot = slots[pick.place] as number;
    const key = slot === 0 ? NOISE : (colours[stand.entries.leadOf.get(slot) ?? slot] as number);
    const entry = stand.entries.list.find((one) => one.key === key);
    const where = entry ? `${entry.name}: ${plural(entry.size, "customer")}` : `in none, or in one of fewer than ${count(data.floor)}`;
    this.tip.show(null, pick.x, pick.y, where, [], mix(theme.background, theme.dark ? [1, 1, 1] : [0, 0, 0], 0.85));
    this.legend.point(key);
  }

  private leave(): void {
    this.tip.hide();
    this.legend.point(null);
  }

  private get aspect(): number {
    return Math.max(1, this.canvas.clientWidth) / Math.max(1, this.canvas.clientHeight);
  }

  private draw(): void {
    this.pace?.ask();
  }

  private paint(part: Part): boolean {
    const { painter, camera, canvas, data } = this;
    if (!painter || painter.lost || canvas.clientWidth === 0 || canvas.clientHeight === 0) return false;
    if (this.fitWaits) {
      this.fitWaits = false;
      camera.fit(this.aspect);
    }
    painter.draw({
      matrix: forValues(camera.matrix(this.aspect), data.points),
      depthRange: camera.depthRange(),
      reference: camera.distance,
      pointSize: automaticSize(data.points.count),
      opacity: 1,
      fade: camera.isFlat ? 0 : FADE,
      background: this.theme.background,
      mode: MODE.segment,
      emphasis: 0,
      part,
    });
    this.root.dataset["painted"] = String(Number(this.root.dataset["painted"] ?? 0) + 1);
    return true;
  }
}
