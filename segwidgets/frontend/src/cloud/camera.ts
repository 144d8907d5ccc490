import { coordinate, type Positions } from "./positions";

export type Vec3 = readonly [number, number, number];

/** Vertical field of view, radians: narrow enough that the far side of the cloud is not shrunk away. */
export const FIELD_OF_VIEW = (32 * Math.PI) / 180;
const MAX_ELEVATION = (89 * Math.PI) / 180;
/** Where a fitted 3-D cloud is first seen from. */
const START = { azimuth: 0.7, elevation: 0.4 };

/** Where the points lie: `radius` holds nearly all of them and frames the view, `reach` holds every one. */
export interface Bounds {
  centre: Vec3;
  radius: number;
  reach: number;
}

const MAX_SAMPLE = 20_000;

/** Frames the middle 98 % on each axis, so that a few far points do not shrink the rest into a dot. */
export function bounds(points: Positions): Bounds {
  const { count, dimensions, values, stride, offset, scale } = points;
  if (count === 0) return { centre: [0, 0, 0], radius: 1, reach: 1 };
  const step = Math.max(1, Math.ceil(count / MAX_SAMPLE));
  const centre: [number, number, number] = [0, 0, 0];
  for (let axis = 0; axis < dimensions; axis++) {
    const sample = new Float32Array(Math.ceil(count / step));
    for (let i = 0; i < sample.length; i++) sample[i] = coordinate(points, i * step, axis as 0 | 1 | 2);
    sample.sort();
    const low = sample[Math.floor((sample.length - 1) * 0.01)] as number;
    const high = sample[Math.ceil((sample.length - 1) * 0.99)] as number;
    centre[axis] = (low + high) / 2;
  }
  const distances = new Float32Array(Math.ceil(count / step));
  const [dx, dy, dz] = [offset[0] - centre[0], offset[1] - centre[1], dimensions === 3 ? offset[2] - centre[2] : 0];
  const squared = (at: number): number => {
    const x = dx + scale[0] * (values[at] as number);
    const y = dy + scale[1] * (values[at + 1] as number);
    const z = dimensions === 3 ? dz + scale[2] * (values[at + 2] as number) : 0;
    return x * x + y * y + z * z;
  };
  let farthest = 0;
  for (let i = 0, at = 0; i < count; i++, at += stride) {
    const distance = squared(at);
    if (distance > farthest) farthest = distance;
  }
  for (let i = 0; i < distances.length; i++) distances[i] = Math.sqrt(squared(i * step * stride));
  distances.sort();
  const reach = Math.sqrt(farthest);
  const radius = (distances[Math.ceil((distances.length - 1) * 0.98)] as number) || reach || 1;
  return { centre, radius, reach: Math.max(reach, radius) };
}

/** Turns about a target; a flat cloud is seen straight on and only moved and scaled. */
export class Camera {
  target: Vec3 = [0, 0, 0];
  distance = 3;
  azimuth = START.azimuth;
  elevation = START.elevation;
  private flat = false;
  private frame: Bounds = { centre: [0, 0, 0], radius: 1, reach: 1 };

  /** The cloud that clipping, fading and fitting go by. Moves nothing unless the cloud turns flat or solid. */
  setFrame(frame: Bounds, flat: boolean): void {
    this.frame = frame;
    if (flat === this.flat) return;
    this.flat = flat;
    this.azimuth = flat ? 0 : START.azimuth;
    this.elevation = flat ? 0 : START.elevation;
  }

  get isFlat(): boolean {
    return this.flat;
  }

  /** Shows the whole cloud; keeps the direction one looks in. */
  fit(aspect: number): void {
    this.target = this.frame.centre;
    const half = Math.atan(Math.tan(FIELD_OF_VIEW / 2) * Math.min(1, aspect));
    this.distance = (this.frame.radius / Math.sin(half)) * 1.06;
  }

  /** Also looks from where a new cloud is first seen. */
  reset(aspect: number): void {
    this.azimuth = this.flat ? 0 : START.azimuth;
    this.elevation = this.flat ? 0 : START.elevation;
    this.fit(aspect);
  }

  /** Turns the cloud by radians to the right and upwards, as if one pushed its front. */
  turn(right: number, up: number): void {
    if (this.flat) return;
    this.azimuth = (this.azimuth - right) % (2 * Math.PI);
    this.elevation = Math.min(MAX_ELEVATION, Math.max(-MAX_ELEVATION, this.elevation - up));
  }

  /** Moves the picture by shares of its height, to the right and upwards. */
  pan(right: number, up: number): void {
    const span = 2 * this.distance * Math.tan(FIELD_OF_VIEW / 2);
    const { x, y } = this.axes();
    this.target = [0, 1, 2].map(
      (i) => (this.target[i] as number) - span * (right * (x[i] as number) + up * (y[i] as number)),
    ) as unknown as Vec3;
  }

  /** Comes closer by `factor` > 1; the place at (right, up), in heights from the middle, stays where it is. */
  zoom(factor: number, right = 0, up = 0): void {
    const limits = [this.frame.radius * 0.005, this.frame.radius * 60] as const;
    const next = Math.min(limits[1], Math.max(limits[0], this.distance / factor));
    const share = 1 - next / this.distance;
    this.pan(-right * share, -up * share);
    this.distance = next;
  }

  eye(): Vec3 {
    const { z } = this.axes();
    return [0, 1, 2].map((i) => (this.target[i] as number) + this.distance * (z[i] as number)) as unknown as Vec3;
  }

  /** Distances along the view between which points fade. */
  depthRange(): readonly [number, number] {
    const middle = this.depthOf(this.frame.centre);
    return [Math.max(0, middle - this.frame.radius), middle + this.frame.radius];
  }

  /** Projection times view, column by column as WebGL takes it; clip w is the distance along the view. */
  matrix(aspect: number): Float32Array {
    const { x, y, z } = this.axes();
    const eye = this.eye();
    const dot = (axis: Vec3): number => axis[0] * eye[0] + axis[1] * eye[1] + axis[2] * eye[2];
    const middle = this.depthOf(this.frame.centre);
    const far = Math.max(middle + this.frame.reach * 1.01, this.distance * 1.01);
    const near = Math.max(middle - this.frame.reach * 1.01, this.distance * 0.01, far * 1e-4);
    const scale = 1 / Math.tan(FIELD_OF_VIEW / 2);
    const a = (far + near) / (near - far);
    const b = (2 * far * near) / (near - far);
    const column = (i: 0 | 1 | 2): number[] => [(x[i] * scale) / aspect, y[i] * scale, z[i] * a, -z[i]];
    return new Float32Array([
      ...column(0),
      ...column(1),
      ...column(2),
      (-dot(x) * scale) / aspect,
      -dot(y) * scale,
      -dot(z) * a + b,
      dot(z),
    ]);
  }

  private depthOf(point: Vec3): number {
    const { z } = this.axes();
    const eye = this.eye();
    return z[0] * (eye[0] - point[0]) + z[1] * (eye[1] - point[1]) + z[2] * (eye[2] - point[2]);
  }

  /** Right, up and towards the eye. */
  private axes(): { x: Vec3; y: Vec3; z: Vec3 } {
    const [sa, ca] = [Math.sin(this.azimuth), Math.cos(this.azimuth)];
    const [se, ce] = [Math.sin(this.elevation), Math.cos(this.elevation)];
    return { x: [ca, 0, -sa], y: [-se * sa, ce, -se * ca], z: [ce * sa, se, ce * ca] };
  }
}
