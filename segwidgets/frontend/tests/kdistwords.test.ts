import { describe, expect, it } from "vitest";
import { inWords, ordinal } from "../src/kdist/words";

const said = { k: 9, points: 3300, eps: 0.912, told: "5 clusters, 8 % noise, 90 %", knee: null, plateau: null };

describe("the k-distance plot in words", () => {
  it("tells eps, what holds there, and that there is no knee", () => {
    expect(inWords(said)).toBe(
      "9-distance plot of 3,300 points. At eps 0.912: 5 clusters, 8 % noise, 90 % of the points are core. No knee.",
    );
  });

  it("tells the knee and the plateau where they are", () => {
    const words = inWords({ ...said, knee: 0.706, plateau: [0.614, 1.23] });
    expect(words).toContain("Knee at 0.706. The clustering stays much the same from eps 0.614 to 1.23.");
  });

  it("says that nothing is there yet", () => {
    expect(inWords({ ...said, points: 0 })).toBe("No k-distances yet.");
  });

  it("counts neighbours as people do", () => {
    expect([1, 2, 3, 4, 11, 12, 13, 21, 112].map(ordinal)).toEqual([
      "1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "112th",
    ]);
  });
});
