/** What the widgets use of anywidget's model: the traits by name, their changes, and messages of their own. */
export interface Model<T extends object> {
  get<K extends keyof T & string>(name: K): T[K];
  set<K extends keyof T & string>(name: K, value: T[K]): void;
  save_changes(): void;
  on(name: string, callback: Listener): void;
  off(name: string, callback: Listener): void;
  /** A message to the kernel; nothing happens where there is none. */
  send?(content: unknown): void;
}

/** What an event carries depends on its name. */
export type Listener = (...parts: never[]) => void;

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

/** A message of the kernel's own: its content and its binary parts. */
export function onMessage<T extends object>(
  model: Model<T>,
  callback: (content: Record<string, unknown>, buffers: readonly DataView[]) => void,
): () => void {
  const heard = (content: unknown, buffers?: readonly DataView[]): void => {
    if (content && typeof content === "object") callback(content as Record<string, unknown>, buffers ?? []);
  };
  model.on("msg:custom", heard);
  return () => model.off("msg:custom", heard);
}
