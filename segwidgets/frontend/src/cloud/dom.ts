import { make } from "../shared/dom";

/** A button with a name that is read out; what it shows is text or a picture. */
export function button(name: string, label: string, content: string, act: () => void, parent?: Element): HTMLButtonElement {
  const element = make("button", name, parent);
  element.type = "button";
  element.setAttribute("aria-label", label);
  element.title = label;
  element.innerHTML = content;
  element.addEventListener("click", act);
  return element;
}

const svg = (content: string): string =>
  `<svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="1.3" stroke-linecap="round" stroke-linejoin="round">${content}</svg>`;

export const ICONS = {
  eye: svg('<path d="M1.5 8S4 3.5 8 3.5 14.5 8 14.5 8 12 12.5 8 12.5 1.5 8 1.5 8Z"/><circle cx="8" cy="8" r="2" fill="currentColor" stroke="none"/><path class="sw-strike" d="M3 13.5 13 2.5"/>'),
  pencil: svg('<path d="M2.5 13.5 3 10.8 10.9 2.9a1 1 0 0 1 1.4 0l.8.8a1 1 0 0 1 0 1.4L5.2 13Z"/><path d="m9.6 4.2 2.2 2.2"/>'),
  lasso: svg('<path d="M8 2.5c3.4 0 6 1.6 6 3.9S11.4 10.3 8 10.3 2 8.7 2 6.4 4.6 2.5 8 2.5Z" stroke-dasharray="2.4 1.8"/><path d="M5 10v1.3a2.2 2.2 0 0 1-2.2 2.2"/>'),
  fit: svg('<path d="M2 5.5V2h3.5M10.5 2H14v3.5M14 10.5V14h-3.5M5.5 14H2v-3.5"/>'),
  save: svg('<path d="M8 2v7.5M4.8 6.5 8 9.7l3.2-3.2M2.5 11v2.5h11V11"/>'),
  settings: svg('<path d="M2 4.5h7M12.5 4.5H14M2 11.5h1.5M7 11.5h7"/><circle cx="10.7" cy="4.5" r="1.7"/><circle cx="5.2" cy="11.5" r="1.7"/>'),
  close: svg('<path d="m4 4 8 8M12 4l-8 8"/>'),
} as const;
