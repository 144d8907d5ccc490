import { Token } from "@lumino/coreutils";
import { Poll } from "@lumino/polling";
import type { ISignal } from "@lumino/signaling";
import { Signal } from "@lumino/signaling";
import type { KernelLog, KernelStatus } from "../api";
import type { IServer } from "../server";
import { ServerError, messageOf } from "../server";

/** How the kernel's restore stands, for every part that shows it. */
export interface IKernelWatch {
  /** The last that was heard; null before the first answer. */
  readonly status: KernelStatus | null;
  /** The words of the outage while the status cannot be had; "" otherwise. */
  readonly problem: string;
  readonly changed: ISignal<IKernelWatch, void>;
  /** Asks at once, and tells when the answer has come (or has failed to). */
  refresh(): Promise<void>;
  log(lines: number): Promise<KernelLog>;
  retry(): Promise<void>;
}

export const IKernelWatch = new Token<IKernelWatch>("segwidgets-lab:IKernelWatch", "How the restore of the RAPIDS kernel stands.");

/** Milliseconds between two looks: a changed status is shown within two seconds, the request included. */
const EVERY = 1500;
const AT_MOST = 30_000;

export class KernelWatch implements IKernelWatch {
  status: KernelStatus | null = null;
  problem = "";
  private readonly signal = new Signal<this, void>(this);
  private readonly poll: Poll<KernelStatus>;
  private said = "";

  constructor(private readonly server: IServer) {
    this.poll = new Poll<KernelStatus>({
      name: "segwidgets-lab:kernel",
      auto: false,
      frequency: { interval: EVERY, backoff: true, max: AT_MOST },
      standby: "when-hidden",
      factory: () => this.look(),
    });
    // A page that comes back to the front is not left with old news until the next look is due.
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden && !["constructed", "stopped"].includes(this.poll.state.phase)) void this.poll.refresh();
    });
  }

  get changed(): ISignal<this, void> {
    return this.signal;
  }

  start(): void {
    void this.poll.start();
  }

  async refresh(): Promise<void> {
    await this.poll.refresh();
    await this.poll.tick.catch(() => undefined);
  }

  log(lines: number): Promise<KernelLog> {
    return this.server.get<KernelLog>("kernel/log", { lines });
  }

  async retry(): Promise<void> {
    await this.server.post("kernel/retry");
    await this.refresh();
  }

  private async look(): Promise<KernelStatus> {
    try {
      const status = await this.server.get<KernelStatus>("kernel");
      this.tell(status, "");
      return status;
    } catch (error) {
      this.tell(this.status, messageOf(error));
      // A server without our part gets none while it runs: whoever reloads the page asks again.
      if (error instanceof ServerError && error.reason === "missing") void this.poll.stop();
      throw error;
    }
  }

  /** Nothing is drawn anew for an answer that says the same. */
  private tell(status: KernelStatus | null, problem: string): void {
    this.status = status;
    this.problem = problem;
    const now = JSON.stringify([status, problem]);
    if (now === this.said) return;
    this.said = now;
    this.signal.emit();
  }
}
