import { percent, plural, short } from "../shared/format";
import type { CloudStore } from "./store";

/** How many points, segments, and how much noise. */
export function summary(store: CloudStore, segments: number): string {
  const { segmentation, count: points } = store;
  if (!segmentation) return plural(points, "point");
  return `${plural(points, "point")} in ${plural(segments, "segment")}, ${percent((segmentation.sizes[0] as number) / Math.max(1, points))} noise`;
}

/** What the picture is and which keys it knows, for those who hear it. */
export function canvasLabel(store: CloudStore, segments: number): string {
  const { dimensions } = store.points;
  const keys = dimensions === 3 ? "Arrow keys turn, shift and arrow keys move" : "Arrow keys move";
  return `${dimensions}-D point cloud: ${summary(store, segments)}. ${keys}, plus and minus scale, 0 fits, L draws a lasso, A selects what is shown, Escape clears.`;
}

/** What a move of eps came to. */
export function outcome(store: CloudStore, segments: number, eps: number): string {
  const { segmentation, count: points, cutsItself } = store;
  if (!segmentation) return "";
  const noise = percent((segmentation.sizes[0] as number) / Math.max(1, points));
  return `${plural(segments, "segment")}, ${noise} noise${cutsItself ? ` at eps ${short(eps)}` : ""}`;
}

/** Why there is no picture, or nothing. */
export function reason(store: CloudStore, painter: { lost: boolean } | null): string {
  const waiting = store.count === 0 ? store.expected : 0;
  if (!painter) return "This browser can draw neither with WebGL2 nor without. The segments and their sizes are in the list.";
  if (painter.lost) return "The browser took the graphics memory away. The cloud is drawn again as soon as it is given back.";
  if (waiting > 0) return `Waiting for the kernel to send ${plural(waiting, "point")}. If no kernel runs, run the cell again.`;
  return store.count === 0 ? "No points yet." : "";
}
