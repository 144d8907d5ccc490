import { Dialog } from "@jupyterlab/apputils";
import { Widget } from "@lumino/widgets";
import { button, say, uniqueId } from "../../../src/controls/elements";
import { make } from "../../../src/shared/dom";
import { messageOf } from "../server";
import type { Words } from "../words";
import { canRetry, facts, itemText, why } from "./text";
import type { IKernelWatch } from "./watch";

const LINES = 200;

/** All that is known of the restore, kept up to date while it is looked at. */
class Details extends Widget {
  private readonly head: HTMLElement;
  private readonly bar: HTMLProgressElement;
  private readonly reason: HTMLElement;
  private readonly list: HTMLElement;
  private readonly retry: HTMLButtonElement;
  private readonly told: HTMLElement;
  private readonly why: HTMLElement;
  private readonly log: HTMLElement;
  private readonly path: HTMLElement;
  private reading = false;
  private asking = false;

  constructor(
    private readonly watch: IKernelWatch,
    private readonly words: Words,
  ) {
    super();
    this.addClass("sw-control");
    this.addClass("sw-details");
    const { node } = this;
    const top = make("div", "sw-details-top", node);
    this.head = make("div", "sw-details-head", top, { role: "status" });
    this.retry = button("sw-button", words.__("Retry"), top);
    this.retry.title = words.__("Start the restore again; what was downloaded is kept");
    this.retry.addEventListener("click", () => void this.again());
    this.bar = make("progress", "sw-details-progress", node, { max: "1", "aria-label": words.__("Progress of the restore") });
    this.reason = make("p", "sw-details-reason", node);
    this.told = make("p", "sw-details-told", node, { role: "alert" });
    this.list = make("dl", "sw-facts", node);
    const asked = make("details", "sw-details-why", node);
    make("summary", "", asked).textContent = words.__("Why?");
    this.why = make("div", "", asked);
    const id = uniqueId("log");
    const title = make("div", "sw-details-log-head", node);
    make("span", "", title, { id }).textContent = words.__("End of the log");
    this.path = make("code", "", title);
    this.log = make("pre", "sw-log", node, { tabindex: "0", role: "group", "aria-labelledby": id });
    watch.changed.connect(this.draw, this);
    this.draw();
  }

  override dispose(): void {
    this.watch.changed.disconnect(this.draw, this);
    super.dispose();
  }

  private draw(): void {
    const { words } = this;
    const { status, problem } = this.watch;
    this.told.hidden = true;
    if (status === null) {
      say(this.head, problem || words.__("The server has not answered yet."));
      for (const part of [this.bar, this.reason, this.list, this.retry]) part.hidden = true;
      return;
    }
    say(this.head, problem || itemText(status, true, words));
    this.node.dataset["state"] = status.state;
    this.bar.hidden = status.state !== "restoring";
    if (status.fraction === null || status.fraction === undefined) this.bar.removeAttribute("value");
    else this.bar.value = status.fraction;
    const reason = status.state === "ready" || status.state === "restoring" ? "" : (status.reason ?? "");
    this.reason.hidden = reason === "";
    this.reason.textContent = reason;
    // A button that vanishes under the focus would take the keyboard out of the dialog.
    if (!canRetry(status) && document.activeElement === this.retry) this.log.focus();
    this.retry.hidden = !canRetry(status);
    this.list.hidden = false;
    this.list.replaceChildren();
    for (const { label, value } of facts(status, words)) {
      const pair = make("div", "", this.list);
      make("dt", "", pair).textContent = label;
      make("dd", "", pair).textContent = value;
    }
    this.why.replaceChildren();
    for (const line of why(status, words)) if (line !== reason) make("p", "", this.why).textContent = line;
    void this.read();
  }

  private async read(): Promise<void> {
    if (this.reading || this.isDisposed) return;
    this.reading = true;
    try {
      const { path, lines } = await this.watch.log(LINES);
      // Whoever has scrolled up is reading there.
      const atEnd = this.log.scrollTop + this.log.clientHeight >= this.log.scrollHeight - 8;
      this.path.textContent = path;
      this.log.textContent = lines.length > 0 ? lines.join("\n") : this.words.__("Nothing has been written yet.");
      if (atEnd) this.log.scrollTop = this.log.scrollHeight;
    } catch (error) {
      this.log.textContent = messageOf(error);
    } finally {
      this.reading = false;
    }
  }

  private async again(): Promise<void> {
    if (this.asking) return;
    this.asking = true;
    try {
      await this.watch.retry();
    } catch (error) {
      this.told.hidden = false;
      this.told.textContent = messageOf(error);
    } finally {
      this.asking = false;
    }
  }
}

let open: Dialog<unknown> | null = null;

/** Opens the details; there is one such dialog at a time. */
export async function showDetails(watch: IKernelWatch, words: Words): Promise<void> {
  if (open) return;
  open = new Dialog<unknown>({
    title: words.__("The RAPIDS kernel's restore"),
    body: new Details(watch, words),
    buttons: [Dialog.okButton({ label: words.__("Close") })],
    defaultButton: 0,
    hasClose: true,
  });
  open.addClass("sw-wide-dialog");
  try {
    await open.launch();
  } finally {
    open = null;
  }
}
