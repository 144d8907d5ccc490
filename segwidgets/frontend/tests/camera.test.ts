import { describe, expect, it } from "vitest";
import { bounds, Camera } from "../src/cloud/camera";
import { positions } from "../src/cloud/positions";

/** x and y from -1 to 1 on the screen, and the distance along the view. */
function project(matrix: Float32Array, [x, y, z]: readonly [number, number, number]) {
  const row = (i: number) => matrix[i]! * x + matrix[i + 4]! * y + matrix[i + 8]! * z + matrix[i + 12]!;
  return { x: row(0) / row(3), y: row(1) / row(3), z: row(2) / row(3), w: row(3) };
}

function looking(flat = false): Camera {
  const camera = new Camera();
  camera.setFrame({ centre: [1, 2, flat ? 0 : 3], radius: 5, reach: 6 }, flat);
  camera.reset(1.5);
  return camera;
}

describe("bounds", () => {
  it("frames the middle and is not moved by one far point", () => {
    const xyz = new Float32Array(3 * 1001);
    for (let i = 0; i < 1000; i++) xyz.set([(i % 10) - 4.5, (Math.floor(i / 10) % 10) - 4.5, Math.floor(i / 100) - 4.5], 3 * i);
    xyz.set([1e6, 0, 0], 3000);
    const found = bounds(positions(xyz, 3));
    expect(Math.hypot(...found.centre)).toBeLessThan(0.01);
    expect(found.radius).toBeLessThan(9);
    expect(found.reach).toBeGreaterThan(9e5);
  });

  it("of no point, of one point and of equal points are usable", () => {
    for (const xyz of [[], [4, 5, 6], [4, 5, 6, 4, 5, 6]]) {
      const found = bounds(positions(Float32Array.from(xyz), 3));
      expect(found.radius).toBeGreaterThan(0);
      expect(found.centre).toEqual(xyz.length ? [4, 5, 6] : [0, 0, 0]);
    }
  });

  it("reads two columns as a flat cloud", () => {
    expect(bounds(positions(Float32Array.from([0, 0, 10, 20]), 2)).centre).toEqual([5, 10, 0]);
  });
});

describe("the camera", () => {
  it("fits: the centre is in the middle and the sphere of the cloud touches the edge", () => {
    const camera = looking();
    const middle = project(camera.matrix(1.5), [1, 2, 3]);
    expect(middle.x).toBeCloseTo(0, 5);
    expect(middle.y).toBeCloseTo(0, 5);
    expect(middle.w).toBeCloseTo(camera.distance, 4);
    const half = Math.asin(5 / camera.distance);
    expect(half).toBeLessThan((16 * Math.PI) / 180);
    expect(half).toBeGreaterThan((14 * Math.PI) / 180);
  });

  it("keeps every point between the clipping planes", () => {
    const camera = looking();
    for (const [dx, dy, dz] of [[6, 0, 0], [-6, 0, 0], [0, 6, 0], [0, 0, 6], [0, 0, -6]] as const) {
      expect(Math.abs(project(camera.matrix(1.5), [1 + dx, 2 + dy, 3 + dz]).z)).toBeLessThan(1);
    }
  });

  it("turns the front to the right when pushed to the right", () => {
    const camera = looking();
    const eye = camera.eye();
    const front = [0, 1, 2].map((i) => [1, 2, 3][i]! + (eye[i]! - [1, 2, 3][i]!) * 0.2) as unknown as [number, number, number];
    camera.turn(0.2, 0);
    expect(project(camera.matrix(1.5), front).x).toBeGreaterThan(0.01);
  });

  it("never turns over the pole", () => {
    const camera = looking();
    for (let i = 0; i < 50; i++) camera.turn(0, -0.3);
    expect(camera.elevation).toBeLessThan(Math.PI / 2);
    expect([...camera.matrix(1)].every(Number.isFinite)).toBe(true);
  });

  it("pans the picture by the pointer's way", () => {
    const camera = looking();
    camera.pan(0.25, -0.1);
    const middle = project(camera.matrix(1), [1, 2, 3]);
    expect(middle.x).toBeCloseTo(0.5, 4);
    expect(middle.y).toBeCloseTo(-0.2, 4);
  });

  it("zooms about the pointer: what is under it in the plane of the target stays", () => {
    const camera = looking(true);
    const place = [3, 1, 0] as const;
    const before = project(camera.matrix(1), place);
    camera.zoom(2, before.x / 2, before.y / 2);
    const after = project(camera.matrix(1), place);
    expect(after.x).toBeCloseTo(before.x, 4);
    expect(after.y).toBeCloseTo(before.y, 4);
    expect(after.w).toBeCloseTo(before.w / 2, 4);
  });

  it("does not turn a flat cloud", () => {
    const camera = looking(true);
    camera.turn(1, 1);
    expect([camera.azimuth, camera.elevation]).toEqual([0, 0]);
  });

  it("stays within reach of the cloud however long one zooms", () => {
    const camera = looking();
    for (let i = 0; i < 200; i++) camera.zoom(2);
    expect(camera.distance).toBeGreaterThan(0);
    for (let i = 0; i < 200; i++) camera.zoom(0.5);
    expect(camera.distance).toBeLessThanOrEqual(5 * 60);
  });
});
