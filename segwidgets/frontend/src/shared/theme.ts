import type { Rgb } from "./colour";
import { luminance } from "./colour";

export interface Theme {
  background: Rgb;
  dark: boolean;
}

let probe: CanvasRenderingContext2D | null | undefined;

/** Any CSS colour as three numbers from 0 to 1; a 2-D canvas knows every notation that the browser knows. */
function resolve(colour: string): Rgb | null {
  if (probe === undefined) {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = 1;
    probe = canvas.getContext("2d", { willReadFrequently: true });
  }
  if (!probe) return null;
  probe.clearRect(0, 0, 1, 1);
  probe.fillStyle = colour;
  probe.fillRect(0, 0, 1, 1);
  const [red = 0, green = 0, blue = 0, alpha = 0] = probe.getImageData(0, 0, 1, 1).data;
  return alpha === 0 ? null : [red / 255, green / 255, blue / 255];
}

/** The theme as the element shows it: its style sheet sets the background from the host's variables. */
export function readTheme(element: Element): Theme {
  const background = resolve(getComputedStyle(element).backgroundColor) ?? [1, 1, 1];
  return { background, dark: luminance(background) < 0.2 };
}

export function sameTheme(one: Theme, other: Theme): boolean {
  return one.dark === other.dark && one.background.every((part, at) => part === other.background[at]);
}

/** Calls back after the host may have changed its theme: attributes, style sheets, or the system's preference. */
export function watchTheme(callback: () => void): () => void {
  let frame = 0;
  const soon = (): void => {
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(callback);
  };
  const observer = new MutationObserver(soon);
  const attributes = { attributes: true, attributeFilter: ["class", "style", "data-jp-theme-name", "data-jp-theme-light", "data-theme"] };
  observer.observe(document.documentElement, attributes);
  observer.observe(document.body, attributes);
  observer.observe(document.head, { childList: true });
  const query = matchMedia("(prefers-color-scheme: dark)");
  query.addEventListener("change", soon);
  // A style sheet that is still loading changes the colours after its link was put into the head.
  document.addEventListener("load", soon, true);
  return () => {
    cancelAnimationFrame(frame);
    observer.disconnect();
    query.removeEventListener("change", soon);
    document.removeEventListener("load", soon, true);
  };
}
