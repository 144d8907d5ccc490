import { describe, expect, it } from "vitest";
import { pack, unpack } from "../src/cloud/selection";
// Written by the Python half: tests/panel/test_pointcloud_wire.py.
import selections from "./vectors/selections.json";

describe("a selection", () => {
  it.each(selections)("of $name is packed as Python packs it, and read back", ({ rows, count, bytes }) => {
    const packed = pack(Uint32Array.from(rows), count);
    expect([...packed]).toEqual(bytes);
    expect([...unpack(packed, count)]).toEqual(rows);
  });

  it("of a million rows takes a bit each", () => {
    const rows = Uint32Array.from({ length: 1_000_000 }, (_, row) => row);
    expect(pack(rows, rows.length).byteLength).toBe(125_004);
  });

  it("leaves out rows of other points", () => {
    expect([...unpack(pack(Uint32Array.from([1, 90]), 4000), 50)]).toEqual([1]);
  });
});
