import { mix, type Rgb } from "../shared/colour";
import { count, percent, plural } from "../shared/format";
import type { Model } from "../shared/model";
import { onChange } from "../shared/model";
import type { Theme } from "../shared/theme";
import { readTheme, watchTheme } from "../shared/theme";
import { bounds, Camera } from "./camera";
import { listen } from "./gestures";
import { Legend, type Entry } from "./legend";
import { ghostColour, noiseColour, plainColour, segmentColour } from "./palette";
import { nearest, type Pick } from "./picking";
import { Renderer } from "./renderer";
import { KIND, PALETTE_WIDTH } from "./shaders";
import type { CloudStore, CloudTraits } from "./store";
import style from "./style.css";

/** The legend's and the colours' key of noise. */
const NOISE = -1;
const HOVER_REACH = 10;
const HOVER_PAUSE = 40;
const FADE = 0.38;
/** Below this width, CSS pixels, the legend goes under the picture. */
const NARROW = 460;

/** Side of a point in CSS pixels: large for a few points, small for a million. */
export function automaticSize(points: number): number {
  return Math.min(7, Math.max(1.6, 6 * (2000 / Math.max(1, points)) ** 0.2));
}

function box(name: string, parent: Element): HTMLDivElement {
  const element = document.createElement("div");
  element.className = name;
  parent.append(element);
  return element;
}

/** One picture of a store, in one place of a page. */
export class CloudView {
  private readonly root = document.createElement("div");
  private readonly stage: HTMLDivElement;
  private readonly canvas = document.createElement("canvas");
  private readonly message: HTMLDivElement;
  private readonly caption: HTMLDivElement;
  private readonly ring: HTMLDivElement;
  private readonly tip: HTMLDivElement;
  private readonly legend: Legend;
  private readonly camera = new Camera();
  private readonly renderer: Renderer | null;
  private readonly endings: (() => void)[] = [];
  private readonly hidden = new Set<number>();
  private isolated: number | null = null;
  private theme: Theme = { background: [1, 1, 1], dark: false };
  private texels: Uint8Array = new Uint8Array(PALETTE_WIDTH * 4);
  private viewKey: number | null = null;
  /** Fitting needs the picture's shape, which is known only once it is on the page. */
  private fitWaits = true;
  private touched = false;
  private frame = 0;
  private painted = 0;
  private hoverTimer = 0;

  constructor(
    private readonly model: Model<CloudTraits>,
    private readonly store: CloudStore,
    host: HTMLElement,
  ) {
    this.root.className = "sw-pointcloud";
    this.root.setAttribute("role", "group");
    const sheet = document.createElement("style");
    sheet.textContent = style;
    this.root.append(sheet);
    this.stage = box("sw-stage", this.root);
    this.canvas.className = "sw-canvas";
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute("role", "application");
    this.stage.append(this.canvas);
    this.ring = box("sw-ring", this.stage);
    this.tip = box("sw-tip", this.stage);
    this.caption = box("sw-caption", this.stage);
    box("sw-hint", this.stage).textContent = "drag turns · shift-drag moves · wheel or + − scales · 0 fits";
    this.message = box("sw-message", this.stage);
    this.message.setAttribute("role", "status");
    const fit = document.createElement("button");
    fit.className = "sw-fit";
    fit.type = "button";
    fit.textContent = "Fit";
    fit.title = "Show the whole cloud (0, or double click)";
    fit.addEventListener("click", () => this.fit());
    this.stage.append(fit);
    this.legend = new Legend({ isolate: (key) => this.isolate(key), hide: (key) => this.hide(key) });
    this.root.append(this.legend.element);
    host.append(this.root);

    this.renderer = Renderer.on(this.canvas);
    if (this.renderer) this.watchContext(this.renderer);
    this.endings.push(
      store.subscribe((changes) => this.update(changes.has("points"))),
      onChange(model, ["caption", "height", "point_size"], () => this.updateFrame()),
      watchTheme(() => this.updateTheme()),
      this.listenToGestures(),
    );
    const resized = new ResizeObserver(() => {
      this.root.classList.toggle("sw-narrow", this.root.clientWidth < NARROW);
      if (!this.touched) this.fitWaits = true;
      this.draw();
    });
    resized.observe(this.canvas);
    resized.observe(this.root);
    this.endings.push(() => resized.disconnect());
    const zoomed = (): void => this.draw();
    window.addEventListener("resize", zoomed);
    this.endings.push(() => window.removeEventListener("resize", zoomed));
    this.theme = readTheme(this.root);
    this.updateFrame();
    this.update(true);
    // Until the element is on the page, the theme's variables are not known.
    requestAnimationFrame(() => this.updateTheme());
  }

  dispose(): void {
    cancelAnimationFrame(this.frame);
    window.clearTimeout(this.hoverTimer);
    for (const end of this.endings) end();
    this.renderer?.dispose();
    this.root.remove();
  }

  private listenToGestures(): () => void {
    const moved = (): void => {
      this.touched = true;
      this.leave();
      this.draw();
    };
    const camera = this.camera;
    const pan = (right: number, up: number): void => {
      camera.pan(right, up);
      moved();
    };
    return listen(this.canvas, {
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
      hover: (x, y) => this.hover(x, y),
      leave: () => this.leave(),
    });
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

  private update(pointsChanged: boolean): void {
    const { store, renderer } = this;
    if (pointsChanged) {
      this.camera.setFrame(bounds(store.xyz, store.dimensions), store.dimensions === 2);
      if (this.viewKey !== store.viewKey) {
        this.viewKey = store.viewKey;
        this.touched = false;
        this.fitWaits = true;
        this.hidden.clear();
        this.isolated = null;
      }
      if (renderer && !renderer.lost) renderer.setPoints(store.xyz, store.dimensions);
    }
    if (renderer && !renderer.lost) renderer.setLabels(store.labelled?.labels ?? null);
    this.leave();
    this.updateColours();
    this.updateMessage();
    this.describe();
  }

  private updateFrame(): void {
    this.root.style.setProperty("--sw-height", `${this.model.get("height")}px`);
    this.caption.textContent = this.model.get("caption");
    this.draw();
  }

  private updateTheme(): void {
    this.theme = readTheme(this.root);
    this.updateColours();
  }

  /** The palette texture, the legend, and a picture. */
  private updateColours(): void {
    const { labelled } = this.store;
    const { theme } = this;
    const entries: Entry[] = [];
    const rows = Math.max(1, Math.ceil((labelled?.sizes.length ?? 2) / PALETTE_WIDTH));
    const texels = new Uint8Array(rows * PALETTE_WIDTH * 4);
    const put = (slot: number, colour: Rgb, kind: number): void => {
      texels.set([colour[0] * 255, colour[1] * 255, colour[2] * 255, kind], slot * 4);
    };
    const present = new Set(labelled?.colours);
    const isolated = this.isolated !== null && present.has(this.isolated) ? this.isolated : null;
    const ghost = ghostColour(theme);
    const noise = noiseColour(theme);
    if (!labelled) {
      put(1, plainColour(theme.dark), KIND.segment);
    } else {
      for (const slot of labelled.order) {
        const key = labelled.colours[slot] as number;
        const colour = segmentColour(key, theme.dark);
        entries.push({ key, name: `segment ${slot - 1}`, size: labelled.sizes[slot] as number, colour });
        const outside = isolated !== null && isolated !== key;
        put(slot, outside ? ghost : colour, this.hidden.has(key) ? KIND.hidden : outside ? KIND.ghost : KIND.segment);
      }
      const kind = isolated === NOISE ? KIND.segment : isolated === null ? KIND.noise : KIND.ghost;
      put(0, kind === KIND.ghost ? ghost : noise, this.hidden.has(NOISE) ? KIND.hidden : kind);
    }
    this.texels = texels;
    if (this.renderer && !this.renderer.lost) this.renderer.setPalette(texels);
    const unassigned = labelled?.sizes[0] ?? 0;
    this.legend.update({
      entries,
      noise: unassigned ? { key: NOISE, name: "noise", size: unassigned, colour: noise } : null,
      total: this.store.count,
      hidden: this.hidden,
      isolated,
    });
    this.draw();
  }

  private updateMessage(): void {
    let text = "";
    if (!this.renderer) {
      text = "This browser offers no WebGL2, so the cloud cannot be drawn here. The segments and their sizes are in the list.";
    } else if (this.renderer.lost) {
      text = "The browser took the graphics memory away. The cloud is drawn again as soon as it is given back.";
    } else if (this.store.count === 0) {
      text = "No points yet.";
    }
    this.message.textContent = text;
    this.message.hidden = text === "";
    this.root.classList.toggle("sw-empty", text !== "");
  }

  private describe(): void {
    const { count: points, labelled, dimensions } = this.store;
    const segments = labelled?.order.length ?? 0;
    const noise = labelled?.sizes[0] ?? 0;
    this.root.dataset["points"] = String(points);
    this.root.dataset["segments"] = String(segments);
    this.root.dataset["noise"] = String(noise);
    const what = labelled
      ? `${plural(points, "point")} in ${plural(segments, "segment")}, ${percent(noise / Math.max(1, points))} noise`
      : plural(points, "point");
    this.root.setAttribute("aria-label", `Point cloud: ${what}`);
    const keys = dimensions === 3 ? "Arrow keys turn, shift and arrow keys move" : "Arrow keys move";
    this.canvas.setAttribute("aria-label", `${dimensions}-D point cloud: ${what}. ${keys}, plus and minus scale, 0 fits.`);
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

  private fit(): void {
    this.camera.reset(this.aspect);
    this.touched = false;
    this.leave();
    this.draw();
  }

  private get aspect(): number {
    return Math.max(1, this.canvas.clientWidth) / Math.max(1, this.canvas.clientHeight);
  }

  /** Asks for a picture; several changes before the next frame make one. */
  private draw(): void {
    if (this.frame || !this.renderer) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.paint();
    });
  }

  private paint(): void {
    const { renderer, camera, canvas } = this;
    // Not on the page, or folded away: the ResizeObserver calls when it shows.
    if (!renderer || renderer.lost || canvas.clientWidth === 0 || canvas.clientHeight === 0) return;
    if (this.fitWaits) {
      this.fitWaits = false;
      camera.fit(this.aspect);
    }
    renderer.draw({
      matrix: camera.matrix(this.aspect),
      depthRange: camera.depthRange(),
      reference: camera.distance,
      pointSize: this.model.get("point_size") || automaticSize(this.store.count),
      fade: camera.isFlat ? 0 : FADE,
      background: this.theme.background,
    });
    this.painted += 1;
    this.root.dataset["painted"] = String(this.painted);
  }

  private hover(x: number, y: number): void {
    if (this.hoverTimer) window.clearTimeout(this.hoverTimer);
    this.hoverTimer = window.setTimeout(() => {
      const { store, canvas } = this;
      const [width, height] = [canvas.clientWidth, canvas.clientHeight];
      const matrix = this.camera.matrix(this.aspect);
      const labels = store.labelled?.labels ?? null;
      const pick = nearest(store.xyz, store.dimensions, labels, this.texels, matrix, width, height, x, y, HOVER_REACH);
      if (pick) this.show(pick);
      else this.leave();
    }, HOVER_PAUSE);
  }

  private show(pick: Pick): void {
    const { labelled } = this.store;
    const slot = labelled ? (labelled.labels[pick.row] as number) : null;
    const key = labelled && slot !== null ? (slot === 0 ? NOISE : (labelled.colours[slot] as number)) : null;
    const where = slot === null ? "" : slot === 0 ? "noise" : `segment ${slot - 1}`;
    this.tip.textContent = "";
    const head = document.createElement("b");
    head.textContent = where || `row ${count(pick.row)}`;
    this.tip.append(head);
    if (where) this.tip.append(` row ${count(pick.row)}`);
    this.tip.style.visibility = this.ring.style.visibility = "visible";
    this.ring.style.transform = `translate(${pick.x}px, ${pick.y}px)`;
    // The tip goes to the other side of the point near the right and lower edge.
    const left = pick.x + this.tip.offsetWidth + 18 < this.stage.clientWidth ? pick.x + 12 : pick.x - this.tip.offsetWidth - 12;
    const top = pick.y + this.tip.offsetHeight + 18 < this.stage.clientHeight ? pick.y + 12 : pick.y - this.tip.offsetHeight - 12;
    this.tip.style.transform = `translate(${Math.round(left)}px, ${Math.round(top)}px)`;
    this.root.dataset["row"] = String(pick.row);
    this.legend.point(key);
    this.ring.style.borderColor = mix(this.theme.background, this.theme.dark ? [1, 1, 1] : [0, 0, 0], 0.85)
      .map((part) => Math.round(part * 255))
      .reduce((text, part, at) => `${text}${at ? "," : ""}${part}`, "rgb(") + ")";
  }

  private leave(): void {
    window.clearTimeout(this.hoverTimer);
    this.tip.style.visibility = this.ring.style.visibility = "hidden";
    delete this.root.dataset["row"];
    this.legend.point(null);
  }
}
