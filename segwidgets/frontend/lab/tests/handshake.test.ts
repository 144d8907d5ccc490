import { describe, expect, it } from "vitest";
import type { Hello } from "../src/api";
import { mismatches } from "../src/handshake";
import { english } from "./english";

const hello = (changes: Partial<Hello> = {}): Hello => ({ api: 1, version: "0.1.0", kernel: { python: "/env/bin/python", version: "0.1.0", problem: "" }, ...changes });
const told = (answer: Hello): string[] => mismatches(answer, "0.1.0", english);

describe("the handshake", () => {
  it("is silent when all fit together", () => {
    expect(told(hello())).toEqual([]);
  });

  it("says how to bring page and server together", () => {
    expect(told(hello({ version: "0.2.0" }))).toEqual([expect.stringMatching(/0\.1\.0.*0\.2\.0.*Restart JupyterLab and reload.*pip install --no-deps segwidgets==0\.2\.0/)]);
    expect(told(hello({ api: 2 }))[0]).toMatch(/interface \(1 and 2\).*Restart/);
  });

  it("passes on what the server says of the kernel's version", () => {
    const kernel = { python: "/env/bin/python", version: "0.0.9", problem: "The kernel has 0.0.9: run pip." };
    expect(told(hello({ kernel }))).toEqual(["The kernel has 0.0.9: run pip."]);
  });

  it("does not complain of a kernel that is not there yet: its restore says so", () => {
    expect(told(hello({ kernel: { python: null, version: null, problem: "It is on its way." } }))).toEqual([]);
  });
});
