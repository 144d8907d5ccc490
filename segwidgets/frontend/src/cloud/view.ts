import { mix, type Rgb } from "../shared/colour";
import type { Model } from "../shared/model";
import { onChange } from "../shared/model";
import type { Theme } from "../shared/theme";
import { keepKeys } from "../shared/keys";
import { readTheme, sameTheme, watchTheme } from "../shared/theme";
import { bounds, Camera } from "./camera";
import { ColourBox } from "./colourbox";
import { modeOf, paletteTexels, scaleTexels, wordsFor } from "./colouring";
import { make } from "../shared/dom";
import { type Entries, entriesOf, type Entry, NOISE } from "./entries";
import { Facts } from "./facts";
import { Keeper } from "./keeper";
import { Legend } from "./legend";
import { noiseColour, segmentColour } from "./palette";
import { Pace, type Part } from "./pace";
import type { Scene } from "./picking";
import { download, withNames } from "./picture";
import { Pointer } from "./pointer";
import { forValues } from "./positions";
import { Raster } from "./raster";
import { type Painter, Renderer } from "./renderer";
import { PALETTE_WIDTH } from "./shaders";
import { BY_SEGMENT, type Change, type CloudStore } from "./store";
import { Status } from "./status";
import { Steering } from "./steering";
import style from "./style.css";
import { Tip } from "./tip";
import { Toolbar } from "./toolbar";
import type { CloudTraits } from "./traits";

const FADE = 0.38;
/** Below this width, CSS pixels, the legend goes under the picture. */
const NARROW = 520;
/** So many selected points are a few. */
const FEW = 30;
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
  readonly canvas: HTMLCanvasElement;
  private readonly caption: HTMLDivElement;
  private readonly tip: Tip;
  private readonly toolbar: Toolbar;
  private readonly legend: Legend;
  private readonly colours: ColourBox;
  private readonly facts: Facts;
  readonly pointer: Pointer;
  private readonly steering: Steering;
  private readonly status: Status;
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
  private painted = 0;

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
    this.tip = new Tip(this.stage);
    this.caption = make("div", "sw-caption", this.stage);
    make("div", "sw-hint", this.stage).textContent = "drag turns · shift-drag moves · wheel or + − scales · 0 fits · L lasso · A selects what is shown · Esc clears";
    this.status = new Status(root, this.stage, this.canvas, store);
    this.toolbar = new Toolbar(this.stage, {
      toggleLasso: () => this.steering.setLasso(!this.steering.lassoing),
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
    host.append(root);

    const renderer = Renderer.on(this.canvas);
    if (renderer) this.endings.push(renderer.watch(() => this.explain(), () => this.draw()));
    else root.dataset["painter"] = "processor";
    this.painter = renderer ?? Raster.on(this.canvas);
    this.pace = this.painter && new Pace(this.painter, () => store.count, () => !model.get("opacity") || model.get("opacity") === 1, (part) => this.paint(part));
    this.facts = new Facts(model, (row, facts) => this.tip.tell(row, facts));
    this.pointer = new Pointer(this, store, this.tip, this.facts);
    this.steering = new Steering(this, this.stage);
    this.keeper = new Keeper(model, () => store.viewKey, this, () => (this.pace?.complete ? this.canvas : null));
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
    this.steering.dispose();
    this.status.dispose();
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
      if (event.key === "Escape" && !event.defaultPrevented && this.escape()) event.preventDefault();
    });
    const keys = new AbortController();
    keepKeys(root, keys.signal);
    this.endings.push(
      store.subscribe((changes) => this.update(changes)),
      onChange(model, ["caption", "height", "point_size", "opacity"], () => this.updateFrame()),
      onChange(model, ["colour_choices"], () => this.updateColours()),
      watchTheme(() => this.updateTheme()),
      () => resized.disconnect(),
      () => keys.abort(),
      () => window.removeEventListener("resize", zoomed),
    );
  }

  /** The camera moved. */
  moved(): void {
    this.touched = true;
    this.pointer.leave();
    this.pace?.hurry();
    this.keeper.soon();
  }

  lassoChanged(): void {
    this.updateToolbar();
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
    if (changes.has("selection") || changes.has("points")) painter?.setPicked(store.selectedPlaces);
    this.pointer.leave();
    if (changes.has("labels") || changes.has("names") || changes.has("points")) {
      this.entries = store.segmentation ? entriesOf(store.segmentation, store.names()) : NO_ENTRIES;
    }
    this.updateColours();
    this.updateToolbar();
    this.explain();
    this.status.describe(this.entries.count);
    if (!changes.has("labels")) return;
    this.status.readOut(this.entries.count, this.model.get("eps"));
    if (!changes.has("points")) this.pace?.hurry();
  }

  private explain(): void {
    this.status.explain(this.painter, () => this.keeper.still());
  }

  private updateFrame(): void {
    this.root.style.setProperty("--sw-height", `${this.model.get("height")}px`);
    this.caption.textContent = this.model.get("caption");
    this.updateToolbar();
    this.draw();
  }

  private updateToolbar(): void {
    const { model, store } = this;
    const lassoing = this.steering?.lassoing ?? false;
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
    const theme = readTheme(this.root);
    // The host touches its page at every message: an unchanged theme must not draw a million points again.
    if (sameTheme(theme, this.theme)) return;
    this.theme = theme;
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
    if (this.steering.lassoing) this.steering.setLasso(false);
    else if (this.store.selection.length > 0) this.pointer.clear();
    else if (this.isolated !== null) this.isolate(this.isolated);
    else return false;
    return true;
  }

  fit(): void {
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

  private paint(part: Part): boolean {
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
      pointSize: model.get("point_size") || automaticSize(store.count),
      opacity: model.get("opacity") || 1,
      fade: camera.isFlat ? 0 : FADE,
      background: this.theme.background,
      mode: modeOf(store.colouring),
      emphasis: Math.exp(-store.selection.length / FEW),
      part,
    });
    this.painted += 1;
    Object.assign(this.root.dataset, { painted: this.painted, step: part.step });
    return true;
  }

  private async save(): Promise<void> {
    if (!this.pace?.finish()) return;
    const ratio = this.canvas.width / Math.max(1, this.canvas.clientWidth);
    const { theme, entries } = this;
    const blob = await withNames(this.canvas, ratio, {
      ...wordsFor(this.store.colouring, theme, {
        entries: entries.list.map((entry) => this.coloured(entry)),
        count: entries.count,
        noise: this.noise(),
      }),
      caption: this.model.get("caption"),
      background: theme.background,
      ink: mix(theme.background, theme.dark ? [1, 1, 1] : [0, 0, 0], 0.85),
    });
    if (blob) download(blob, "segments.png");
  }
}
