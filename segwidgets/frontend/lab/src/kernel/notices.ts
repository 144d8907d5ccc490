import type { KernelState, KernelStatus } from "../api";

/** What is to be told when the status goes from one to the next. */
export type Notice = "ready" | "failed" | "degraded" | "specs";

/**
 * Tells what happened between two looks, each thing once: a page that is opened on a ready kernel is told nothing, one
 * that has seen it being restored is told that it is ready. "specs" asks to read the kernelspecs anew.
 */
export class NoticeBoard {
  private last: KernelState | null = null;
  private kernels = "";

  next(status: KernelStatus): Notice[] {
    const before = this.last;
    this.last = status.state;
    const registered = [status.kernels?.rapids?.env ?? "", status.kernels?.cpu?.env ?? ""].join("\n");
    const changed = registered !== this.kernels;
    this.kernels = registered;
    const notices: Notice[] = changed && before !== null ? ["specs"] : [];
    if (before === null || before === status.state) return notices;
    const waited = before === "restoring" || before === "degraded" || before === "failed";
    if (status.state === "ready" && waited) notices.push("ready");
    if (status.state === "failed" && before === "restoring") notices.push("failed");
    if (status.state === "degraded" && before === "restoring") notices.push("degraded");
    return notices;
  }
}

/** The kernelspecs that the restore registers. */
export const RAPIDS = "rapids";
export const CPU = "segwidgets-cpu";

/** What becomes of a notebook that names the RAPIDS kernel. */
export type Fate =
  /** It is JupyterLab's matter: the kernel is there, or nothing here will ever bring it. */
  | "start"
  /** The kernel will come: ask whether to wait. */
  | "wait"
  /** The kernel will not come by itself: say why. */
  | "refused";

export function fate(wanted: string, specs: readonly string[], status: KernelStatus): Fate {
  if (wanted !== RAPIDS || specs.includes(RAPIDS)) return "start";
  if (status.state === "restoring") return "wait";
  return status.state === "failed" || status.state === "degraded" ? "refused" : "start";
}
