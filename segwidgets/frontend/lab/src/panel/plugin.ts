import type { JupyterFrontEnd, JupyterFrontEndPlugin } from "@jupyterlab/application";
import { ICommandPalette } from "@jupyterlab/apputils";
import { IDefaultFileBrowser } from "@jupyterlab/filebrowser";
import { ILauncher } from "@jupyterlab/launcher";
import { ISettingRegistry } from "@jupyterlab/settingregistry";
import { ITranslator, nullTranslator } from "@jupyterlab/translation";
import { segmentsIcon } from "../icons";
import { IServer } from "../server";
import { Settings } from "../settings";
import { DOMAIN } from "../words";
import { IPanelOpener, PanelOpener } from "./opener";

export const OPEN_PANEL = "segwidgets:open-panel";

/** The launcher's card and the palette's command that open a panel, and the way there for the other parts. */
export const panelPlugin: JupyterFrontEndPlugin<IPanelOpener> = {
  id: "segwidgets-lab:panel",
  description: "Opens a segmentation panel in a new notebook.",
  autoStart: true,
  provides: IPanelOpener,
  requires: [IServer],
  optional: [ILauncher, ICommandPalette, IDefaultFileBrowser, ISettingRegistry, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    server: IServer,
    launcher: ILauncher | null,
    palette: ICommandPalette | null,
    browser: IDefaultFileBrowser | null,
    registry: ISettingRegistry | null,
    translator: ITranslator | null,
  ): IPanelOpener => {
    const words = (translator ?? nullTranslator).load(DOMAIN);
    const settings = new Settings<{ runCells: boolean; kernel: "best" | "cpu" }>({ runCells: true, kernel: "best" });
    void settings.load(registry, "segwidgets-lab:panel", () => undefined);
    const opener = new PanelOpener({
      app, server, words, browser, runs: () => settings.get("runCells"), kernel: () => settings.get("kernel"),
    });
    app.commands.addCommand(OPEN_PANEL, {
      label: (args) => (args["isPalette"] ? words.__("New Segmentation Panel") : words.__("Segmentation panel")),
      caption: words.__("A new notebook with the segmentation panel, on the RAPIDS kernel when it is ready"),
      icon: segmentsIcon,
      execute: (args) => opener.open({ cwd: typeof args["cwd"] === "string" ? args["cwd"] : undefined }),
    });
    launcher?.add({ command: OPEN_PANEL, category: words.__("Segmentation"), rank: 0 });
    palette?.addItem({ command: OPEN_PANEL, category: words.__("Segmentation"), args: { isPalette: true } });
    return opener;
  },
};
