import type { Message } from "@lumino/messaging";
import { Poll } from "@lumino/polling";
import { Widget } from "@lumino/widgets";
import { say } from "../../../src/controls/elements";
import { make } from "../../../src/shared/dom";
import { count } from "../../../src/shared/format";
import { messageOf } from "../server";
import type { Words } from "../words";

const LINES = 2000;
const EVERY = 3000;

export interface LogHost {
  name: string;
  words: Words;
  lines(count: number): Promise<string[]>;
  /** Whether the run may still write. */
  live(): boolean;
}

/** A run's log that follows it, until the run has ended or the reader scrolls up. */
export class LogWidget extends Widget {
  private readonly status: HTMLElement;
  private readonly follow: HTMLInputElement;
  private readonly text: HTMLElement;
  private readonly poll: Poll;
  private final = false;

  constructor(private readonly host: LogHost) {
    super();
    const { words } = host;
    this.addClass("sw-control");
    this.addClass("sw-joblog");
    const bar = make("div", "sw-joblog-bar", this.node);
    this.status = make("span", "sw-joblog-status", bar, { role: "status" });
    const label = make("label", "", bar);
    this.follow = make("input", "", label, { type: "checkbox" });
    this.follow.checked = true;
    make("span", "", label).textContent = words.__("Follow");
    this.text = make("pre", "sw-log", this.node, { tabindex: "0", role: "group", "aria-label": words.__("Log of %1", host.name) });
    this.follow.addEventListener("change", () => this.toEnd());
    this.text.addEventListener("scroll", () => {
      const atEnd = this.text.scrollTop + this.text.clientHeight >= this.text.scrollHeight - 8;
      if (!atEnd) this.follow.checked = false;
    }, { passive: true });
    this.poll = new Poll({
      name: "segwidgets-lab:log",
      auto: false,
      frequency: { interval: EVERY, backoff: true, max: 30_000 },
      standby: () => (this.isVisible ? "when-hidden" : true),
      factory: () => this.look(),
    });
  }

  override dispose(): void {
    this.poll.dispose();
    super.dispose();
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    void this.poll.start();
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    if (!this.final) void this.poll.refresh();
  }

  protected override onActivateRequest(message: Message): void {
    super.onActivateRequest(message);
    this.text.focus();
  }

  private async look(): Promise<void> {
    const { words } = this.host;
    // Asked before the lines are: what a run wrote last is there once it has ended.
    const live = this.host.live();
    try {
      const lines = await this.host.lines(LINES);
      if (this.isDisposed) return;
      const text = lines.length > 0 ? lines.join("\n") : words.__("It has not written anything yet.");
      if (this.text.textContent !== text) this.text.textContent = text;
      const counted = lines.length >= LINES ? words.__("the last %1 lines", count(LINES)) : words._n("%2 line", "%2 lines", lines.length, count(lines.length));
      say(this.status, live ? words.__("%1, running", counted) : words.__("%1, the run has ended", counted));
      this.toEnd();
      if (!live) {
        this.final = true;
        void this.poll.stop();
      }
    } catch (error) {
      if (!this.isDisposed) say(this.status, messageOf(error));
      throw error;
    }
  }

  private toEnd(): void {
    if (this.follow.checked) this.text.scrollTop = this.text.scrollHeight;
  }
}
