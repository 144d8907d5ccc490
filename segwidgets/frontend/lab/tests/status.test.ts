import { describe, expect, it } from "vitest";
import type { KernelStatus } from "../src/api";
import { canRetry, facts, itemText, roughly, size, spoken, why } from "../src/kernel/text";
import { english } from "./english";

const restoring: KernelStatus = {
  state: "restoring", phase: "downloading", fraction: 0.43, seconds_left: 118, packages: { done: 117, all: 274 },
  bytes: { done: 1_763_000_000, all: 4_100_000_000 }, rate: 19_500_000, kernels: { rapids: null, cpu: { name: "segwidgets-cpu", env: "/e" } },
};
const text = (status: KernelStatus, always = false): string => itemText(status, always, english);

describe("the status bar's text", () => {
  it("says how far the restore is and how long it takes, as far as that is known", () => {
    expect(text(restoring)).toBe("RAPIDS: restoring 43 % (2 min left)");
    expect(text({ ...restoring, seconds_left: null })).toBe("RAPIDS: restoring 43 %");
    expect(text({ state: "restoring" })).toBe("RAPIDS: restoring");
  });

  it("never says 100 % before it is ready", () => {
    expect(text({ ...restoring, fraction: 0.999, seconds_left: null })).toBe("RAPIDS: restoring 99 %");
    expect(text({ ...restoring, fraction: 1, seconds_left: 0 })).toBe("RAPIDS: restoring 99 %");
  });

  it("says which kernel is left where the restore did not succeed", () => {
    expect(text({ state: "degraded", kernels: { rapids: { name: "rapids", env: "/e" }, cpu: null } })).toBe("RAPIDS: degraded, an older kernel");
    expect(text({ state: "degraded", kernels: restoring.kernels ?? null })).toBe("RAPIDS: degraded, CPU kernel only");
  });

  it("is silent on a laptop, unless it is wanted", () => {
    expect(text({ state: "none" })).toBe("");
    expect(text({ state: "none" }, true)).toBe("RAPIDS: no restore here");
  });
});

describe("what a screen reader is told", () => {
  it("changes at each quarter only", () => {
    const said = Array.from({ length: 101 }, (_, percent) => spoken({ ...restoring, fraction: percent / 100 }, english));
    expect(new Set(said).size).toBe(5);
    expect(said[74]).toBe("The RAPIDS kernel is being restored: 50 % done.");
  });

  it("is nothing on a laptop", () => {
    expect(spoken({ state: "none" }, english)).toBe("");
  });
});

describe("times and sizes", () => {
  it("are rounded to what a reader can use, and up", () => {
    expect([3, 41, 56, 118, 3600, 4201].map((seconds) => roughly(seconds, english))).toEqual(["5 s", "45 s", "1 min", "2 min", "1 h", "1 h 11 min"]);
  });

  it("have three digits at most and the unit that fits", () => {
    expect([0, 999, 1000, 1_763_000_000, 999_900].map(size)).toEqual(["0 B", "999 B", "1 kB", "1.76 GB", "1 MB"]);
  });
});

describe("the details", () => {
  it("list what is known and nothing else", () => {
    expect(Object.fromEntries(facts(restoring, english).map(({ label, value }) => [label, value]))).toEqual({
      Step: "Downloading packages", Packages: "117 of 274", Downloaded: "1.76 GB of 4.1 GB", Speed: "19.5 MB a second", "Time left": "about 2 min",
      "RAPIDS kernel": "not there yet", "CPU kernel": "registered",
    });
    expect(facts({ state: "none" }, english)).toEqual([]);
  });

  it("show a phase that a later restore brings as it is called", () => {
    expect(facts({ state: "restoring", phase: "polishing" }, english)[0]).toEqual({ label: "Step", value: "polishing" });
  });

  it("say why, with the way out, in every state", () => {
    for (const state of ["none", "unreadable", "restoring", "ready", "degraded", "failed"] as const) {
      const said = why({ state, reason: "" }, english);
      expect(said.length, state).toBeGreaterThan(0);
      for (const line of said) expect(line, state).toMatch(/\.$/);
    }
    expect(why({ state: "failed", reason: "The volume is full." }, english)).toContain("The volume is full.");
  });

  it("offer to start it again only where that would do something", () => {
    const states = ["none", "unreadable", "restoring", "ready", "degraded", "failed"] as const;
    expect(states.filter((state) => canRetry({ state }))).toEqual(["unreadable", "degraded", "failed"]);
  });
});
