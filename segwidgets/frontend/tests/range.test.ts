import { describe, expect, it } from "vitest";
import type { Range } from "../src/setting/range";
import { STOPS, allowed, ends, keyed, positionOf, refusal, shown, stepped, valueAt } from "../src/setting/range";

const linear: Range = { min: 0, max: 1, step: 0.1, low: 0, high: null, log: false, whole: false, optional: false };
const whole: Range = { ...linear, min: 2, max: 200, step: 1, low: 2, high: 500, whole: true };
const eps: Range = { ...linear, min: 1e-3, max: 10, step: 1e-4, low: null, log: true };

describe("the ends of a slider", () => {
  it("are the range's own while the value is inside", () => {
    expect(ends(linear, [0.4])).toEqual({ low: 0, high: 1 });
  });

  it("widen to a value outside, by whole steps and no further than the hard limits", () => {
    expect(ends(linear, [1.25])).toEqual({ low: 0, high: 1.3 });
    expect(ends({ ...whole, step: 50 }, [490])).toEqual({ low: 2, high: 500 });
    expect(ends(eps, [12.5, 1e-5])).toEqual({ low: 1e-5, high: 12.5 });
  });

  it("stay wide once they are", () => {
    expect(ends(linear, [0.5], { low: 0, high: 3 })).toEqual({ low: 0, high: 3 });
  });

  it("never fall together", () => {
    expect(ends({ ...linear, max: 0 }, [null])).toEqual({ low: 0, high: 0.1 });
    expect(ends({ ...eps, min: 2, max: 2 }, [2])).toEqual({ low: 2, high: 4 });
  });
});

describe("positions", () => {
  it("of a logarithmic slider run over equal ratios", () => {
    const at = ends(eps, [1]);
    expect(positionOf(at, eps, 1e-3)).toBe(0);
    expect(positionOf(at, eps, 0.1)).toBe(STOPS / 2);
    expect(positionOf(at, eps, 10)).toBe(STOPS);
    expect(valueAt(at, eps, STOPS / 2)).toBe(0.1);
  });

  it("and values are inverse to each other at every stop", () => {
    const at = ends(eps, [1]);
    for (let stop = 0; stop <= STOPS; stop++) expect(positionOf(at, eps, valueAt(at, eps, stop))).toBe(stop);
  });

  it("give whole numbers where only these are allowed", () => {
    expect(valueAt(ends(whole, [10]), whole, 10.4)).toBe(10);
  });

  it("give numbers without the remains of binary fractions", () => {
    expect(valueAt(ends(linear, [0.3]), linear, 0.1 + 0.2)).toBe(0.3);
    expect(stepped(linear, 0.2, 1)).toBe(0.3);
  });
});

describe("keys", () => {
  it("move by a step, ten with shift or by page, and stop at the hard limits", () => {
    expect(keyed("ArrowUp", false, linear, 0.5)).toBe(0.6);
    expect(keyed("ArrowDown", true, linear, 0.5)).toBe(0);
    expect(keyed("PageUp", false, whole, 495)).toBe(500);
    expect(keyed("a", false, linear, 0.5)).toBeNull();
  });

  it("move a logarithmic setting by a hundredth, a whole one by one at least", () => {
    expect(keyed("ArrowUp", false, eps, 2)).toBe(2.02);
    expect(keyed("ArrowUp", false, { ...whole, log: true }, 5)).toBe(6);
    expect(keyed("ArrowDown", false, { ...whole, log: true }, 5)).toBe(4);
  });
});

describe("a value that cannot be", () => {
  it("is refused with its value and what is allowed", () => {
    expect(refusal("n_neighbors", whole, 1)).toBe("n_neighbors=1 is not allowed: it must be a whole number from 2 to 500.");
    expect(refusal("n_neighbors", whole, 2.5)).toContain("a whole number");
    expect(refusal("min_dist", linear, -1)).toBe("min_dist=-1 is not allowed: it must be a number of 0 or more.");
    expect(refusal("eps", eps, 0)).toBe("eps=0 is not allowed: it must be a number above 0.");
    expect(refusal("eps", eps, Number.POSITIVE_INFINITY)).toContain("eps=Infinity");
    expect(refusal("eps", eps, null)).toBe("eps needs a number above 0.");
  });

  it("is not: one outside the slider but inside the hard limits, or none where it may be left open", () => {
    expect(refusal("n_neighbors", whole, 499)).toBeNull();
    expect(refusal("n_epochs", { ...whole, optional: true }, null)).toBeNull();
    expect(allowed({ ...whole, optional: true })).toContain("or left open");
  });
});

it("shows a computed value with the digits that can be read", () => {
  expect(shown(eps, 0.123456789)).toBe("0.12346");
  expect(shown(whole, 123456)).toBe("123456");
  expect(shown(eps, null)).toBe("");
});
