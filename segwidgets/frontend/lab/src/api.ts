/** What the server extension (segwidgets/lab) says and is told; everything lies under <base_url>/segwidgets/api/. */

export const API = 1;

export interface Hello {
  api: number;
  /** Of the segwidgets in the server's environment. */
  version: string;
  /** The environment that kernels run in, which answers for runs and notebooks. */
  kernel: { python: string | null; version: string | null; problem: string | null };
}

export type KernelState = "none" | "unreadable" | "restoring" | "ready" | "degraded" | "failed";

export interface Spec {
  name: string;
  env: string;
}

/** How the restore of the RAPIDS kernel stands. Everything but the state may be missing: the file is another program's. */
export interface KernelStatus {
  state: KernelState;
  phase?: string;
  started?: number | null;
  updated?: number | null;
  finished?: number | null;
  packages?: { done: number; all: number } | null;
  bytes?: { done: number; all: number } | null;
  rate?: number | null;
  seconds_left?: number | null;
  fraction?: number | null;
  key?: string;
  warm?: boolean;
  kernels?: { rapids?: Spec | null; cpu?: Spec | null } | null;
  driver?: string | null;
  gpu?: string | null;
  instance_type?: string | null;
  reason?: string;
  log?: string;
  line?: string;
}

export interface KernelLog {
  path: string;
  lines: string[];
}

/** A run of the leaderboard, joined with its job: what there is not is null or not there at all. */
export interface RunRow {
  name: string;
  [column: string]: unknown;
}

export interface RunsPage {
  runs: RunRow[];
  total: number;
  problem: string;
}

export interface NotebookRequest {
  path: string;
  kernel: string | null;
  recipe: Record<string, unknown> | null;
  compare: readonly [string, string] | null;
}

export interface NotebookReply {
  path: string;
  kernel: string;
  note: string;
}
