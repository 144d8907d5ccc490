/**
 * A set of rows in few bytes: 4 bytes that say how, then either the rows, 4 bytes each and ascending, or one bit a row,
 * whichever is shorter. A million points take 125 kB at most.
 */
const ROWS = 0;
const BITS = 1;

export function pack(rows: Uint32Array, count: number): Uint8Array {
  if (rows.length === 0) return new Uint8Array(0);
  if (4 * rows.length <= Math.ceil(count / 8)) {
    const bytes = new Uint8Array(4 + 4 * rows.length);
    new Uint32Array(bytes.buffer)[0] = ROWS;
    new Uint32Array(bytes.buffer, 4).set(rows);
    return bytes;
  }
  const bytes = new Uint8Array(4 + Math.ceil(count / 8));
  new Uint32Array(bytes.buffer, 0, 1)[0] = BITS;
  for (const row of rows) bytes[4 + (row >> 3)]! |= 1 << (row & 7);
  return bytes;
}

/** The rows, ascending; those that are not below `count` belong to other points and are left out. */
export function unpack(packed: Uint8Array, count: number): Uint32Array {
  if (packed.byteLength < 4) return new Uint32Array(0);
  const bytes = packed.byteOffset % 4 === 0 ? packed : packed.slice();
  const kind = new Uint32Array(bytes.buffer, bytes.byteOffset, 1)[0];
  if (kind === ROWS) {
    const rows = new Uint32Array(bytes.buffer, bytes.byteOffset + 4, Math.floor((bytes.byteLength - 4) / 4));
    return rows.filter((row) => row < count);
  }
  const rows = new Uint32Array(count);
  let found = 0;
  for (let row = 0; row < count; row++) if ((bytes[4 + (row >> 3)] ?? 0) & (1 << (row & 7))) rows[found++] = row;
  return rows.slice(0, found);
}
