import { noiseColour, scaleColour } from "../cloud/palette";
import type { Rgb } from "../shared/colour";
import { css } from "../shared/colour";
import type { Theme } from "../shared/theme";
import { every, middle, shareOf, type Facet, type Frame } from "./cells";

/** How values become colours. */
export interface Scale {
  low: number;
  high: number;
  diverging: boolean;
}

/** Colours of a scale that are told apart. */
const SHADES = 256;

/** The shades from low to high, as bytes of red, green, blue. */
export function shades(diverging: boolean, dark: boolean): Uint8ClampedArray {
  const made = new Uint8ClampedArray(SHADES * 3);
  for (let i = 0; i < SHADES; i++) {
    scaleColour(i / (SHADES - 1), diverging, dark).forEach((part, at) => (made[i * 3 + at] = Math.round(part * 255)));
  }
  return made;
}

/** One pixel a cell, the first row at the bottom where the grid goes upwards. */
export function pixels(facet: Facet, scale: Scale, theme: Theme, upwards: boolean, table: Uint8ClampedArray): ImageData {
  const [rows, columns] = [facet.rows.length, facet.columns.length];
  const image = new ImageData(Math.max(1, columns), Math.max(1, rows));
  const nothing: Rgb = noiseColour(theme);
  for (let row = 0; row < rows; row++) {
    const down = upwards ? rows - 1 - row : row;
    for (let column = 0; column < columns; column++) {
      const value = facet.values[row * columns + column] ?? Number.NaN;
      const to = (down * columns + column) * 4;
      const shade = Math.round(shareOf(value, scale.low, scale.high) * (SHADES - 1)) * 3;
      for (let part = 0; part < 3; part++) {
        image.data[to + part] = Number.isNaN(value) ? (nothing[part] ?? 0) * 255 : (table[shade + part] ?? 0);
      }
      image.data[to + 3] = Number.isNaN(value) ? 90 : 255;
    }
  }
  return image;
}

export interface Axes {
  rowName: string;
  columnName: string;
  steep: boolean;
}

const SIZE = 11;
const FONT = `${SIZE}px system-ui, sans-serif`;
/** The longest label that is shown whole, in pixels. */
const LONGEST = 120;

/** Where the grid stands in a canvas of that size: beside it is room for its labels. */
export function framed(
  context: CanvasRenderingContext2D, facet: Facet, axes: Axes, width: number, height: number, upwards: boolean,
): Frame {
  context.font = FONT;
  const widest = (labels: readonly string[]): number =>
    Math.min(LONGEST, labels.reduce((most, label) => Math.max(most, context.measureText(label).width), 0));
  const left = Math.ceil(widest(facet.rows)) + 10 + (axes.rowName ? SIZE + 6 : 0);
  const below = (axes.steep ? Math.ceil(widest(facet.columns)) : SIZE) + 12 + (axes.columnName ? SIZE + 6 : 0);
  return {
    left, top: 6, width: Math.max(1, width - left - 8), height: Math.max(1, height - below - 6),
    rows: facet.rows.length, columns: facet.columns.length, upwards,
  };
}

function clipped(context: CanvasRenderingContext2D, text: string): string {
  if (context.measureText(text).width <= LONGEST) return text;
  let shown = text;
  while (shown.length > 1 && context.measureText(`${shown}…`).width > LONGEST) shown = shown.slice(0, -1);
  return `${shown}…`;
}

/** The grid, its labels, and where the present setting is. */
export function draw(
  context: CanvasRenderingContext2D, facet: Facet, frame: Frame, image: ImageData, axes: Axes, ink: string, eps: string,
): void {
  const { left, top, width, height } = frame;
  const small = document.createElement("canvas");
  small.width = image.width;
  small.height = image.height;
  small.getContext("2d")?.putImageData(image, 0, 0);
  context.imageSmoothingEnabled = false;
  context.drawImage(small, left, top, width, height);
  context.font = FONT;
  context.fillStyle = ink;
  context.textBaseline = "middle";
  context.textAlign = "right";
  const rowStep = every(frame.rows, height, SIZE + 3);
  for (let row = 0; row < frame.rows; row += rowStep) {
    context.fillText(clipped(context, facet.rows[row] ?? ""), left - 6, middle(frame, row, 0).y);
  }
  const wide = facet.columns.reduce((most, label) => Math.max(most, context.measureText(label).width), 0);
  const columnStep = every(frame.columns, width, axes.steep ? SIZE + 3 : wide + 10);
  for (let column = 0; column < frame.columns; column += columnStep) {
    const text = clipped(context, facet.columns[column] ?? "");
    const { x } = middle(frame, 0, column);
    context.save();
    context.translate(x, top + height + 6);
    if (axes.steep) context.rotate(-Math.PI / 2);
    context.textAlign = axes.steep ? "right" : "center";
    context.textBaseline = axes.steep ? "middle" : "top";
    context.fillText(text, 0, 0);
    context.restore();
  }
  context.textAlign = "center";
  context.textBaseline = "alphabetic";
  if (axes.columnName) context.fillText(axes.columnName, left + width / 2, context.canvas.clientHeight - 3);
  if (axes.rowName) {
    context.save();
    context.translate(SIZE, top + height / 2);
    context.rotate(-Math.PI / 2);
    context.fillText(axes.rowName, 0, 0);
    context.restore();
  }
  if (facet.here) ring(context, frame, facet.here, eps);
}

function ring(context: CanvasRenderingContext2D, frame: Frame, here: readonly [number, number], colour: string): void {
  const { x, y } = middle(frame, here[0], here[1]);
  const held = (at: number, from: number, length: number): number => Math.min(from + length, Math.max(from, at));
  context.beginPath();
  context.arc(held(x, frame.left, frame.width), held(y, frame.top, frame.height), 6, 0, 2 * Math.PI);
  context.lineWidth = 4;
  context.strokeStyle = "rgb(255 255 255 / 85%)";
  context.stroke();
  context.lineWidth = 2;
  context.strokeStyle = colour;
  context.stroke();
}

/** The scale as a strip of colours, for the style of an element. */
export function strip(scale: Scale, dark: boolean): string {
  const stops = Array.from({ length: 9 }, (_, i) => css(scaleColour(i / 8, scale.diverging, dark)));
  return `linear-gradient(to right, ${stops.join(", ")})`;
}
