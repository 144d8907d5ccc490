import { isOurs } from "../shared/keys";

export interface Gestures {
  /** Shares of the picture's height, to the right and upwards. */
  turn(right: number, up: number): void;
  pan(right: number, up: number): void;
  /** Closer by `factor` > 1 about a place, in heights from the middle of the picture. */
  zoom(factor: number, right: number, up: number): void;
  fit(): void;
  /** The pointer rests or moves over the picture, pixels from its upper left corner. */
  hover(x: number, y: number): void;
  leave(): void;
  /** A press without a move; `add` with shift, control or command. */
  click(x: number, y: number, add: boolean): void;
  /** Whether a drag draws a lasso now. */
  lassoing(): boolean;
  toggleLasso(): void;
  /** The line so far, x, y, x, y, …; empty when it was given up. */
  draw(line: readonly number[]): void;
  /** The line is closed. */
  lasso(line: readonly number[], how: Combine): void;
  selectShown(): void;
}

/** What becomes of the former selection. */
export type Combine = "replace" | "add" | "remove";

const KEY_STEP = 0.05;
const KEY_ZOOM = 1.15;
/** Wheel events closer than this, milliseconds, are one gesture. */
const WHEEL_PAUSE = 250;
/** A press that moves less than this, pixels, and is shorter, milliseconds, is a click. */
const CLICK_MOVE = 4;
const CLICK_TIME = 600;
/** Corners of a lasso closer than this, pixels, tell nothing. */
const LASSO_STEP = 2;

interface Spot {
  x: number;
  y: number;
}

/** Mouse, pen, touch, wheel and keys on the picture. Returns what takes the listeners off again. */
export function listen(canvas: HTMLCanvasElement, gestures: Gestures): () => void {
  const controller = new AbortController();
  const { signal } = controller;
  const pressed = new Map<number, Spot>();
  let moving = false;
  /** Where and when a press began that may become a click. */
  let press: (Spot & { time: number }) | null = null;
  let line: number[] | null = null;

  const spot = (event: MouseEvent): Spot => {
    const box = canvas.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };
  const fromMiddle = ({ x, y }: Spot): readonly [number, number] => {
    const height = Math.max(1, canvas.clientHeight);
    return [(x - canvas.clientWidth / 2) / height, (canvas.clientHeight / 2 - y) / height];
  };
  const giveUpLine = (): void => {
    if (!line) return;
    line = null;
    gestures.draw([]);
  };

  canvas.addEventListener(
    "pointerdown",
    (event) => {
      canvas.setPointerCapture(event.pointerId);
      // A press is no reason to show where the focus is; browsers that do not know the option decide by themselves.
      canvas.focus({ preventScroll: true, focusVisible: false } as FocusOptions);
      const at = spot(event);
      pressed.set(event.pointerId, at);
      moving = event.button === 2 || event.button === 1 || (event.shiftKey && !gestures.lassoing());
      press = pressed.size === 1 && event.button === 0 ? { ...at, time: event.timeStamp } : null;
      // A second finger scales: nobody draws with two.
      giveUpLine();
      if (press && gestures.lassoing()) line = [at.x, at.y];
      gestures.leave();
    },
    { signal },
  );
  canvas.addEventListener(
    "pointermove",
    (event) => {
      const now = spot(event);
      const before = pressed.get(event.pointerId);
      if (!before) {
        if (event.pointerType !== "touch") gestures.hover(now.x, now.y);
        return;
      }
      if (press && Math.hypot(now.x - press.x, now.y - press.y) > CLICK_MOVE) press = null;
      if (line) {
        const last = { x: line[line.length - 2] as number, y: line[line.length - 1] as number };
        if (Math.hypot(now.x - last.x, now.y - last.y) >= LASSO_STEP) {
          line.push(now.x, now.y);
          gestures.draw(line);
        }
        pressed.set(event.pointerId, now);
        return;
      }
      // The hand shakes during a click; the cloud does not.
      if (press) return;
      pressed.set(event.pointerId, now);
      const height = Math.max(1, canvas.clientHeight);
      const [right, up] = [(now.x - before.x) / height, (before.y - now.y) / height];
      if (pressed.size === 1) {
        if (moving) gestures.pan(right, up);
        else gestures.turn(right, up);
        return;
      }
      // Two fingers: half of each finger's way moves the picture, the change of their distance scales it.
      const other = [...pressed].find(([id]) => id !== event.pointerId)?.[1];
      if (!other || pressed.size > 2) return;
      gestures.pan(right / 2, up / 2);
      const gap = (one: Spot): number => Math.max(8, Math.hypot(one.x - other.x, one.y - other.y));
      gestures.zoom(gap(now) / gap(before), ...fromMiddle({ x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 }));
    },
    { signal },
  );
  canvas.addEventListener(
    "pointerup",
    (event) => {
      const began = press;
      press = null;
      if (line && !began) {
        const drawn = line;
        giveUpLine();
        gestures.lasso(drawn, event.altKey ? "remove" : event.shiftKey || event.ctrlKey || event.metaKey ? "add" : "replace");
      } else if (began && event.timeStamp - began.time < CLICK_TIME) {
        giveUpLine();
        const at = spot(event);
        gestures.click(at.x, at.y, event.shiftKey || event.ctrlKey || event.metaKey);
      }
    },
    { signal },
  );
  const release = (event: PointerEvent): void => {
    pressed.delete(event.pointerId);
    if (event.type === "pointercancel") giveUpLine();
  };
  for (const name of ["pointerup", "pointercancel", "lostpointercapture"] as const) {
    canvas.addEventListener(name, release, { signal });
  }
  canvas.addEventListener("pointerleave", () => gestures.leave(), { signal });
  canvas.addEventListener("contextmenu", (event) => event.preventDefault(), { signal });
  canvas.addEventListener("dblclick", () => gestures.fit(), { signal });

  // Somebody who scrolls down the notebook must not get caught in the picture: a wheel gesture belongs to the
  // place where it began.
  let lastWheel = -Infinity;
  let ours = false;
  window.addEventListener(
    "wheel",
    (event) => {
      if (event.timeStamp - lastWheel > WHEEL_PAUSE) ours = event.target === canvas;
      lastWheel = event.timeStamp;
    },
    { capture: true, passive: true, signal },
  );
  canvas.addEventListener(
    "wheel",
    (event) => {
      if (!ours && !event.ctrlKey) return;
      event.preventDefault();
      const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
      const step = Math.max(-120, Math.min(120, event.deltaY * lines));
      gestures.zoom(Math.exp(-step * (event.ctrlKey ? 0.008 : 0.0022)), ...fromMiddle(spot(event)));
    },
    { passive: false, signal },
  );

  canvas.addEventListener(
    "keydown",
    (event) => {
      if (!isOurs(event)) return;
      const go = event.shiftKey ? gestures.pan : gestures.turn;
      const actions: Record<string, () => void> = {
        ArrowLeft: () => go(-KEY_STEP, 0),
        ArrowRight: () => go(KEY_STEP, 0),
        ArrowUp: () => go(0, KEY_STEP),
        ArrowDown: () => go(0, -KEY_STEP),
        "+": () => gestures.zoom(KEY_ZOOM, 0, 0),
        "=": () => gestures.zoom(KEY_ZOOM, 0, 0),
        "-": () => gestures.zoom(1 / KEY_ZOOM, 0, 0),
        _: () => gestures.zoom(1 / KEY_ZOOM, 0, 0),
        "0": () => gestures.fit(),
        l: () => gestures.toggleLasso(),
        a: () => gestures.selectShown(),
      };
      const action = actions[event.key];
      if (!action) return;
      event.preventDefault();
      action();
    },
    { signal },
  );
  return () => controller.abort();
}
