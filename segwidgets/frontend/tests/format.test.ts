import { describe, expect, it } from "vitest";
import { count, percent, plural, rounded, short } from "../src/shared/format";

describe("numbers in words", () => {
  it("are grouped", () => {
    expect([count(46766), plural(1, "point"), plural(2000, "point")]).toEqual(["46,766", "1 point", "2,000 points"]);
  });

  it("are shares that say none and all only when it is so", () => {
    expect([0, 0.0001, 0.126, 0.9999, 1].map(percent)).toEqual(["0 %", "<1 %", "13 %", ">99 %", "100 %"]);
  });

  it("are short", () => {
    expect([0, 0.40999, 0.1, 12.5, 1234, 0.00001234, 3e8].map((value) => short(value))).toEqual([
      "0", "0.41", "0.1", "12.5", "1234", "1.23e-5", "3e+8",
    ]);
  });

  it("are rounded to significant digits", () => {
    expect([0, 0.412345, 1234567].map((value) => rounded(value, 4))).toEqual([0, 0.4123, 1235000]);
  });
});
