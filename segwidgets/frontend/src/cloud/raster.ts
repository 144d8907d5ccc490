import type { Slots } from "../shared/binary";
import { NOWHERE, type Positions } from "./positions";
import type { Frame, Painter } from "./renderer";
import { KIND, MODE } from "./shaders";

/** Longest side of a picture, pixels: the processor draws every one of them. */
const LARGEST = 900;

/** Colours as the shader makes them, for one point. */
function shade(raster: Look, place: number, slot: number, frame: Frame, out: Float32Array): void {
  const { texels, scale, values } = raster;
  const ghost = (texels[slot * 4 + 3] as number) <= KIND.ghost;
  const value = values ? (values[place] as number) : 0;
  const from = frame.mode === MODE.value && values && !ghost ? scale : texels;
  const at = 4 * (from === scale ? value : slot);
  const share = frame.mode === MODE.fade && value > 0 && !ghost ? 0.1 + (0.9 * (value - 1)) / 254 : 1;
  for (const channel of [0, 1, 2] as const) {
    const back = frame.background[channel] * 255;
    out[channel] = back + ((from[at + channel] as number) - back) * share;
  }
}

interface Look {
  texels: Uint8Array;
  scale: Uint8Array;
  values: Uint8Array | null;
}

/** Draws points on the processor, for browsers without WebGL2: squares, front ones over those behind, no edges. */
export class Raster implements Painter, Look {
  readonly lost = false;
  readonly longestStep = 1000;
  texels: Uint8Array = new Uint8Array(8);
  scale: Uint8Array = new Uint8Array(1024);
  values: Uint8Array | null = null;
  private points: Positions = NOWHERE;
  private slots: Slots | null = null;
  private picked: Uint8Array | null = null;
  private image: ImageData | null = null;
  private depth = new Float32Array(0);
  private timer = 0;
  private took = 0;

  private constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly context: CanvasRenderingContext2D,
  ) {}

  static on(canvas: HTMLCanvasElement): Raster | null {
    const context = canvas.getContext("2d", { alpha: false });
    return context ? new Raster(canvas, context) : null;
  }

  setPoints(points: Positions): void {
    this.points = points;
  }
  setSlots(slots: Slots | null): void {
    this.slots = slots;
  }
  setValues(values: Uint8Array | null): void {
    this.values = values;
  }
  setPicked(picked: Uint8Array | null): void {
    this.picked = picked;
  }
  setPalette(texels: Uint8Array): void {
    this.texels = texels;
  }
  setScale(texels: Uint8Array): void {
    this.scale = texels;
  }
  dispose(): void {
    window.clearTimeout(this.timer);
  }

  whenDrawn(callback: (milliseconds: number) => void): void {
    this.timer = window.setTimeout(() => callback(this.took), 0);
  }

  draw(frame: Frame): void {
    const start = performance.now();
    const { canvas } = this;
    const ratio = Math.min(1, LARGEST / Math.max(1, canvas.clientWidth, canvas.clientHeight));
    const width = Math.max(1, Math.round(canvas.clientWidth * ratio));
    const height = Math.max(1, Math.round(canvas.clientHeight * ratio));
    if (frame.part.offset === 0 || !this.image || canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
      this.image = this.context.createImageData(width, height);
      this.depth = new Float32Array(width * height).fill(Infinity);
      new Uint32Array(this.image.data.buffer).fill(packed(frame.background.map((part) => part * 255)));
    }
    this.plot(frame, new Uint32Array(this.image.data.buffer), width, height, frame.pointSize * ratio);
    this.context.putImageData(this.image, 0, 0);
    this.took = performance.now() - start;
  }

  private plot(frame: Frame, pixels: Uint32Array, width: number, height: number, side: number): void {
    const { slots, texels, picked, depth } = this;
    const { values, stride, count, dimensions } = this.points;
    const [m0, m1, , m3, m4, m5, , m7, m8, m9, , m11, m12, m13, , m15] = frame.matrix as unknown as number[];
    const [near, far] = frame.depthRange;
    const colour = new Float32Array(3);
    for (let i = frame.part.offset; i < count; i += frame.part.step) {
      const slot = slots ? (slots[i] as number) : 1;
      const kind = texels[slot * 4 + 3] as number;
      if (kind === KIND.hidden) continue;
      const at = i * stride;
      const [px, py] = [values[at] as number, values[at + 1] as number];
      const pz = dimensions === 3 ? (values[at + 2] as number) : 0;
      const w = m3! * px + m7! * py + m11! * pz + m15!;
      if (w <= 0) continue;
      const x = (((m0! * px + m4! * py + m8! * pz + m12!) / w) * 0.5 + 0.5) * width;
      const y = (0.5 - ((m1! * px + m5! * py + m9! * pz + m13!) / w) * 0.5) * height;
      const chosen = picked !== null && picked[i] === 1 && kind > KIND.ghost;
      const front = picked ? chosen : kind === KIND.segment;
      const share = chosen ? 1.15 + 1.6 * frame.emphasis : kind === KIND.segment ? 1 : 0.7;
      const size = Math.max(1, Math.round(side * Math.min(3, Math.max(0.55, frame.reference / w)) * share));
      const z = w + (front ? 0 : 1e9);
      shade(this, i, slot, frame, colour);
      const fading = frame.fade * Math.min(1, Math.max(0, (w - near) / Math.max(1e-6, far - near)));
      const veil = 1 - (1 - fading) * (picked && !front ? 0.2 + 0.25 * frame.emphasis : 1);
      const ink = packed([0, 1, 2].map((channel) => colour[channel]! + ((frame.background[channel] as number) * 255 - colour[channel]!) * veil));
      const [left, top] = [Math.round(x - size / 2), Math.round(y - size / 2)];
      for (let row = Math.max(0, top); row < Math.min(height, top + size); row++) {
        for (let column = Math.max(0, left); column < Math.min(width, left + size); column++) {
          const pixel = row * width + column;
          if (z >= (depth[pixel] as number)) continue;
          depth[pixel] = z;
          pixels[pixel] = ink;
        }
      }
    }
  }
}

/** Red, green and blue, 0 to 255, as a canvas stores a pixel. */
function packed(rgb: readonly number[]): number {
  return ((255 << 24) | (Math.round(rgb[2]!) << 16) | (Math.round(rgb[1]!) << 8) | Math.round(rgb[0]!)) >>> 0;
}

