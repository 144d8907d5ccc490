import type { Slots } from "../shared/binary";
import { KIND } from "./shaders";

export interface Pick {
  row: number;
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
export function nearest(
  xyz: Float32Array,
  dimensions: 2 | 3,
  labels: Slots | null,
  texels: Uint8Array,
  matrix: Float32Array,
  width: number,
  height: number,
  x: number,
  y: number,
  reach: number,
): Pick | null {
  const [m0, m1, , m3, m4, m5, , m7, m8, m9, , m11, m12, m13, , m15] = matrix as unknown as number[] & { length: 16 };
  const count = Math.floor(xyz.length / dimensions);
  const reachSquared = reach * reach;
  let best = -1;
  let bestRing = Infinity;
  let bestDepth = Infinity;
  let bestX = 0;
  let bestY = 0;
  for (let i = 0; i < count; i++) {
    const at = i * dimensions;
    const px = xyz[at] as number;
    const py = xyz[at + 1] as number;
    const pz = dimensions === 3 ? (xyz[at + 2] as number) : 0;
    const w = m3! * px + m7! * py + m11! * pz + m15!;
    if (w <= 0) continue;
    const sx = (((m0! * px + m4! * py + m8! * pz + m12!) / w) * 0.5 + 0.5) * width;
    const dx = sx - x;
    if (dx > reach || dx < -reach) continue;
    const sy = (0.5 - ((m1! * px + m5! * py + m9! * pz + m13!) / w) * 0.5) * height;
    const dy = sy - y;
    const squared = dx * dx + dy * dy;
    if (squared > reachSquared) continue;
    const kind = texels[(labels ? (labels[i] as number) : 1) * 4 + 3] as number;
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
  return best < 0 ? null : { row: best, x: bestX, y: bestY };
}
