import type { JupyterFrontEnd, JupyterFrontEndPlugin } from "@jupyterlab/application";
import { ICommandPalette, ISessionContextDialogs, Notification } from "@jupyterlab/apputils";
import { INotebookTracker } from "@jupyterlab/notebook";
import { ISettingRegistry } from "@jupyterlab/settingregistry";
import { IStatusBar } from "@jupyterlab/statusbar";
import { ITranslator, nullTranslator } from "@jupyterlab/translation";
import { IServer, messageOf } from "../server";
import { Settings } from "../settings";
import { DOMAIN } from "../words";
import { showDetails } from "./details";
import { Holder } from "./hold";
import { StatusItem } from "./item";
import { NoticeBoard } from "./notices";
import { canRetry } from "./text";
import { IKernelWatch, KernelWatch } from "./watch";

export const KernelCommands = { details: "segwidgets:kernel-details", retry: "segwidgets:kernel-retry" } as const;

/** Asks the server how the restore stands, for the plugins that show it. */
export const watchPlugin: JupyterFrontEndPlugin<IKernelWatch> = {
  id: "segwidgets-lab:watch",
  description: "Watches the restore of the RAPIDS kernel.",
  autoStart: true,
  provides: IKernelWatch,
  requires: [IServer],
  activate: (app: JupyterFrontEnd, server: IServer): IKernelWatch => {
    const watch = new KernelWatch(server);
    // Not before the page stands: nothing here may make JupyterLab start later.
    void app.restored.then(() => watch.start());
    return watch;
  },
};

/** The item in the status bar, its details, and the commands. */
export const statusPlugin: JupyterFrontEndPlugin<void> = {
  id: "segwidgets-lab:status",
  description: "Shows the restore of the RAPIDS kernel in the status bar.",
  autoStart: true,
  requires: [IKernelWatch],
  optional: [IStatusBar, ISettingRegistry, ICommandPalette, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    watch: IKernelWatch,
    bar: IStatusBar | null,
    registry: ISettingRegistry | null,
    palette: ICommandPalette | null,
    translator: ITranslator | null,
  ): void => {
    const words = (translator ?? nullTranslator).load(DOMAIN);
    const open = (): void => void showDetails(watch, words);
    app.commands.addCommand(KernelCommands.details, {
      label: words.__("Restore of the RAPIDS Kernel"),
      caption: words.__("How the restore of the RAPIDS kernel stands, why, and the end of its log"),
      execute: open,
    });
    app.commands.addCommand(KernelCommands.retry, {
      label: words.__("Restore the RAPIDS Kernel Again"),
      caption: words.__("Start the restore again after it failed; what was downloaded is kept"),
      isEnabled: () => watch.status !== null && canRetry(watch.status),
      execute: async () => {
        try {
          await watch.retry();
        } catch (error) {
          Notification.error(messageOf(error));
        }
      },
    });
    for (const command of Object.values(KernelCommands)) palette?.addItem({ command, category: words.__("Segmentation") });
    watch.changed.connect(() => app.commands.notifyCommandChanged(KernelCommands.retry));
    if (!bar) return;
    const settings = new Settings({ alwaysShown: false });
    const item = new StatusItem(watch, () => settings.get("alwaysShown"), words, open);
    bar.registerStatusItem("segwidgets-lab:status", {
      item,
      align: "left",
      rank: 90,
      isActive: () => item.shown,
      activeStateChanged: item.shownChanged,
    });
    void settings.load(registry, "segwidgets-lab:status", () => item.draw());
  },
};

/** Notices when the kernel is there or will not come, and the question of a notebook that needs it too early. */
export const noticesPlugin: JupyterFrontEndPlugin<void> = {
  id: "segwidgets-lab:notices",
  description: "Says when the RAPIDS kernel is ready, and asks what a notebook should do that needs it earlier.",
  autoStart: true,
  requires: [IKernelWatch],
  optional: [INotebookTracker, ISessionContextDialogs, ISettingRegistry, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    watch: IKernelWatch,
    notebooks: INotebookTracker | null,
    dialogs: ISessionContextDialogs | null,
    registry: ISettingRegistry | null,
    translator: ITranslator | null,
  ): void => {
    const words = (translator ?? nullTranslator).load(DOMAIN);
    const settings = new Settings({ whenReady: true, askBeforeReady: true });
    void settings.load(registry, "segwidgets-lab:notices", () => undefined);
    const board = new NoticeBoard();
    const details = { label: words.__("Details"), callback: () => void showDetails(watch, words) };
    let outage = false;
    watch.changed.connect(() => {
      if (watch.problem) {
        // Once per outage; that there is no server extension at all is the handshake's to say.
        if (!outage && watch.status && watch.status.state !== "none") {
          Notification.warning(words.__("The state of the RAPIDS kernel is not known at the moment: %1", watch.problem), { autoClose: 8000 });
        }
        outage = true;
        return;
      }
      outage = false;
      const { status } = watch;
      if (status === null) return;
      for (const notice of board.next(status)) {
        if (notice === "specs") void app.serviceManager.kernelspecs.refreshSpecs();
        else if (!settings.get("whenReady")) continue;
        else if (notice === "ready") Notification.success(words.__("The RAPIDS kernel is ready."), { autoClose: 8000, actions: [details] });
        else if (notice === "failed") {
          Notification.error(words.__("The RAPIDS kernel could not be restored. %1", status.reason ?? ""), { autoClose: false, actions: [details] });
        } else {
          Notification.warning(words.__("The RAPIDS kernel could not be renewed. %1", status.reason ?? ""), { autoClose: false, actions: [details] });
        }
      }
    });
    if (!notebooks) return;
    app.docRegistry.addWidgetExtension(
      "Notebook",
      new Holder({ app, watch, words, translator: translator ?? nullTranslator, dialogs, asks: () => settings.get("askBeforeReady") }),
    );
  },
};
