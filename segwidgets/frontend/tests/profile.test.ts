import { describe, expect, it } from "vitest";
import { at, mostClusters, placeOf, unpackProfile } from "../src/kdist/profile";

const profile = unpackProfile(new Float32Array([0.1, 4, 0.5, 0.2, 7, 0.25, 0.4, 2, 0]));

describe("the profile under the curve", () => {
  it("is unpacked row by row", () => {
    expect([...profile.clusters]).toEqual([4, 7, 2]);
    expect([...profile.noise]).toEqual([0.5, 0.25, 0]);
    expect(mostClusters(profile)).toBe(7);
  });

  it("holds from one eps of the grid to the next", () => {
    expect(at(profile, 0.2)).toEqual({ clusters: 7, noise: 0.25 });
    expect(at(profile, 0.39)).toEqual({ clusters: 7, noise: 0.25 });
    expect(at(profile, 0.4)).toEqual({ clusters: 2, noise: 0 });
  });

  it("says nothing outside of the grid", () => {
    expect(at(profile, 0.05)).toBeNull();
    expect(at(profile, 0.5)).toBeNull();
    expect(placeOf(unpackProfile(new Float32Array(0)), 1)).toBe(-1);
    expect(at(unpackProfile(new Float32Array(0)), 1)).toBeNull();
  });
});
