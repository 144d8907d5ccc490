import { floats } from "../shared/binary";
import type { CutIndex } from "../cloud/cut";
import { type Positions, positions } from "../cloud/positions";

/** What `segwidgets/report/live.py` writes into the page; arrays are base64, little-endian. */
export interface Written {
  count: number;
  rows: number;
  floor: number;
  dimensions: number;
  offset: readonly number[];
  scale: readonly number[];
  places: string;
  leaf: string;
  gap: string;
  core: string;
  entry: string;
  host: string;
  steps: string;
  start: number;
  sizes: string;
  rest: string;
  names: readonly { name: string; slots: readonly number[] }[];
  colours: readonly (readonly [number, number])[];
}

export interface LiveData {
  /** Customers of the table. */
  rows: number;
  floor: number;
  points: Positions;
  /** The leaf of each point. */
  leaf: Int32Array;
  index: CutIndex;
  /** The eps of each step of the slider, ascending. */
  steps: Float32Array;
  /** The step of the eps that was chosen. */
  start: number;
  /** Customers by slot, of all steps one after the other. */
  sizes: Uint32Array;
  /** Three a step: customers in no segment that is told of, segments without a dot, their customers. */
  rest: Uint32Array;
  names: Written["names"];
  /** Slots at the chosen eps and their colour numbers. */
  colours: Written["colours"];
}

function bytes(text: string): Uint8Array {
  const raw = atob(text);
  const out = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) out[i] = raw.charCodeAt(i);
  return out;
}

export function read(written: Written): LiveData {
  const whole = (text: string): Int32Array => new Int32Array(bytes(text).buffer);
  const counts = (text: string): Uint32Array => new Uint32Array(bytes(text).buffer);
  const vector = (numbers: readonly number[]): [number, number, number] => [numbers[0] ?? 0, numbers[1] ?? 0, numbers[2] ?? 0];
  const gap = floats(bytes(written.gap));
  return {
    rows: written.rows,
    floor: written.floor,
    points: positions(
      new Uint16Array(bytes(written.places).buffer),
      written.dimensions === 2 ? 2 : 3,
      vector(written.offset),
      vector(written.scale),
    ),
    leaf: whole(written.leaf),
    index: {
      row: Int32Array.from(gap, (_, leaf) => leaf),
      gap,
      core: floats(bytes(written.core)),
      entry: floats(bytes(written.entry)),
      host: whole(written.host),
    },
    steps: floats(bytes(written.steps)),
    start: written.start,
    sizes: counts(written.sizes),
    rest: counts(written.rest),
    names: written.names,
    colours: written.colours,
  };
}
