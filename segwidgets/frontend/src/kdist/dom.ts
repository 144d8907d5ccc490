export const SVG = "http://www.w3.org/2000/svg";

export function svg<K extends keyof SVGElementTagNameMap>(tag: K, name: string, parent: Element): SVGElementTagNameMap[K] {
  const element = document.createElementNS(SVG, tag);
  if (name) element.setAttribute("class", name);
  parent.append(element);
  return element;
}

export function put(element: Element, attributes: Record<string, number | string>): void {
  for (const [name, value] of Object.entries(attributes)) {
    element.setAttribute(name, typeof value === "number" ? String(Math.round(value * 100) / 100) : value);
  }
}
