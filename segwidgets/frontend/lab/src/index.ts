import type { JupyterFrontEnd, JupyterFrontEndPlugin } from "@jupyterlab/application";
import { Notification } from "@jupyterlab/apputils";
import { ITranslator, nullTranslator } from "@jupyterlab/translation";
import type { Hello } from "./api";
import { mismatches } from "./handshake";
import { jobsPlugin } from "./jobs/plugin";
import { noticesPlugin, statusPlugin, watchPlugin } from "./kernel/plugins";
import { panelPlugin } from "./panel/plugin";
import { recipePlugin } from "./recipe/plugin";
import { IServer, Server, messageOf } from "./server";
import { DOMAIN } from "./words";

/** The way to the server extension; says once, after the start, when page, server and kernel do not fit together. */
const serverPlugin: JupyterFrontEndPlugin<IServer> = {
  id: "segwidgets-lab:server",
  description: "Speaks with the server extension of segwidgets.",
  autoStart: true,
  provides: IServer,
  optional: [ITranslator],
  activate: (app: JupyterFrontEnd, translator: ITranslator | null): IServer => {
    const words = (translator ?? nullTranslator).load(DOMAIN);
    const server = new Server(app.serviceManager.serverSettings, words);
    void app.restored.then(async () => {
      try {
        const hello = await server.get<Hello>("hello");
        for (const text of mismatches(hello, SEGWIDGETS_VERSION, words)) Notification.warning(text, { autoClose: false });
      } catch (error) {
        Notification.warning(messageOf(error), { autoClose: false });
      }
    });
    return server;
  },
};

export default [serverPlugin, watchPlugin, statusPlugin, noticesPlugin, panelPlugin, jobsPlugin, recipePlugin];
