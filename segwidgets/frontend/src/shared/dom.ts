/** A new element with a class, at the end of `parent` where one is given. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  name: string,
  parent?: Element,
  attributes: Record<string, string> = {},
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  if (name) made.className = name;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  parent?.append(made);
  return made;
}
