import type { BinaryTrait } from "../shared/binary";

/** What is known of an array before its bytes are there. */
export interface About {
  version: number;
  /** Bytes of one element. */
  width: number;
  /** The bytes are in the trait of the array's name; otherwise they come as a message, when asked for. */
  kept: boolean;
}

export interface AboutPoints extends About {
  count: number;
  dimensions: number;
  /** Where value 0 is, and how far one step goes, by axis. */
  offset: readonly number[];
  scale: readonly number[];
}

export interface AboutArrays {
  points?: AboutPoints;
  /** Labels plus one, by row. */
  labels?: About;
  /** `CutIndex`, 20 bytes a leaf. */
  index?: About;
  /** What points are coloured by, by row: 0 is missing, 1 to 255 from low to high, or a category. */
  values?: About;
}

export type ArrayName = keyof AboutArrays;
export const ARRAY_NAMES: readonly ArrayName[] = ["points", "labels", "index", "values"];

export interface Category {
  name: string;
  size: number;
}

/** What points are coloured by. */
export interface Colouring {
  by: string;
  kind: "segment" | "number" | "category" | "trust";
  /** The values at the ends of the scale, for numbers and trust. */
  low?: number;
  high?: number;
  /** Values lie on both sides of a middle that means nothing: the scale has two arms. */
  diverging?: boolean;
  /** Some values lie beyond an end of the scale, and are shown as that end. */
  below?: boolean;
  above?: boolean;
  missing?: number;
  /** The first category has the value 1. */
  categories?: readonly Category[];
}

/** How a view was left, for the next one: a page loaded again, a second view. */
export interface Look {
  view_key: number;
  azimuth: number;
  elevation: number;
  distance: number;
  target: readonly number[];
  hidden: readonly number[];
  isolated: number | null;
}

export interface CloudTraits {
  arrays: AboutArrays;
  points: BinaryTrait;
  labels: BinaryTrait;
  index: BinaryTrait;
  values: BinaryTrait;
  view_key: number;
  caption: string;
  height: number;
  point_size: number;
  opacity: number;
  eps: number;
  /** A row of a segment and its name; the newest last. */
  names: readonly (readonly [number, string])[];
  /** Colour numbers of the larger segments, by a row of each. */
  hues: Readonly<Record<string, number>>;
  colouring: Colouring;
  colour_choices: readonly string[];
  /** The selection, packed as `selection.ts` says. */
  picked: BinaryTrait;
  /** Whether the kernel tells more of a row. */
  describes: boolean;
  /** A small picture, PNG. */
  still: BinaryTrait;
  look: Partial<Look>;
}
