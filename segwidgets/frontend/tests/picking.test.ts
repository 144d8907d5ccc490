import { describe, expect, it } from "vitest";
import { Camera } from "../src/cloud/camera";
import { inside, nearest, type Scene, within } from "../src/cloud/picking";
import { forValues, positions, reordered } from "../src/cloud/positions";
import { KIND } from "../src/cloud/shaders";

const camera = new Camera();
camera.setFrame({ centre: [0, 0, 0], radius: 2, reach: 2 }, true);
camera.reset(1);
const matrix = camera.matrix(1);
/** Two points in the middle, one behind the other, and one to the right. */
const points = positions(Float32Array.from([0, 0, -1, 0, 0, 0.5, 1, 0, 0]), 3);
const texels = (kinds: number[]) => Uint8Array.from(kinds.flatMap((kind) => [0, 0, 0, kind]));
const scene = (over: Partial<Scene> = {}): Scene => ({
  points,
  slots: Uint8Array.from([1, 2, 0]),
  texels: texels([KIND.noise, KIND.segment, KIND.segment]),
  matrix: forValues(matrix, over.points ?? points),
  width: 200,
  height: 200,
  ...over,
});
const at = (x: number, y: number, over: Partial<Scene> = {}) => nearest(scene(over), x, y, 10)?.place ?? null;
const right = (matrix[0]! / matrix[15]!) * 100 + 100;

describe("picking", () => {
  it("finds the point in front", () => {
    expect(at(100, 100)).toBe(1);
  });

  it("finds what stands behind a hidden point, and not what an isolated segment leaves out", () => {
    expect(at(100, 100, { texels: texels([KIND.noise, KIND.segment, KIND.hidden]) })).toBe(0);
    expect(at(100, 100, { texels: texels([KIND.ghost, KIND.ghost, KIND.ghost]) })).toBeNull();
  });

  it("finds noise where nothing else is, and nothing far from every point", () => {
    expect(at(right, 100)).toBe(2);
    expect(at(5, 5)).toBeNull();
  });

  it("works without labels and on flat points", () => {
    const flat = positions(Float32Array.from([0, 0]), 2);
    const found = nearest(scene({ points: flat, slots: null, texels: texels([0, KIND.segment]) }), 103, 100, 10);
    expect(found).toEqual({ place: 0, x: expect.closeTo(100, 3), y: expect.closeTo(100, 3) });
  });

  it("finds narrow positions where the wide ones are, in any order", () => {
    const steps = positions(Uint16Array.from([0, 0, 0, 0, 0, 3, 2, 0, 2]), 3, [0, 0, -1], [0.5, 1, 0.5]);
    const turned = reordered(steps, Int32Array.from([2, 1, 0]));
    expect(turned.stride).toBe(4);
    expect(at(100, 100, { points: turned })).toBe(1);
    expect(at(right, 100, { points: turned, slots: Uint8Array.from([1, 1, 1]) })).toBe(0);
  });
});

describe("a lasso", () => {
  const square = [90, 90, 110, 90, 110, 110, 90, 110];

  it("holds the pixels inside its line", () => {
    const mask = inside([1, 1, 4, 1, 4, 3, 1, 3], 5, 4);
    expect([...mask]).toEqual([0, 0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0]);
    expect(inside([1, 1, 4, 4], 5, 5).some(Boolean)).toBe(false);
  });

  it("reaches through the cloud", () => {
    expect([...within(scene(), inside(square, 200, 200))]).toEqual([0, 1]);
  });

  it("leaves out what is hidden, and what an isolated segment leaves out", () => {
    const mask = inside(square, 200, 200);
    expect([...within(scene({ texels: texels([KIND.noise, KIND.hidden, KIND.segment]) }), mask)]).toEqual([1]);
    expect([...within(scene({ texels: texels([KIND.noise, KIND.segment, KIND.ghost]) }), mask)]).toEqual([0]);
  });
});
