import { make } from "../shared/dom";

/** A button that submits nothing. */
export function button(name: string, text: string, parent: Element): HTMLButtonElement {
  const made = make("button", name, parent, { type: "button" });
  made.textContent = text;
  return made;
}

const PATHS = {
  info: "M8 7.2v4M8 4.9v.1M8 1.6a6.4 6.4 0 1 1 0 12.8A6.4 6.4 0 0 1 8 1.6Z",
  pencil: "m2.6 13.4.7-3L10.6 3l2.4 2.4-7.4 7.3-3 .7ZM9.2 4.4l2.4 2.4",
  undo: "M5.6 2.6 2.6 5.8l3 3.2M2.8 5.8h6.4a3.9 3.9 0 0 1 0 7.8H6",
  redo: "m10.4 2.6 3 3.2-3 3.2M13.2 5.8H6.8a3.9 3.9 0 0 0 0 7.8H10",
  star: "m8 1.9 1.9 3.9 4.2.6-3 3 .7 4.2L8 11.6l-3.8 2 .7-4.2-3-3 4.2-.6L8 1.9Z",
  close: "m3.5 3.5 9 9m0-9-9 9",
} as const;

/** A picture of 16 by 16 pixels in the text's colour, which no screen reader speaks. */
export function icon(name: keyof typeof PATHS, parent: Element): SVGSVGElement {
  const space = "http://www.w3.org/2000/svg";
  const picture = document.createElementNS(space, "svg");
  picture.setAttribute("class", "sw-icon");
  picture.setAttribute("viewBox", "0 0 16 16");
  picture.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", PATHS[name]);
  picture.append(path);
  parent.prepend(picture);
  return picture;
}

/** For `aria-labelledby` and its like: two views of one widget stand in one page. */
export function uniqueId(word: string): string {
  return `sw-${word}-${Math.random().toString(36).slice(2, 10)}`;
}

/** Writes a text only where it is another one: a live region speaks at every write. */
export function say(target: Element, text: string): void {
  if (target.textContent !== text) target.textContent = text;
}

/** Makes `wanted` the children of `parent`. Only what stands in the wrong place is moved, and the focus is kept. */
export function arrange(parent: Element, wanted: readonly Element[]): void {
  const focused = document.activeElement;
  const kept = new Set(wanted);
  for (const child of [...parent.children]) if (!kept.has(child)) child.remove();
  let next = parent.firstElementChild;
  for (const child of wanted) {
    if (child === next) next = next.nextElementSibling;
    else parent.insertBefore(child, next);
  }
  if (focused instanceof HTMLElement && focused !== document.activeElement && parent.contains(focused)) {
    focused.focus({ preventScroll: true });
  }
}
