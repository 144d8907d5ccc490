/** Binary traits arrive as a DataView that may start anywhere in a larger message; typed arrays need alignment. */
export type BinaryTrait = DataView | ArrayBuffer | Uint8Array | null | undefined;
export type Slots = Uint8Array | Uint16Array | Uint32Array;

/** The bytes alone, copied only where they do not start on a multiple of `width`. */
function aligned(value: BinaryTrait, width: number): { buffer: ArrayBufferLike; offset: number; bytes: number } {
  if (value == null) return { buffer: new ArrayBuffer(0), offset: 0, bytes: 0 };
  if (value instanceof ArrayBuffer) return { buffer: value, offset: 0, bytes: value.byteLength };
  const { buffer, byteOffset, byteLength } = value;
  if (byteOffset % width === 0) return { buffer, offset: byteOffset, bytes: byteLength };
  return { buffer: buffer.slice(byteOffset, byteOffset + byteLength), offset: 0, bytes: byteLength };
}

/** The bytes of a trait or of a message's buffer, not copied. */
export function bytesOf(value: BinaryTrait): Uint8Array {
  if (value == null) return new Uint8Array(0);
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
}

export function floats(value: BinaryTrait): Float32Array {
  const { buffer, offset, bytes } = aligned(value, 4);
  return new Float32Array(buffer, offset, Math.floor(bytes / 4));
}

/** Labels plus one (0 is noise), `width` bytes each. Null when the width is none of 1, 2 and 4. */
export function slots(value: BinaryTrait, width: number): Slots | null {
  if (width !== 1 && width !== 2 && width !== 4) return null;
  const { buffer, offset, bytes } = aligned(value, width);
  const length = Math.floor(bytes / width);
  if (width === 1) return new Uint8Array(buffer, offset, length);
  if (width === 2) return new Uint16Array(buffer, offset, length);
  return new Uint32Array(buffer, offset, length);
}
