import type { JupyterFrontEnd } from "@jupyterlab/application";
import type { ISessionContext } from "@jupyterlab/apputils";
import { Dialog, Notification, SessionContextDialogs, showDialog } from "@jupyterlab/apputils";
import type { DocumentRegistry } from "@jupyterlab/docregistry";
import type { INotebookModel, NotebookPanel } from "@jupyterlab/notebook";
import type { ITranslator } from "@jupyterlab/translation";
import { Widget } from "@lumino/widgets";
import { make } from "../../../src/shared/dom";
import { messageOf } from "../server";
import type { Words } from "../words";
import type { Fate } from "./notices";
import { CPU, RAPIDS, fate } from "./notices";
import { itemText } from "./text";
import type { IKernelWatch } from "./watch";

/** What the holder needs of the rest. */
export interface HoldHost {
  app: JupyterFrontEnd;
  watch: IKernelWatch;
  words: Words;
  translator: ITranslator;
  dialogs: ISessionContext.IDialogs | null;
  /** Whether the user wants to be asked at all. */
  asks(): boolean;
}

/**
 * Keeps a notebook that names the RAPIDS kernel from JupyterLab's "select a kernel" (and from any other kernel of the same
 * language, which JupyterLab would take without a word) while the kernel is still coming, and asks what to do instead. It
 * is told of each notebook as it is made, before its file has been read.
 */
export class Holder implements DocumentRegistry.IWidgetExtension<NotebookPanel, INotebookModel> {
  constructor(private readonly host: HoldHost) {}

  createNew(panel: NotebookPanel): void {
    const session = panel.sessionContext;
    const initialize = session.initialize.bind(session);
    // The file's context asks this whether to open its dialog. Whoever waits for the session goes on waiting meanwhile: a
    // session that is ready without a kernel is more than the widgets' manager can bear.
    session.initialize = async (): Promise<boolean> => {
      const becomes = await this.fate(session);
      if (becomes === "start") return initialize();
      const preference = session.kernelPreference;
      session.kernelPreference = { ...preference, language: "", autoStartDefault: false };
      const open = await initialize();
      session.kernelPreference = preference;
      if (open && !session.session?.kernel) void this.ask(panel, becomes);
      return false;
    };
  }

  private specs(): string[] {
    return Object.keys(this.host.app.serviceManager.kernelspecs.specs?.kernelspecs ?? {});
  }

  private async fate(session: ISessionContext): Promise<Fate> {
    const { app, asks, watch } = this.host;
    if (session.kernelPreference.name !== RAPIDS || !asks()) return "start";
    const { kernelspecs } = app.serviceManager;
    await kernelspecs.ready;
    if (this.specs().includes(RAPIDS)) return "start";
    if (watch.status === null) await watch.refresh();
    if (watch.status === null) return "start";
    // It may have come since the kernelspecs were read.
    if (watch.status.kernels?.rapids) await kernelspecs.refreshSpecs();
    return fate(RAPIDS, this.specs(), watch.status);
  }

  private choose(session: ISessionContext): Promise<void> {
    const { dialogs, translator } = this.host;
    return (dialogs ?? new SessionContextDialogs({ translator })).selectKernel(session);
  }

  private async ask(panel: NotebookPanel, becomes: "wait" | "refused"): Promise<void> {
    const { words, watch } = this.host;
    await panel.revealed;
    if (panel.isDisposed) return;
    const cpu = this.specs().includes(CPU);
    const wait = Dialog.cancelButton({ label: becomes === "wait" ? words.__("Wait for it") : words.__("No kernel for now"), actions: ["wait"] });
    const other = cpu
      ? Dialog.okButton({ label: words.__("Use the CPU kernel meanwhile"), actions: ["cpu"] })
      : Dialog.okButton({ label: words.__("Choose another kernel"), actions: ["choose"] });
    const status = watch.status;
    const body = [
      becomes === "wait"
        ? words.__("“%1” asks for the RAPIDS kernel, which is still being restored.", panel.title.label)
        : words.__("“%1” asks for the RAPIDS kernel, which could not be restored.", panel.title.label),
      status ? (becomes === "wait" ? `${itemText(status, true, words)}.` : (status.reason ?? "")) : "",
      becomes === "wait" ? words.__("If you wait, the notebook gets its kernel as soon as it is there.") : "",
      cpu ? words.__("The CPU kernel runs the same notebook, more slowly on large tables.") : "",
    ];
    const said = new Widget();
    for (const line of body.filter(Boolean)) make("p", "", said.node).textContent = line;
    const result = await showDialog({
      title: words.__("The RAPIDS kernel is not ready"),
      body: said,
      buttons: [wait, other],
      defaultButton: 1,
    });
    if (panel.isDisposed) return;
    const chosen = result.button.actions[0];
    try {
      if (chosen === "cpu") await panel.sessionContext.changeKernel({ name: CPU });
      else if (chosen === "choose") await this.choose(panel.sessionContext);
      else this.wait(panel);
    } catch (error) {
      Notification.error(messageOf(error));
    }
  }

  /** The notebook gets its kernel when it is there, unless somebody has given it another one. */
  private wait(panel: NotebookPanel): void {
    const { app, words } = this.host;
    const { kernelspecs } = app.serviceManager;
    const session = panel.sessionContext;
    const arrived = (): void => {
      if (!panel.isDisposed && !session.session?.kernel) {
        if (!this.specs().includes(RAPIDS)) return;
        void session.changeKernel({ name: RAPIDS }).then(
          () => Notification.success(words.__("“%1” now runs on the RAPIDS kernel.", panel.title.label), { autoClose: 6000 }),
          (error: unknown) => Notification.error(messageOf(error)),
        );
      }
      kernelspecs.specsChanged.disconnect(arrived);
    };
    kernelspecs.specsChanged.connect(arrived);
    arrived();
  }
}
