import type { Slots } from "../shared/binary";
import type { Positions } from "./positions";
import { KIND } from "./shaders";

/** What is on the screen: points, their slots, what each slot is, and the way from values to the picture. */
export interface Scene {
  points: Positions;
  slots: Slots | null;
  texels: Uint8Array;
  /** Takes values, not places, to the picture: `forValues`. */
  matrix: Float32Array;
  width: number;
  height: number;
}

export interface Pick {
  /** The point's place in the order in which the points are drawn. */
  place: number;
  /** Pixels from the upper left corner of the picture. */
  x: number;
  y: number;
}

/**
 * The point that lies nearest to (x, y) on the screen within `reach` pixels, the front one where two are about as
 * near; segments go before noise, and what is hidden or outside the isolated segment is not found.
 *
 * One pass over the positions on the processor: about 10 ms for a million points, and no second picture to draw.
 */
export function nearest(scene: Scene, x: number, y: number, reach: number): Pick | null {
  const { slots, texels, width, height } = scene;
  const { values, stride, count, dimensions } = scene.points;
  const [m0, m1, , m3, m4, m5, , m7, m8, m9, , m11, m12, m13, , m15] = scene.matrix as unknown as number[];
  const reachSquared = reach * reach;
  let best = -1;
  let bestRing = Infinity;
  let bestDepth = Infinity;
  let bestX = 0;
  let bestY = 0;
  for (let i = 0, at = 0; i < count; i++, at += stride) {
    const px = values[at] as number;
    const py = values[at + 1] as number;
    const pz = dimensions === 3 ? (values[at + 2] as number) : 0;
    const w = m3! * px + m7! * py + m11! * pz + m15!;
    if (w <= 0) continue;
    const sx = (((m0! * px + m4! * py + m8! * pz + m12!) / w) * 0.5 + 0.5) * width;
    const dx = sx - x;
    if (dx > reach || dx < -reach) continue;
    const sy = (0.5 - ((m1! * px + m5! * py + m9! * pz + m13!) / w) * 0.5) * height;
    const dy = sy - y;
    const squared = dx * dx + dy * dy;
    if (squared > reachSquared) continue;
    const kind = texels[(slots ? (slots[i] as number) : 1) * 4 + 3] as number;
    if (kind <= KIND.ghost) continue;
    // Rings of two pixels: within a ring the point in front wins. Noise stands behind every segment.
    const ring = Math.round(Math.sqrt(squared) / 2) + (kind === KIND.noise ? 1e6 : 0);
    if (ring < bestRing || (ring === bestRing && w < bestDepth)) {
      bestRing = ring;
      bestDepth = w;
      best = i;
      bestX = sx;
      bestY = sy;
    }
  }
  return best < 0 ? null : { place: best, x: bestX, y: bestY };
}

/**
 * The places of all points whose pixel is set in `mask` (width * height, row by row), except what is hidden or outside
 * the isolated segment. Depth does not matter: a lasso reaches through the cloud.
 */
export function within(scene: Scene, mask: Uint8Array): Uint32Array {
  const { slots, texels, width, height } = scene;
  const { values, stride, count, dimensions } = scene.points;
  const [m0, m1, , m3, m4, m5, , m7, m8, m9, , m11, m12, m13, , m15] = scene.matrix as unknown as number[];
  const found = new Uint32Array(count);
  let length = 0;
  for (let i = 0, at = 0; i < count; i++, at += stride) {
    const px = values[at] as number;
    const py = values[at + 1] as number;
    const pz = dimensions === 3 ? (values[at + 2] as number) : 0;
    const w = m3! * px + m7! * py + m11! * pz + m15!;
    if (w <= 0) continue;
    const sx = Math.floor((((m0! * px + m4! * py + m8! * pz + m12!) / w) * 0.5 + 0.5) * width);
    if (sx < 0 || sx >= width) continue;
    const sy = Math.floor((0.5 - ((m1! * px + m5! * py + m9! * pz + m13!) / w) * 0.5) * height);
    if (sy < 0 || sy >= height || !mask[sy * width + sx]) continue;
    const kind = texels[(slots ? (slots[i] as number) : 1) * 4 + 3] as number;
    if (kind > KIND.ghost) found[length++] = i;
  }
  return found.slice(0, length);
}

/** The pixels inside a closed line that may cross itself (even-odd), row by row; corners are x, y, x, y, … */
export function inside(corners: readonly number[], width: number, height: number): Uint8Array {
  const mask = new Uint8Array(width * height);
  const count = Math.floor(corners.length / 2);
  if (count < 3) return mask;
  for (let y = 0; y < height; y++) {
    const line = y + 0.5;
    const crossings: number[] = [];
    for (let i = 0; i < count; i++) {
      const j = (i + 1) % count;
      const [x0, y0, x1, y1] = [corners[2 * i]!, corners[2 * i + 1]!, corners[2 * j]!, corners[2 * j + 1]!];
      if (y0 <= line === y1 <= line) continue;
      crossings.push(x0 + ((line - y0) / (y1 - y0)) * (x1 - x0));
    }
    crossings.sort((one, other) => one - other);
    for (let i = 0; i + 1 < crossings.length; i += 2) {
      const from = Math.max(0, Math.ceil(crossings[i]! - 0.5));
      const to = Math.min(width, Math.ceil(crossings[i + 1]! - 0.5));
      if (from < to) mask.fill(1, y * width + from, y * width + to);
    }
  }
  return mask;
}
