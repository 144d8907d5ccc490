import type { JupyterFrontEnd } from "@jupyterlab/application";
import { Dialog, MainAreaWidget, Notification, showDialog } from "@jupyterlab/apputils";
import { IFrame } from "@jupyterlab/ui-components";
import type { Widget } from "@lumino/widgets";
import { segmentsIcon } from "../icons";
import type { IPanelOpener } from "../panel/opener";
import type { IServer } from "../server";
import { messageOf } from "../server";
import type { Words } from "../words";
import { ComparisonWidget } from "./comparison";
import { LogWidget } from "./log";
import type { Run } from "./model";
import { consolePage, isLive } from "./model";
import { shut } from "./report";

/** A name as a part of an address. */
export const pathOf = (run: Run, what: string): string => `runs/${encodeURIComponent(run.name)}/${what}`;

/** What can be done with runs; whatever goes wrong is told in a notice. */
export class RunActions {
  private readonly open = new Map<string, Widget>();

  constructor(
    private readonly app: JupyterFrontEnd,
    private readonly server: IServer,
    private readonly words: Words,
    private readonly opener: IPanelOpener | null,
    /** How a run stands now; undefined when it is no longer listed. */
    private readonly now: (id: string) => Run | undefined,
    private readonly stopped: () => void,
  ) {}

  get canOpen(): boolean {
    return this.opener !== null;
  }

  openInPanel(run: Run): Promise<void> {
    return this.telling(this.words.__("The settings of %1 could not be opened.", run.name), async () => {
      const recipe = await this.server.get<Record<string, unknown>>(pathOf(run, "recipe"));
      await this.opener?.open({ recipe });
    });
  }

  compareInNotebook(one: Run, other: Run): Promise<void> {
    return this.telling(this.words.__("The runs could not be compared."), async () => {
      await this.opener?.open({ compare: [one.name, other.name] });
    });
  }

  report(run: Run): Promise<void> {
    return this.telling(this.words.__("The report of %1 could not be opened.", run.name), async () => {
      const html = shut(await this.server.text(pathOf(run, "report")));
      const address = URL.createObjectURL(new Blob([html], { type: "text/html" }));
      // The report runs its own scripts, and can reach nothing of JupyterLab's.
      const frame = new IFrame({ sandbox: ["allow-scripts", "allow-downloads"], referrerPolicy: "no-referrer" });
      frame.node.querySelector("iframe")?.setAttribute("title", this.words.__("Report of %1", run.name));
      frame.url = address;
      frame.disposed.connect(() => URL.revokeObjectURL(address));
      this.show(`report:${run.id}`, this.words.__("Report of %1", run.name), () => frame, true);
    });
  }

  log(run: Run): void {
    this.show(`log:${run.id}`, this.words.__("Log of %1", run.name), () => new LogWidget({
      name: run.name,
      words: this.words,
      lines: async (lines) => (await this.server.get<{ lines: string[] }>(pathOf(run, "log"), { lines })).lines,
      live: () => {
        const now = this.now(run.id);
        return now === undefined || isLive(now);
      },
    }));
  }

  compare(one: Run, other: Run): void {
    const title = this.words.__("Comparison: %1 and %2", one.name, other.name);
    const inNotebook = this.opener ? (): void => void this.compareInNotebook(one, other) : null;
    this.show(`compare:${one.id}:${other.id}`, title, () => new ComparisonWidget(one, other, this.words, inNotebook));
  }

  console(run: Run): void {
    const address = consolePage(run);
    if (address) window.open(address, "_blank", "noopener,noreferrer");
  }

  async stop(run: Run): Promise<void> {
    const result = await showDialog({
      title: this.words.__("Stop %1?", run.name),
      body: this.words.__("What it has computed so far is lost, and it cannot go on later. A SageMaker job is charged until it has stopped."),
      buttons: [Dialog.cancelButton({ label: this.words.__("Let it run") }), Dialog.warnButton({ label: this.words.__("Stop it") })],
      defaultButton: 0,
    });
    if (!result.button.accept) return;
    await this.telling(this.words.__("%1 was not stopped.", run.name), async () => {
      await this.server.post(pathOf(run, "stop"));
      this.stopped();
    });
  }

  /** Shows what is open already, or opens it; `anew` puts a new one in its place. */
  private show(key: string, title: string, make: () => Widget, anew = false): void {
    const before = this.open.get(key);
    if (before && !before.isDisposed) {
      if (!anew) {
        this.app.shell.activateById(before.id);
        return;
      }
      before.dispose();
    }
    const area = new MainAreaWidget({ content: make() });
    area.id = `segwidgets-${Math.random().toString(36).slice(2)}`;
    area.title.label = title;
    area.title.caption = title;
    area.title.icon = segmentsIcon;
    area.title.closable = true;
    area.toolbar.hide();
    this.open.set(key, area);
    area.disposed.connect(() => {
      if (this.open.get(key) === area) this.open.delete(key);
    });
    this.app.shell.add(area, "main");
    this.app.shell.activateById(area.id);
  }

  private async telling(what: string, action: () => Promise<void>): Promise<void> {
    try {
      await action();
    } catch (error) {
      Notification.error(`${what} ${messageOf(error)}`, { autoClose: 12_000 });
    }
  }
}
