import { describe, expect, it } from "vitest";
import { Camera } from "../src/cloud/camera";
import { nearest } from "../src/cloud/picking";
import { KIND } from "../src/cloud/shaders";

const camera = new Camera();
camera.setFrame({ centre: [0, 0, 0], radius: 2, reach: 2 }, true);
camera.reset(1);
const matrix = camera.matrix(1);
/** Two points in the middle, one behind the other, and one to the right. */
const xyz = Float32Array.from([0, 0, -1, 0, 0, 0.5, 1, 0, 0]);
const labels = Uint8Array.from([1, 2, 0]);

function texels(kinds: number[]): Uint8Array {
  return Uint8Array.from(kinds.flatMap((kind) => [0, 0, 0, kind]));
}
const all = texels([KIND.noise, KIND.segment, KIND.segment]);
const at = (x: number, y: number, kinds = all) => nearest(xyz, 3, labels, kinds, matrix, 200, 200, x, y, 10)?.row ?? null;

describe("picking", () => {
  it("finds the point in front", () => {
    expect(at(100, 100)).toBe(1);
  });

  it("finds what stands behind a hidden point, and not what an isolated segment leaves out", () => {
    expect(at(100, 100, texels([KIND.noise, KIND.segment, KIND.hidden]))).toBe(0);
    expect(at(100, 100, texels([KIND.ghost, KIND.ghost, KIND.ghost]))).toBeNull();
  });

  it("finds noise where nothing else is", () => {
    const right = (matrix[0]! / matrix[15]!) * 100 + 100;
    expect(at(right, 100)).toBe(2);
  });

  it("finds nothing far from every point", () => {
    expect(at(5, 5)).toBeNull();
  });

  it("works without labels and on flat points", () => {
    const found = nearest(Float32Array.from([0, 0]), 2, null, texels([0, KIND.segment]), matrix, 200, 200, 103, 100, 10);
    expect(found).toEqual({ row: 0, x: expect.closeTo(100, 3), y: expect.closeTo(100, 3) });
  });
});
