import type { Camera } from "./camera";
import { type Gestures, listen } from "./gestures";
import type { Pointer } from "./pointer";

const RADIANS_PER_HEIGHT = 3.4;

/** What steering moves and tells. */
export interface Steered {
  readonly canvas: HTMLCanvasElement;
  readonly camera: Camera;
  readonly pointer: Pointer;
  /** The camera moved. */
  moved(): void;
  fit(): void;
  /** The lasso was taken up or laid down. */
  lassoChanged(): void;
}

/** Puts gestures on the picture into effect, and draws the line of a lasso over it. */
export class Steering {
  lassoing = false;
  private readonly line: SVGPolygonElement;
  private readonly unlisten: () => void;

  constructor(
    private readonly view: Steered,
    stage: HTMLElement,
  ) {
    const picture = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    picture.setAttribute("class", "sw-lasso");
    picture.setAttribute("aria-hidden", "true");
    this.line = document.createElementNS("http://www.w3.org/2000/svg", "polygon");
    picture.append(this.line);
    stage.append(picture);
    this.unlisten = listen(view.canvas, this.gestures());
  }

  setLasso(on: boolean): void {
    this.lassoing = on;
    this.line.setAttribute("points", "");
    this.view.lassoChanged();
    if (on) this.view.canvas.focus({ preventScroll: true });
  }

  dispose(): void {
    this.unlisten();
  }

  private gestures(): Gestures {
    const { view } = this;
    const { camera, pointer } = view;
    const pan = (right: number, up: number): void => {
      camera.pan(right, up);
      view.moved();
    };
    return {
      pan,
      turn: (right, up) => {
        if (camera.isFlat) return pan(right, up);
        camera.turn(right * RADIANS_PER_HEIGHT, up * RADIANS_PER_HEIGHT);
        view.moved();
      },
      zoom: (factor, right, up) => {
        camera.zoom(factor, right, up);
        view.moved();
      },
      fit: () => view.fit(),
      hover: (x, y) => pointer.hover(x, y),
      leave: () => pointer.leave(),
      click: (x, y, add) => pointer.click(x, y, add),
      lassoing: () => this.lassoing,
      toggleLasso: () => this.setLasso(!this.lassoing),
      draw: (line) => this.line.setAttribute("points", line.join(" ")),
      lasso: (line, how) => {
        pointer.lasso(line, how);
        if (how === "replace") this.setLasso(false);
      },
      selectShown: () => pointer.shown(),
    };
  }
}
