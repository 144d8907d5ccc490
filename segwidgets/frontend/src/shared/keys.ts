/** What Lumino, which JupyterLab and Notebook are made of, looks for before it takes a key for a shortcut. */
const SUPPRESSED = "data-lm-suppress-shortcuts";

/** Whether a key belongs to the widget that has the focus; keys with a modifier are the host's, as Shift+Enter is. */
export function isOurs(event: Pick<KeyboardEvent, "key" | "shiftKey" | "ctrlKey" | "metaKey" | "altKey">): boolean {
  return !event.ctrlKey && !event.metaKey && !event.altKey && !(event.shiftKey && event.key === "Enter");
}

/**
 * Keys stay in the widget while it has the focus: the host moves between cells with the arrows, opens a cell with Enter
 * and adds one with "a". JupyterLab hears keys as they bubble up. Notebook hears them on their way down, before any
 * element does, and looks for a mark on the one that has the focus: it is there as long as such a key travels.
 */
export function keepKeys(root: HTMLElement, signal: AbortSignal): void {
  window.addEventListener(
    "keydown",
    (event) => {
      const { target } = event;
      if (!(target instanceof Element) || !root.contains(target) || !isOurs(event)) return;
      if (target.hasAttribute(SUPPRESSED)) return;
      target.setAttribute(SUPPRESSED, "true");
      setTimeout(() => target.removeAttribute(SUPPRESSED), 0);
    },
    { capture: true, signal },
  );
  root.addEventListener(
    "keydown",
    (event) => {
      if (isOurs(event)) event.stopPropagation();
    },
    { signal },
  );
}
