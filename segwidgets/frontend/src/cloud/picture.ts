import { css, type Rgb } from "../shared/colour";
import { count } from "../shared/format";

/** Segments that a saved picture names. */
const NAMED = 20;

function surface(width: number, height: number): readonly [HTMLCanvasElement, CanvasRenderingContext2D] | null {
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(width));
  canvas.height = Math.max(1, Math.round(height));
  const context = canvas.getContext("2d");
  return context && [canvas, context];
}

function png(canvas: HTMLCanvasElement): Promise<Blob | null> {
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}

/** What the canvas shows, no wider than that, as PNG. */
export async function small(canvas: HTMLCanvasElement, widest: number): Promise<Uint8Array<ArrayBuffer> | null> {
  const ratio = Math.min(1, widest / canvas.width);
  const made = surface(canvas.width * ratio, canvas.height * ratio);
  if (!made) return null;
  made[1].imageSmoothingQuality = "high";
  made[1].drawImage(canvas, 0, 0, made[0].width, made[0].height);
  const blob = await png(made[0]);
  return blob && new Uint8Array(await blob.arrayBuffer());
}

export interface Named {
  name: string;
  size: number;
  colour: Rgb;
}

export interface Words {
  /** What the list names: segments or categories, with noise or what is missing at its end. */
  entries: readonly Named[];
  rest: Named | null;
  /** How many there are, named in the picture or not. */
  count: number;
  /** A scale over the list, from low to high. */
  scale: { title: string; low: string; high: string; stops: readonly Rgb[] } | null;
  caption: string;
  background: Rgb;
  ink: Rgb;
}

/** The canvas with the segments' names beside it, as PNG. */
export function withNames(canvas: HTMLCanvasElement, ratio: number, words: Words): Promise<Blob | null> {
  const { entries, rest, scale, caption } = words;
  const listed = [...entries.slice(0, NAMED), ...(rest ? [rest] : [])];
  const side = listed.length > 0 || scale ? 220 * ratio : 0;
  const made = surface(canvas.width + side, canvas.height);
  if (!made) return Promise.resolve(null);
  const [page, context] = made;
  context.fillStyle = css(words.background);
  context.fillRect(0, 0, page.width, page.height);
  context.drawImage(canvas, 0, 0);
  context.font = `${12 * ratio}px system-ui, sans-serif`;
  context.textBaseline = "middle";
  const left = canvas.width + 14 * ratio;
  const write = (text: string, x: number, y: number, width: number, align: CanvasTextAlign = "left"): void => {
    context.fillStyle = css(words.ink);
    context.textAlign = align;
    let shown = text;
    while (shown.length > 1 && context.measureText(shown).width > width) shown = `${shown.slice(0, -2).trimEnd()}…`;
    context.fillText(shown, x, y);
  };
  let y = 20 * ratio;
  if (scale) {
    const right = page.width - 14 * ratio;
    write(scale.title, left, y, right - left);
    const fill = context.createLinearGradient(left, 0, right, 0);
    scale.stops.forEach((colour, at) => fill.addColorStop(at / (scale.stops.length - 1), css(colour)));
    context.fillStyle = fill;
    context.fillRect(left, y + 12 * ratio, right - left, 10 * ratio);
    write(scale.low, left, y + 34 * ratio, (right - left) / 2);
    write(scale.high, right, y + 34 * ratio, (right - left) / 2, "right");
    y += 60 * ratio;
  }
  for (const entry of listed) {
    context.fillStyle = css(entry.colour);
    context.beginPath();
    context.arc(left + 5 * ratio, y, 5 * ratio, 0, 2 * Math.PI);
    context.fill();
    const size = count(entry.size);
    write(size, page.width - 14 * ratio, y, 80 * ratio, "right");
    const room = page.width - 22 * ratio - context.measureText(size).width - (left + 18 * ratio);
    write(entry.name, left + 18 * ratio, y, room);
    y += 20 * ratio;
    if (y > page.height - 20 * ratio) break;
  }
  if (words.count > entries.slice(0, NAMED).length && y < page.height - 10 * ratio) {
    write(`${count(words.count - Math.min(NAMED, entries.length))} more`, left, y, side - 28 * ratio);
  }
  if (caption) write(caption, 10 * ratio, page.height - 14 * ratio, canvas.width - 20 * ratio);
  return png(page);
}

export function download(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  window.setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
