import type { JupyterFrontEnd } from "@jupyterlab/application";
import type { ISessionContext } from "@jupyterlab/apputils";
import { Dialog, Notification, SessionContextDialogs, showDialog } from "@jupyterlab/apputils";
import type { DocumentRegistry } from "@jupyterlab/docregistry";
import type { INotebookModel, NotebookPanel } from "@jupyterlab/notebook";
import type { ITranslator } from "@jupyterlab/translation";
import type { IDisposable } from "@lumino/disposable";
import { DisposableDelegate } from "@lumino/disposable";
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
 * Keeps a notebook that names the RAPIDS kernel from JupyterLab's "select a kernel" while the kernel is still coming, and
 * asks what to do instead. It is told of each notebook as it is made, before its file has been read.
 */
export class Holder implements DocumentRegistry.IWidgetExtension<NotebookPanel, INotebookModel> {
  constructor(private readonly host: HoldHost) {}

  createNew(panel: NotebookPanel): IDisposable {
    const session = panel.sessionContext;
    let held = false;
    const look = (): void => {
      const preference = session.kernelPreference;
      if (held || session.session?.kernel || preference.shouldStart === false || !this.host.asks()) return;
      if (preference.name !== RAPIDS || this.specs().includes(RAPIDS)) return;
      // Without a status it is not known yet whether the kernel will come: hold, then ask.
      const { status } = this.host.watch;
      if (status !== null && fate(RAPIDS, this.specs(), status) === "start") return;
      held = true;
      session.kernelPreference = { ...preference, shouldStart: false };
      void this.decide(panel, preference);
    };
    session.kernelPreferenceChanged.connect(look);
    look();
    return new DisposableDelegate(() => session.kernelPreferenceChanged.disconnect(look));
  }

  private specs(): string[] {
    return Object.keys(this.host.app.serviceManager.kernelspecs.specs?.kernelspecs ?? {});
  }

  private async decide(panel: NotebookPanel, preference: ISessionContext.IKernelPreference): Promise<void> {
    const { app, watch } = this.host;
    const session = panel.sessionContext;
    await Promise.all([session.ready, panel.revealed]);
    if (watch.status === null) await watch.refresh();
    await app.serviceManager.kernelspecs.refreshSpecs();
    if (panel.isDisposed || session.session?.kernel) return;
    const becomes: Fate = watch.status === null ? "start" : fate(RAPIDS, this.specs(), watch.status);
    if (becomes === "start") {
      session.kernelPreference = { ...preference };
      if (this.specs().includes(RAPIDS)) await session.changeKernel({ name: RAPIDS });
      else await this.choose(session);
      return;
    }
    await this.ask(panel, becomes);
  }

  private choose(session: ISessionContext): Promise<void> {
    const { dialogs, translator } = this.host;
    return (dialogs ?? new SessionContextDialogs({ translator })).selectKernel(session);
  }

  private async ask(panel: NotebookPanel, becomes: "wait" | "refused"): Promise<void> {
    const { words, watch } = this.host;
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
    const result = await showDialog({
      title: words.__("The RAPIDS kernel is not ready"),
      body: body.filter(Boolean).join(" "),
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
