import { mix, type Rgb } from "../shared/colour";
import type { Theme } from "../shared/theme";
import { type Entries, NOISE, defaultName } from "./entries";
import type { Facts } from "./facts";
import type { Combine } from "./gestures";
import { inside, nearest, type Pick, type Scene, within } from "./picking";
import type { CloudStore } from "./store";
import type { Tip } from "./tip";

const HOVER_REACH = 10;
const HOVER_PAUSE = 40;
const NOTHING = new Uint32Array(0);

/** What the pointer needs to know of the view it points into. */
export interface Pointed {
  scene(): Scene;
  readonly theme: Theme;
  readonly entries: Entries;
  /** The row and the segment's key under the pointer, or null and null. */
  pointed(row: number | null, key: number | null): void;
}

/** Tells what is under the pointer, and selects: by a click, by a lasso, or all that is shown. */
export class Pointer {
  private timer = 0;

  constructor(
    private readonly view: Pointed,
    private readonly store: CloudStore,
    private readonly tip: Tip,
    private readonly facts: Facts,
  ) {}

  hover(x: number, y: number): void {
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => {
      const pick = nearest(this.view.scene(), x, y, HOVER_REACH);
      if (pick) this.show(pick);
      else this.leave();
    }, HOVER_PAUSE);
  }

  leave(): void {
    window.clearTimeout(this.timer);
    this.tip.hide();
    this.view.pointed(null, null);
  }

  /** Selects the point there; `add` puts it to the others, or takes it away from them. Beside all points nothing. */
  click(x: number, y: number, add: boolean): void {
    const pick = nearest(this.view.scene(), x, y, HOVER_REACH);
    if (!pick) return;
    const row = this.store.row(pick.place);
    const { selection } = this.store;
    if (!add) this.store.selectRows(Uint32Array.of(row));
    else if (selection.includes(row)) this.store.selectRows(selection.filter((own) => own !== row));
    else this.store.selectRows(Uint32Array.from([...selection, row]).sort());
    this.show(pick);
  }

  lasso(line: readonly number[], how: Combine): void {
    const scene = this.view.scene();
    this.combine(within(scene, inside(line, scene.width, scene.height)), how);
  }

  /** Everything in the picture that is neither hidden nor outside the isolated segment. */
  shown(): void {
    const scene = this.view.scene();
    this.combine(within(scene, new Uint8Array(scene.width * scene.height).fill(1)), "replace");
  }

  clear(): void {
    this.store.selectRows(NOTHING);
  }

  dispose(): void {
    window.clearTimeout(this.timer);
  }

  private combine(places: Uint32Array, how: Combine): void {
    const before = how === "replace" ? null : (this.store.selectedPlaces?.slice() ?? null);
    if (!before) {
      this.store.select(how === "remove" ? NOTHING : places);
      return;
    }
    for (const place of places) before[place] = how === "add" ? 1 : 0;
    const all = new Uint32Array(before.length);
    let length = 0;
    for (let place = 0; place < before.length; place++) if (before[place]) all[length++] = place;
    this.store.select(all.slice(0, length));
  }

  private show(pick: Pick): void {
    const { store } = this;
    const { theme, entries } = this.view;
    const { segmentation } = store;
    const slot = segmentation ? (segmentation.slots[pick.place] as number) : null;
    const row = store.row(pick.place);
    let key: number | null = null;
    let where = "";
    if (segmentation && slot !== null) {
      key = slot === 0 ? NOISE : (segmentation.colours[entries.leadOf.get(slot) ?? slot] as number);
      where = slot === 0 ? "noise" : (entries.list.find((entry) => entry.key === key)?.name ?? defaultName(segmentation.numbers[slot] as number));
    }
    const ink: Rgb = mix(theme.background, theme.dark ? [1, 1, 1] : [0, 0, 0], 0.85);
    this.tip.show(row, pick.x, pick.y, where, this.facts.of(row), ink);
    this.view.pointed(row, key);
  }
}
