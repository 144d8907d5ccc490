import type { JupyterFrontEnd } from "@jupyterlab/application";
import type { ISessionContext } from "@jupyterlab/apputils";
import { Notification } from "@jupyterlab/apputils";
import type { FileBrowser } from "@jupyterlab/filebrowser";
import { NotebookActions, NotebookPanel } from "@jupyterlab/notebook";
import { Token } from "@lumino/coreutils";
import type { NotebookReply, NotebookRequest } from "../api";
import { CPU } from "../kernel/notices";
import type { IServer } from "../server";
import { messageOf } from "../server";
import type { Words } from "../words";

/** What a new notebook begins with. */
export interface PanelRequest {
  /** The folder it is put into, as JupyterLab names it; that of the file browser by default. */
  cwd?: string | undefined;
  recipe?: Record<string, unknown> | undefined;
  compare?: readonly [string, string] | undefined;
}

/** Opens a segmentation panel in a new notebook. */
export interface IPanelOpener {
  /** Returns once the notebook is open; its cells may still run. Errors are told, not thrown. */
  open(request?: PanelRequest): Promise<NotebookPanel | null>;
}

export const IPanelOpener = new Token<IPanelOpener>("segwidgets-lab:IPanelOpener", "Opens a segmentation panel in a new notebook.");

export interface OpenerHost {
  app: JupyterFrontEnd;
  server: IServer;
  words: Words;
  browser: FileBrowser | null;
  runs(): boolean;
  kernel(): "best" | "cpu";
}

export class PanelOpener implements IPanelOpener {
  constructor(private readonly host: OpenerHost) {}

  async open(request: PanelRequest = {}): Promise<NotebookPanel | null> {
    const { app, server, words } = this.host;
    try {
      const { contents } = app.serviceManager;
      const cwd = request.cwd ?? this.host.browser?.model.path ?? "";
      // Another drive's files are not the server's: its root it is, then.
      const path = contents.driveName(cwd) === "" ? contents.localPath(cwd) : "";
      const asked: NotebookRequest = {
        path,
        kernel: this.host.kernel() === "cpu" ? CPU : null,
        recipe: request.recipe ?? null,
        compare: request.compare ?? null,
      };
      const reply = await server.post<NotebookReply>("notebook", asked);
      if (reply.note) Notification.info(reply.note, { autoClose: 10_000 });
      const opened: unknown = await app.commands.execute("docmanager:open", {
        path: reply.path,
        factory: "Notebook",
        kernel: { name: reply.kernel },
      });
      if (!(opened instanceof NotebookPanel)) return null;
      if (this.host.runs()) void this.run(opened);
      return opened;
    } catch (error) {
      Notification.error(words.__("No panel was opened. %1", messageOf(error)), { autoClose: 15_000 });
      return null;
    }
  }

  /** Runs all cells once the kernel answers: one that is run earlier is forgotten. */
  private async run(panel: NotebookPanel): Promise<void> {
    try {
      await panel.context.ready;
      const kernel = await started(panel.sessionContext);
      if (kernel === null || panel.isDisposed) return;
      await kernel.info;
      await NotebookActions.runAll(panel.content, panel.sessionContext);
      // A new notebook shows its panel, not its last cell's end.
      panel.content.activeCellIndex = 0;
    } catch (error) {
      if (!panel.isDisposed) Notification.error(this.host.words.__("The new notebook's cells were not run. %1", messageOf(error)));
    }
  }
}

type Kernel = NonNullable<NonNullable<ISessionContext["session"]>["kernel"]>;

/** The notebook's kernel as soon as it has one; null when the notebook is closed before. */
async function started(session: ISessionContext): Promise<Kernel | null> {
  await session.ready;
  const now = session.session?.kernel;
  if (now) return now;
  return new Promise((resolve) => {
    session.kernelChanged.connect((_, { newValue }) => {
      if (newValue) resolve(newValue);
    });
    session.disposed.connect(() => resolve(null));
  });
}
