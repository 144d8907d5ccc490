/** What the widgets use of anywidget's model: the traits by name, and their changes. */
export interface Model<T extends object> {
  get<K extends keyof T & string>(name: K): T[K];
  set<K extends keyof T & string>(name: K, value: T[K]): void;
  save_changes(): void;
  on(name: string, callback: () => void): void;
  off(name: string, callback: () => void): void;
}

export interface Host<T extends object> {
  model: Model<T>;
}

export interface ViewHost<T extends object> extends Host<T> {
  el: HTMLElement;
}

/** Calls `callback` once after any of the traits changed; traits of one message make one call. */
export function onChange<T extends object>(
  model: Model<T>,
  names: readonly (keyof T & string)[],
  callback: () => void,
): () => void {
  let waiting = false;
  let ended = false;
  const once = (): void => {
    if (waiting) return;
    waiting = true;
    queueMicrotask(() => {
      waiting = false;
      if (!ended) callback();
    });
  };
  for (const name of names) model.on(`change:${name}`, once);
  return () => {
    ended = true;
    for (const name of names) model.off(`change:${name}`, once);
  };
}
