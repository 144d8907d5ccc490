import type { JupyterFrontEnd, JupyterFrontEndPlugin } from "@jupyterlab/application";
import { ILabShell, ILayoutRestorer } from "@jupyterlab/application";
import { ICommandPalette } from "@jupyterlab/apputils";
import { ISettingRegistry } from "@jupyterlab/settingregistry";
import { ITranslator, nullTranslator } from "@jupyterlab/translation";
import type { RunsPage } from "../api";
import { segmentsIcon } from "../icons";
import { IPanelOpener } from "../panel/opener";
import { IServer } from "../server";
import { Settings } from "../settings";
import { DOMAIN } from "../words";
import { RunActions } from "./actions";
import type { Run } from "./model";
import { canStop, consolePage, hasJob, hasReport } from "./model";
import { JobsSidebar } from "./sidebar";
import { RunStore } from "./store";

export const JobCommands = {
  show: "segwidgets:show-jobs",
  refresh: "segwidgets:refresh-jobs",
  open: "segwidgets:open-run-in-panel",
  report: "segwidgets:run-report",
  log: "segwidgets:run-log",
  console: "segwidgets:run-console",
  stop: "segwidgets:run-stop",
  compare: "segwidgets:compare-runs",
} as const;

/** The side bar of runs, with its commands in the palette and in the runs' context menu. */
export const jobsPlugin: JupyterFrontEndPlugin<void> = {
  id: "segwidgets-lab:jobs",
  description: "Lists the tracked runs in the side bar.",
  autoStart: true,
  requires: [IServer],
  optional: [ILabShell, IPanelOpener, ICommandPalette, ILayoutRestorer, ISettingRegistry, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    server: IServer,
    shell: ILabShell | null,
    opener: IPanelOpener | null,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null,
    registry: ISettingRegistry | null,
    translator: ITranslator | null,
  ): void => {
    // Elsewhere, as in Notebook 7, there is no side bar for it.
    if (!shell) return;
    const words = (translator ?? nullTranslator).load(DOMAIN);
    const settings = new Settings({ interval: 5, experiment: "" });
    let experiment = "";
    const store = new RunStore((offset, limit) => server.get<RunsPage>("runs", { offset, limit, ...(experiment ? { experiment } : {}) }));
    const now = (id: string): Run | undefined => store.runs.find((run) => run.id === id);
    const actions = new RunActions(app, server, words, opener, now, () => void sidebar.refresh());
    const sidebar = new JobsSidebar(store, actions, words);
    void settings.load(registry, "segwidgets-lab:jobs", () => {
      sidebar.interval = settings.get("interval");
      const asked = settings.get("experiment").trim();
      if (asked === experiment) return;
      experiment = asked;
      store.clear();
      if (sidebar.isVisible) void sidebar.refresh();
    });
    shell.add(sidebar, "left", { rank: 650, type: "Segmentation jobs" });
    restorer?.add(sidebar, sidebar.id);

    const one = (): Run | undefined => (sidebar.chosen.length === 1 ? sidebar.chosen[0] : undefined);
    const add = (command: string, label: string, allowed: (run: Run) => boolean, execute: (run: Run) => unknown): void => {
      app.commands.addCommand(command, {
        label,
        isEnabled: () => {
          const run = one();
          return run !== undefined && allowed(run);
        },
        execute: () => {
          const run = one();
          return run && allowed(run) ? execute(run) : undefined;
        },
      });
    };
    app.commands.addCommand(JobCommands.show, {
      label: words.__("Show Segmentation Jobs"),
      icon: segmentsIcon,
      execute: () => shell.activateById(sidebar.id),
    });
    app.commands.addCommand(JobCommands.refresh, { label: words.__("Look for Segmentation Jobs Again"), execute: () => sidebar.refresh() });
    add(JobCommands.open, words.__("Open the Chosen Run in the Panel"), () => actions.canOpen, (run) => actions.openInPanel(run));
    add(JobCommands.report, words.__("Report of the Chosen Run"), hasReport, (run) => actions.report(run));
    add(JobCommands.log, words.__("Log of the Chosen Run"), hasJob, (run) => actions.log(run));
    add(JobCommands.console, words.__("Console Page of the Chosen Run"), (run) => consolePage(run) !== "", (run) => actions.console(run));
    add(JobCommands.stop, words.__("Stop the Chosen Run …"), canStop, (run) => actions.stop(run));
    app.commands.addCommand(JobCommands.compare, {
      label: words.__("Compare the Two Chosen Runs"),
      isEnabled: () => sidebar.chosen.length === 2,
      execute: () => {
        const [first, second] = sidebar.chosen;
        if (first && second) actions.compare(first, second);
      },
    });
    sidebar.choiceChanged.connect(() => app.commands.notifyCommandChanged());
    for (const command of Object.values(JobCommands)) palette?.addItem({ command, category: words.__("Segmentation") });
    const { show: _show, refresh: _refresh, ...ofRuns } = JobCommands;
    Object.values(ofRuns).forEach((command, rank) => app.contextMenu.addItem({ command, selector: ".sw-jobs-run", rank }));
    sidebar.node.addEventListener("contextmenu", (event) => sidebar.point(event), { capture: true });
  },
};
