import type { JupyterFrontEnd, JupyterFrontEndPlugin } from "@jupyterlab/application";
import { ILayoutRestorer } from "@jupyterlab/application";
import { ICommandPalette, WidgetTracker } from "@jupyterlab/apputils";
import type { IDocumentWidget } from "@jupyterlab/docregistry";
import { ITranslator, nullTranslator } from "@jupyterlab/translation";
import { recipeIcon } from "../icons";
import { IPanelOpener } from "../panel/opener";
import { DOMAIN } from "../words";
import type { RecipeView } from "./widget";
import { RecipeFactory } from "./widget";

const FACTORY = "Recipe card";
const TYPE = "segwidgets-recipe";
export const RecipeCommands = { open: "segwidgets:open-recipe-in-panel", text: "segwidgets:open-recipe-as-text" } as const;

/** Files whose names end in .recipe.json open as a card of their settings. */
export const recipePlugin: JupyterFrontEndPlugin<void> = {
  id: "segwidgets-lab:recipe",
  description: "Shows recipe files as readable cards.",
  autoStart: true,
  optional: [IPanelOpener, ICommandPalette, ILayoutRestorer, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    opener: IPanelOpener | null,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null,
    translator: ITranslator | null,
  ): void => {
    const words = (translator ?? nullTranslator).load(DOMAIN);
    app.docRegistry.addFileType({
      name: TYPE,
      displayName: words.__("Segmentation recipe"),
      extensions: [".recipe.json"],
      mimeTypes: ["application/json"],
      contentType: "file",
      fileFormat: "text",
      icon: recipeIcon,
    });
    const tracker = new WidgetTracker<IDocumentWidget<RecipeView>>({ namespace: "segwidgets-lab-recipes" });
    const factory = new RecipeFactory(
      {
        name: FACTORY,
        label: words.__("Recipe Card"),
        fileTypes: [TYPE],
        defaultFor: [TYPE],
        modelName: "text",
        readOnly: true,
        ...(translator ? { translator } : {}),
      },
      {
        words,
        openInPanel: opener ? (recipe, path) => opener.open({ recipe, cwd: path.split("/").slice(0, -1).join("/") }) : null,
        openAsText: (path) => void app.commands.execute("docmanager:open", { path, factory: "Editor" }),
      },
    );
    factory.widgetCreated.connect((_, widget) => {
      widget.context.pathChanged.connect(() => void tracker.save(widget));
      void tracker.add(widget);
    });
    app.docRegistry.addWidgetFactory(factory);
    if (restorer) {
      void restorer.restore(tracker, {
        command: "docmanager:open",
        args: (widget) => ({ path: widget.context.path, factory: FACTORY }),
        name: (widget) => widget.context.path,
      });
    }
    const shown = (): RecipeView | null =>
      tracker.currentWidget && tracker.currentWidget === app.shell.currentWidget ? tracker.currentWidget.content : null;
    if (opener) {
      app.commands.addCommand(RecipeCommands.open, {
        label: words.__("Open Recipe in Panel"),
        caption: words.__("A new notebook whose panel has the settings of this recipe"),
        isEnabled: () => shown()?.card.ok === true,
        execute: () => shown()?.openInPanel(),
      });
      palette?.addItem({ command: RecipeCommands.open, category: words.__("Segmentation") });
    }
    app.commands.addCommand(RecipeCommands.text, {
      label: words.__("Open Recipe as Text"),
      isEnabled: () => shown() !== null,
      execute: () => shown()?.openAsText(),
    });
    palette?.addItem({ command: RecipeCommands.text, category: words.__("Segmentation") });
  },
};
