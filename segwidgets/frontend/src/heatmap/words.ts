import { percent, plural, short } from "../shared/format";
import type { Cell, Facet, Layer } from "./cells";

export interface Naming {
  row_name: string;
  column_name: string;
  value_name: string;
  absent: string;
  layers: readonly Layer[];
}

/** "eps 0.41, min_samples 12". */
export function place(naming: Naming, facet: Facet, cell: Pick<Cell, "row" | "column">): string {
  const [row, column] = [facet.rows[cell.row] ?? "", facet.columns[cell.column] ?? ""];
  const words = (name: string, label: string): string => (name ? `${name} ${label}` : label);
  return `${words(naming.column_name, column)}, ${words(naming.row_name, row)}`;
}

/** What is known of a cell: "agreement 0.97, 6 segments, 4 % noise". */
export function told(naming: Naming, facet: Facet, cell: Pick<Cell, "row" | "column">): string {
  const at = cell.row * facet.columns.length + cell.column;
  const value = facet.values[at] ?? Number.NaN;
  const parts = [Number.isNaN(value) ? naming.absent : `${naming.value_name} ${short(value)}`];
  naming.layers.forEach((layer, i) => {
    const more = facet.more[i]?.[at] ?? Number.NaN;
    if (Number.isNaN(more)) return;
    if (layer.kind === "count") parts.push(plural(more, layer.name));
    else if (layer.kind === "share") parts.push(`${percent(more)} ${layer.name}`);
    else parts.push(`${layer.name} ${short(more)}`);
  });
  return parts.filter(Boolean).join(", ");
}
