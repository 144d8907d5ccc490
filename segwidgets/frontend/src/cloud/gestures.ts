export interface Gestures {
  /** Shares of the picture's height, to the right and upwards. */
  turn(right: number, up: number): void;
  pan(right: number, up: number): void;
  /** Closer by `factor` > 1 about a place, in heights from the middle of the picture. */
  zoom(factor: number, right: number, up: number): void;
  fit(): void;
  /** The pointer rests or moves over the picture, pixels from its upper left corner; null when it left or pressed. */
  hover(x: number, y: number): void;
  leave(): void;
}

const KEY_STEP = 0.05;
const KEY_ZOOM = 1.15;
/** Wheel events closer than this, milliseconds, are one gesture. */
const WHEEL_PAUSE = 250;

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

  const spot = (event: MouseEvent): Spot => {
    const box = canvas.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };
  const fromMiddle = ({ x, y }: Spot): readonly [number, number] => {
    const height = Math.max(1, canvas.clientHeight);
    return [(x - canvas.clientWidth / 2) / height, (canvas.clientHeight / 2 - y) / height];
  };

  canvas.addEventListener(
    "pointerdown",
    (event) => {
      canvas.setPointerCapture(event.pointerId);
      canvas.focus({ preventScroll: true });
      pressed.set(event.pointerId, spot(event));
      moving = event.button === 2 || event.button === 1 || event.shiftKey;
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
  const release = (event: PointerEvent): void => {
    pressed.delete(event.pointerId);
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
      if (event.ctrlKey || event.metaKey || event.altKey) return;
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
      };
      const action = actions[event.key];
      if (!action) return;
      // JupyterLab's own shortcuts (arrows leave the cell, 0 0 restarts the kernel) must not see these keys.
      event.preventDefault();
      event.stopPropagation();
      action();
    },
    { signal },
  );
  return () => controller.abort();
}
