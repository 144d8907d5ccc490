import { mix, type Rgb } from "../shared/colour";
import type { Model } from "../shared/model";
import { onChange } from "../shared/model";
import type { Theme } from "../shared/theme";
import { readTheme, watchTheme } from "../shared/theme";
import { bounds, Camera } from "./camera";
import { ColourBox } from "./colourbox";
import { modeOf, paletteTexels, scaleTexels } from "./colouring";
import { make } from "./dom";
import { type Entries, entriesOf, type Entry, NOISE } from "./entries";
import { Facts } from "./facts";
import { type Gestures, listen } from "./gestures";
import { Keeper } from "./keeper";
import { Legend } from "./legend";
import { noiseColour, segmentColour } from "./palette";
import { Pace } from "./pace";
import type { Scene } from "./picking";
import { download, withNames } from "./picture";
import { Pointer } from "./pointer";
import { forValues } from "./positions";
import { Raster } from "./raster";
import { type Painter, Renderer } from "./renderer";
import { PALETTE_WIDTH } from "./shaders";
import { BY_SEGMENT, type Change, type CloudStore } from "./store";
import style from "./style.css";
import { Tip } from "./tip";
import { Toolbar } from "./toolbar";
import type { CloudTraits } from "./traits";
import { canvasLabel, outcome, reason, summary } from "./words";

const FADE = 0.38;
/** Below this width, CSS pixels, the legend goes under the picture. */
const NARROW = 520;
/** Milliseconds after the last move of eps until its outcome is read out. */
const READ_OUT = 700;
/** Milliseconds that the picture that is kept may take. */
const STILL_BUDGET = 250;
const NO_ENTRIES: Entries = { list: [], count: 0, leadOf: new Map() };
const ALL: ReadonlySet<Change> = new Set(["points", "labels", "values", "selection", "names"]);

/** Side of a point in CSS pixels: large for a few points, small for a million. */
export function automaticSize(points: number): number {
  return Math.min(7, Math.max(1.6, 6 * (2000 / Math.max(1, points)) ** 0.2));
}

/** One picture of a store, in one place of a page. */
export class CloudView {
  readonly camera = new Camera();
  readonly hidden = new Set<number>();
  isolated: number | null = null;
  touched = false;
  private readonly root = make("div", "sw-pointcloud");
  private readonly stage: HTMLDivElement;
  private readonly canvas: HTMLCanvasElement;
  private readonly message: HTMLDivElement;
  private readonly caption: HTMLDivElement;
  private readonly live: HTMLDivElement;
  private readonly still: HTMLImageElement;
  private readonly line: SVGPolygonElement;
  private readonly tip: Tip;
  private readonly toolbar: Toolbar;
  private readonly legend: Legend;
  private readonly colours: ColourBox;
  private readonly facts: Facts;
  private readonly pointer: Pointer;
  private readonly keeper: Keeper;
  private readonly painter: Painter | null;
  private readonly pace: Pace | null;
  private readonly endings: (() => void)[] = [];
  theme: Theme = { background: [1, 1, 1], dark: false };
  private texels: Uint8Array = new Uint8Array(PALETTE_WIDTH * 4);
  entries: Entries = NO_ENTRIES;
  private viewKey: number | null = null;
  /** Fitting needs the picture's shape, which is known only once it is on the page. */
  private fitWaits = true;
  private lassoing = false;
  private painted = 0;
  private liveTimer = 0;

  constructor(
    private readonly model: Model<CloudTraits>,
    private readonly store: CloudStore,
    host: HTMLElement,
  ) {
    const { root } = this;
    root.setAttribute("role", "group");
    // What is shown, for tests and for the browser's console.
    Object.assign(root, { cloud: store });
    make("style", "", root).textContent = style;
    this.stage = make("div", "sw-stage", root);
    this.canvas = make("canvas", "sw-canvas", this.stage);
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute("role", "application");
    this.still = make("img", "sw-still", this.stage);
    this.still.alt = "The last picture of this cloud";
    this.line = lassoLine(this.stage);
    this.tip = new Tip(this.stage);
    this.caption = make("div", "sw-caption", this.stage);
    make("div", "sw-hint", this.stage).textContent = "drag turns · shift-drag moves · wheel or + − scales · 0 fits · L lasso · A selects what is shown · Esc clears";
    this.message = make("div", "sw-message", this.stage);
    this.message.setAttribute("role", "status");
    this.toolbar = new Toolbar(this.stage, {
      toggleLasso: () => this.setLasso(!this.lassoing),
      fit: () => this.fit(),
      save: () => void this.save(),
      size: (pixels) => this.change("point_size", pixels),
      opacity: (share) => this.change("opacity", share),
      clearSelection: () => this.pointer.clear(),
    });
    const side = make("div", "sw-side", root);
    this.colours = new ColourBox((name) => this.choose(name));
    this.legend = new Legend({
      isolate: (key) => this.isolate(key),
      hide: (key) => this.hide(key),
      rename: (entry, name) => store.rename(entry.rows, name),
    });
    side.append(this.colours.element, this.legend.element);
    this.live = make("div", "sw-live", root);
    this.live.setAttribute("aria-live", "polite");
    host.append(root);

    const renderer = Renderer.on(this.canvas);
    if (renderer) this.watchContext(renderer);
    else root.dataset["painter"] = "processor";
    this.painter = renderer ?? Raster.on(this.canvas);
    this.pace = this.painter && new Pace(this.painter, () => store.count, (step) => this.paint(step));
    this.facts = new Facts(model, (row, facts) => this.tip.tell(row, facts));
    this.pointer = new Pointer(this, store, this.tip, this.facts);
    this.keeper = new Keeper(model, () => store.viewKey, this, () => this.rough());
    this.listen();
    this.theme = readTheme(root);
    this.updateFrame();
    this.update(ALL);
    // Until the element is on the page, the theme's variables are not known.
    requestAnimationFrame(() => this.updateTheme());
  }

  dispose(): void {
    this.pace?.dispose();
    this.pointer.dispose();
    window.clearTimeout(this.liveTimer);
    for (const end of this.endings) end();
    this.keeper.dispose();
    this.facts.dispose();
    this.painter?.dispose();
    this.root.remove();
  }

  private listen(): void {
    const { model, store, canvas, root } = this;
    const resized = new ResizeObserver(() => {
      root.classList.toggle("sw-narrow", root.clientWidth < NARROW);
      if (!this.touched) this.fitWaits = true;
      this.draw();
    });
    resized.observe(canvas);
    resized.observe(root);
    const zoomed = (): void => this.draw();
    window.addEventListener("resize", zoomed);
    root.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || event.defaultPrevented || !this.escape()) return;
      event.preventDefault();
      event.stopPropagation();
    });
    this.endings.push(
      store.subscribe((changes) => this.update(changes)),
      onChange(model, ["caption", "height", "point_size", "opacity"], () => this.updateFrame()),
      onChange(model, ["colour_choices"], () => this.updateColours()),
      watchTheme(() => this.updateTheme()),
      listen(canvas, this.gestures()),
      () => resized.disconnect(),
      () => window.removeEventListener("resize", zoomed),
    );
  }

  private gestures(): Gestures {
    const { camera } = this;
    const moved = (): void => {
      this.touched = true;
      this.pointer.leave();
      this.pace?.hurry();
      this.keeper.soon();
    };
    const pan = (right: number, up: number): void => {
      camera.pan(right, up);
      moved();
    };
    return {
      pan,
      turn: (right, up) => {
        if (camera.isFlat) return pan(right, up);
        camera.turn(right * 3.4, up * 3.4);
        moved();
      },
      zoom: (factor, right, up) => {
        camera.zoom(factor, right, up);
        moved();
      },
      fit: () => this.fit(),
      hover: (x, y) => this.pointer.hover(x, y),
      leave: () => this.pointer.leave(),
      click: (x, y, add) => this.pointer.click(x, y, add),
      lassoing: () => this.lassoing,
      toggleLasso: () => this.setLasso(!this.lassoing),
      draw: (line) => this.line.setAttribute("points", line.join(" ")),
      lasso: (line, how) => {
        this.pointer.lasso(line, how);
        if (how === "replace") this.setLasso(false);
      },
      selectShown: () => this.pointer.shown(),
    };
  }

  private watchContext(renderer: Renderer): void {
    const lost = (event: Event): void => {
      event.preventDefault();
      this.updateMessage();
    };
    const restored = (): void => {
      renderer.restore();
      this.updateMessage();
      this.draw();
    };
    this.canvas.addEventListener("webglcontextlost", lost);
    this.canvas.addEventListener("webglcontextrestored", restored);
    this.endings.push(() => {
      this.canvas.removeEventListener("webglcontextlost", lost);
      this.canvas.removeEventListener("webglcontextrestored", restored);
    });
  }

  private update(changes: ReadonlySet<Change>): void {
    const { store, painter } = this;
    if (changes.has("points")) {
      this.camera.setFrame(bounds(store.points), store.points.dimensions === 2);
      if (this.viewKey !== store.viewKey) {
        this.viewKey = store.viewKey;
        this.touched = false;
        this.fitWaits = true;
        this.hidden.clear();
        this.isolated = null;
        if (this.keeper.recall()) this.fitWaits = false;
      }
      this.facts.forget();
      painter?.setPoints(store.points);
    }
    if (changes.has("labels") || changes.has("points")) painter?.setSlots(store.segmentation?.slots ?? null);
    if (changes.has("values") || changes.has("points")) painter?.setValues(store.values);
    if (changes.has("selection") || changes.has("points")) painter?.setPicked(store.selectedPlaces());
    this.pointer.leave();
    if (changes.has("labels") || changes.has("names") || changes.has("points")) {
      this.entries = store.segmentation ? entriesOf(store.segmentation, store.names()) : NO_ENTRIES;
    }
    this.updateColours();
    this.updateToolbar();
    this.updateMessage();
    this.describe();
    if (!changes.has("labels")) return;
    this.readOut();
    if (!changes.has("points")) this.pace?.hurry();
  }

  private updateFrame(): void {
    this.root.style.setProperty("--sw-height", `${this.model.get("height")}px`);
    this.caption.textContent = this.model.get("caption");
    this.updateToolbar();
    this.draw();
  }

  private updateToolbar(): void {
    const { model, store, lassoing } = this;
    this.toolbar.update({
      lassoing,
      selected: store.selection.length,
      size: model.get("point_size"),
      automaticSize: automaticSize(store.count),
      opacity: model.get("opacity") || 1,
    });
    this.root.classList.toggle("sw-lassoing", lassoing);
    this.root.dataset["selected"] = String(store.selection.length);
  }

  private updateTheme(): void {
    this.theme = readTheme(this.root);
    this.updateColours();
  }

  /** The palette texture, the legend, and a picture. */
  private updateColours(): void {
    const { theme, store, entries, painter } = this;
    const { segmentation, colouring } = store;
    const present = segmentation?.colours;
    const isolated = this.isolated !== null && (this.isolated === NOISE || present?.includes(this.isolated)) ? this.isolated : null;
    this.texels = paletteTexels(segmentation, entries, { hidden: this.hidden, isolated }, theme);
    painter?.setPalette(this.texels);
    if (colouring.kind !== "segment") painter?.setScale(scaleTexels(colouring, theme));
    this.colours.update(colouring, this.model.get("colour_choices") ?? [], theme);
    this.legend.update({
      entries: entries.list.map((entry) => this.coloured(entry)),
      count: entries.count,
      noise: this.noise(),
      total: store.count,
      hidden: this.hidden,
      isolated,
      coloured: colouring.kind === "segment" || colouring.kind === "trust",
    });
    this.root.dataset["colour"] = colouring.by;
    this.draw();
  }

  private coloured(entry: Entry): Entry & { colour: Rgb } {
    return { ...entry, colour: segmentColour(entry.key, this.theme.dark) };
  }

  private noise(): (Entry & { colour: Rgb }) | null {
    const size = this.store.segmentation?.sizes[0] ?? 0;
    return size ? { key: NOISE, name: "noise", named: false, size, rows: [], colour: noiseColour(this.theme) } : null;
  }

  private updateMessage(): void {
    const { store, painter } = this;
    const text = reason(store, painter);
    const url = text && (store.expected > 0 || !painter || painter.lost) ? this.keeper.still() : "";
    this.still.hidden = url === "";
    if (url) this.still.src = url;
    this.message.textContent = text;
    this.message.hidden = text === "";
    this.message.classList.toggle("sw-message-low", url !== "");
    this.root.classList.toggle("sw-empty", text !== "");
    this.root.classList.toggle("sw-by-processor", painter !== null && !(painter instanceof Renderer) && text === "");
  }

  private describe(): void {
    const { store, root } = this;
    const segments = this.entries.count;
    const noise = store.segmentation?.sizes[0] ?? 0;
    Object.assign(root.dataset, { points: store.count, segments, noise, cut: store.cutTime.toFixed(1) });
    root.setAttribute("aria-label", `Point cloud: ${summary(store, segments)}`);
    this.canvas.setAttribute("aria-label", canvasLabel(store, segments));
  }

  private readOut(): void {
    window.clearTimeout(this.liveTimer);
    this.liveTimer = window.setTimeout(() => {
      this.live.textContent = outcome(this.store, this.entries.count, this.model.get("eps"));
    }, READ_OUT);
  }

  private choose(name: string): void {
    // The segments' own colours need no kernel.
    if (name === BY_SEGMENT.by) {
      this.model.set("colouring", BY_SEGMENT);
      this.model.save_changes();
    }
    this.model.send?.({ type: "colour", name });
  }

  private change<K extends "point_size" | "opacity">(name: K, value: number): void {
    this.model.set(name, value);
    this.model.save_changes();
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

  /** Undoes what stands in the way, the nearest first; false where nothing does. */
  private escape(): boolean {
    if (this.lassoing) this.setLasso(false);
    else if (this.store.selection.length > 0) this.pointer.clear();
    else if (this.isolated !== null) this.isolate(this.isolated);
    else return false;
    return true;
  }

  private setLasso(on: boolean): void {
    this.lassoing = on;
    this.line.setAttribute("points", "");
    this.updateToolbar();
    if (on) this.canvas.focus({ preventScroll: true });
  }

  private fit(): void {
    this.camera.reset(this.aspect);
    this.touched = false;
    this.pointer.leave();
    this.draw();
  }

  private get aspect(): number {
    return Math.max(1, this.canvas.clientWidth) / Math.max(1, this.canvas.clientHeight);
  }

  private draw(): void {
    this.pace?.ask();
    this.keeper?.soon();
  }

  /** What is on the screen now, for finding points. */
  scene(): Scene {
    const { store, canvas, texels } = this;
    const matrix = forValues(this.camera.matrix(this.aspect), store.points);
    return { points: store.points, slots: store.segmentation?.slots ?? null, texels, matrix, width: canvas.clientWidth, height: canvas.clientHeight };
  }

  pointed(row: number | null, key: number | null): void {
    if (row === null) delete this.root.dataset["row"];
    else this.root.dataset["row"] = String(row);
    this.legend.point(key);
  }

  private paint(step: number): boolean {
    const { painter, camera, canvas, store, model } = this;
    // Not on the page, or folded away: the ResizeObserver calls when it shows.
    if (!painter || painter.lost || canvas.clientWidth === 0 || canvas.clientHeight === 0) return false;
    if (this.fitWaits) {
      this.fitWaits = false;
      camera.fit(this.aspect);
    }
    painter.draw({
      matrix: forValues(camera.matrix(this.aspect), store.points),
      depthRange: camera.depthRange(),
      reference: camera.distance,
      // Fewer points, a little larger: the picture keeps its weight while it moves.
      pointSize: (model.get("point_size") || automaticSize(store.count)) * Math.min(1.8, step ** 0.25),
      opacity: model.get("opacity") || 1,
      fade: camera.isFlat ? 0 : FADE,
      background: this.theme.background,
      mode: modeOf(store.colouring),
      step,
    });
    this.painted += 1;
    Object.assign(this.root.dataset, { painted: this.painted, step });
    return true;
  }

  /** The picture for keeping, of fewer points where all would take long; then the whole one again. */
  private rough(): HTMLCanvasElement | null {
    const step = this.pace?.stepFor(STILL_BUDGET) ?? 1;
    if (this.store.count === 0 || !this.paint(step)) return null;
    if (step > 1) this.pace?.ask();
    return this.canvas;
  }

  private async save(): Promise<void> {
    if (!this.paint(1)) return;
    const ratio = this.canvas.width / Math.max(1, this.canvas.clientWidth);
    const { theme, entries } = this;
    const blob = await withNames(this.canvas, ratio, {
      entries: this.store.colouring.kind === "segment" ? entries.list.map((entry) => this.coloured(entry)) : [],
      count: this.store.colouring.kind === "segment" ? entries.count : 0,
      noise: this.noise(),
      caption: this.model.get("caption"),
      background: theme.background,
      ink: mix(theme.background, theme.dark ? [1, 1, 1] : [0, 0, 0], 0.85),
    });
    if (blob) download(blob, "segments.png");
  }
}

/** The line of a lasso, over the picture. */
function lassoLine(stage: HTMLElement): SVGPolygonElement {
  const picture = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  picture.setAttribute("class", "sw-lasso");
  picture.setAttribute("aria-hidden", "true");
  const line = document.createElementNS("http://www.w3.org/2000/svg", "polygon");
  picture.append(line);
  stage.append(picture);
  return line;
}
