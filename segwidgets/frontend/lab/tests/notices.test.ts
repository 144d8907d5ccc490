import { describe, expect, it } from "vitest";
import type { KernelState, KernelStatus } from "../src/api";
import { NoticeBoard, fate } from "../src/kernel/notices";

const cpu = { name: "segwidgets-cpu", env: "/cpu-1" };
const rapids = { name: "rapids", env: "/rapids-1" };

/** The notices of a page that sees these states one after the other. */
function told(...states: readonly (KernelState | KernelStatus)[]): string[] {
  const board = new NoticeBoard();
  return states.map((state) => board.next(typeof state === "string" ? { state } : state).join("+"));
}

describe("notices", () => {
  it("say nothing to a page that opens on a kernel that is ready, or has failed", () => {
    expect(told("ready", "ready")).toEqual(["", ""]);
    expect(told("failed", "failed")).toEqual(["", ""]);
    expect(told("none", "none")).toEqual(["", ""]);
  });

  it("say once that a kernel that was waited for is ready", () => {
    expect(told("restoring", "restoring", "ready", "ready")).toEqual(["", "", "ready", ""]);
    expect(told("failed", "restoring", "ready")).toEqual(["", "", "ready"]);
  });

  it("say once that a restore failed or left something older", () => {
    expect(told("restoring", "failed", "failed")).toEqual(["", "failed", ""]);
    expect(told("restoring", "degraded", "degraded")).toEqual(["", "degraded", ""]);
  });

  it("do not call a kernel ready that nobody waited for, as after a status that could not be read", () => {
    expect(told("ready", "unreadable", "ready")).toEqual(["", "", ""]);
  });

  it("have the kernelspecs read anew whenever one has come or gone", () => {
    const at = (kernels: KernelStatus["kernels"]): KernelStatus => ({ state: "restoring", kernels: kernels ?? null });
    expect(told(at({ rapids: null, cpu: null }), at({ rapids: null, cpu }), at({ rapids: null, cpu }))).toEqual(["", "specs", ""]);
    expect(told(at({ rapids: null, cpu }), { state: "ready", kernels: { rapids, cpu } })).toEqual(["", "specs+ready"]);
  });
});

describe("a notebook that names the RAPIDS kernel", () => {
  it("just starts where the kernel is registered, whatever the status says", () => {
    expect(fate("rapids", ["python3", "rapids"], { state: "restoring" })).toBe("start");
    expect(fate("rapids", ["python3", "rapids"], { state: "degraded" })).toBe("start");
  });

  it("is asked to wait while the kernel is coming, and told where it will not come", () => {
    expect(fate("rapids", ["python3"], { state: "restoring" })).toBe("wait");
    expect(fate("rapids", ["python3"], { state: "failed" })).toBe("refused");
    expect(fate("rapids", ["python3"], { state: "degraded" })).toBe("refused");
  });

  it("is JupyterLab's matter where no restore runs, and so is every other notebook", () => {
    expect(fate("rapids", ["python3"], { state: "none" })).toBe("start");
    expect(fate("python3", [], { state: "restoring" })).toBe("start");
  });
});
