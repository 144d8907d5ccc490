import { bytesOf } from "../shared/binary";
import type { Model } from "../shared/model";
import type { Camera, Vec3 } from "./camera";
import { small } from "./picture";
import type { CloudTraits, Look } from "./traits";

/** Milliseconds of rest after which a view is worth keeping. */
const REST = 1500;
const STILL_WIDTH = 640;
/** How often a picture that is not complete is waited for. */
const PATIENCE = 10;

/** What a view can tell of itself. */
export interface Kept {
  camera: Camera;
  hidden: Set<number>;
  isolated: number | null;
  /** The user moved the camera. */
  touched: boolean;
}

/** Keeps in the widget how a view was left and a small picture of it: for a page loaded again, and without a kernel. */
export class Keeper {
  private timer = 0;
  private patience = 0;

  /** @param drawn the canvas, once all of the picture is on it; null before. */
  constructor(
    private readonly model: Model<CloudTraits>,
    private readonly viewKey: () => number,
    private readonly view: Kept,
    private readonly drawn: () => HTMLCanvasElement | null,
  ) {}

  /** Something changed; it is kept once nothing has changed for a while. */
  soon(): void {
    window.clearTimeout(this.timer);
    this.patience = PATIENCE;
    this.timer = window.setTimeout(() => void this.keep(), REST);
  }

  /** Leaves the view as it was left before, if that was with these points. True where the camera moved. */
  recall(): boolean {
    const look = this.model.get("look");
    const { camera, hidden } = this.view;
    if (look?.view_key !== this.viewKey()) return false;
    for (const key of look.hidden ?? []) hidden.add(key);
    this.view.isolated = look.isolated ?? null;
    if (look.distance === undefined || look.target?.length !== 3) return false;
    camera.azimuth = look.azimuth ?? camera.azimuth;
    camera.elevation = look.elevation ?? camera.elevation;
    camera.distance = look.distance;
    camera.target = look.target as unknown as Vec3;
    this.view.touched = true;
    return true;
  }

  /** The address of the picture that was kept; empty where none was. Inline, as some hosts allow no other. */
  still(): string {
    const bytes = bytesOf(this.model.get("still"));
    if (bytes.length === 0) return "";
    let text = "";
    for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
    return `data:image/png;base64,${btoa(text)}`;
  }

  dispose(): void {
    window.clearTimeout(this.timer);
  }

  private async keep(): Promise<void> {
    const { camera, hidden, isolated, touched } = this.view;
    const look: Partial<Look> = { view_key: this.viewKey(), hidden: [...hidden], isolated };
    if (touched) {
      const { azimuth, elevation, distance, target } = camera;
      Object.assign(look, { azimuth, elevation, distance, target });
    }
    const canvas = this.drawn();
    // Very many points are still being drawn: the picture is kept later.
    if (!canvas && this.patience-- > 0) this.timer = window.setTimeout(() => void this.keep(), REST);
    const picture = canvas && (await small(canvas, STILL_WIDTH));
    if (JSON.stringify(look) !== JSON.stringify(this.model.get("look"))) this.model.set("look", look);
    if (picture) this.model.set("still", new DataView(picture.buffer));
    this.model.save_changes();
  }
}
