/** Rows beyond either edge that are in the page too, so that a quick scroll shows no gap. */
export const OVERSCAN = 8;

/** The rows from `first` up to `last`, without it, that stand in the page. */
export function visible(scrolled: number, height: number, row: number, total: number): { first: number; last: number } {
  const first = Math.max(0, Math.floor(scrolled / row) - OVERSCAN);
  const last = Math.min(total, Math.ceil((scrolled + height) / row) + OVERSCAN);
  return { first: Math.min(first, last), last };
}

/** How far to scroll so that a row is seen whole, with the least movement. */
export function reveal(index: number, scrolled: number, height: number, row: number): number {
  const top = index * row;
  if (top < scrolled) return top;
  return top + row > scrolled + height ? top + row - height : scrolled;
}

/** Where a key leads from a cell; null for a key that leads nowhere. Row -1 is that of the heads. */
export function moved(
  key: string, at: { row: number; column: number }, rows: number, columns: number, page: number,
): { row: number; column: number } | null {
  const row = (to: number): number => Math.max(-1, Math.min(rows - 1, to));
  switch (key) {
    case "ArrowDown":
      return { ...at, row: row(at.row + 1) };
    case "ArrowUp":
      return { ...at, row: row(at.row - 1) };
    case "PageDown":
      return { ...at, row: row(at.row + page) };
    case "PageUp":
      return { ...at, row: Math.max(Math.min(0, rows - 1), row(at.row - page)) };
    case "Home":
      return { ...at, column: 0 };
    case "End":
      return { ...at, column: columns - 1 };
    case "ArrowRight":
      return { ...at, column: Math.min(columns - 1, at.column + 1) };
    case "ArrowLeft":
      return { ...at, column: Math.max(0, at.column - 1) };
    default:
      return null;
  }
}
