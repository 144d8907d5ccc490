import type { DocumentRegistry, IDocumentWidget } from "@jupyterlab/docregistry";
import { ABCWidgetFactory, DocumentWidget } from "@jupyterlab/docregistry";
import { Widget } from "@lumino/widgets";
import { button, uniqueId } from "../../../src/controls/elements";
import { make } from "../../../src/shared/dom";
import { recipeIcon } from "../icons";
import type { Words } from "../words";
import type { Card } from "./card";
import { card } from "./card";

export interface RecipeHost {
  words: Words;
  /** Null where no panel can be opened. */
  openInPanel: ((recipe: Record<string, unknown>, path: string) => Promise<unknown>) | null;
  openAsText(path: string): void;
}

/** A recipe file as a card of its settings, drawn anew when the file changes. */
export class RecipeView extends Widget {
  card: Card;

  constructor(
    private readonly context: DocumentRegistry.Context,
    private readonly host: RecipeHost,
  ) {
    super();
    this.addClass("sw-control");
    this.addClass("sw-recipe");
    this.node.tabIndex = -1;
    this.card = { ok: false, problem: "" };
    void context.ready.then(() => {
      if (this.isDisposed) return;
      context.model.contentChanged.connect(this.draw, this);
      this.draw();
    });
  }

  /** Opens the recipe in a panel; does nothing where it cannot be read. */
  async openInPanel(): Promise<void> {
    if (this.card.ok) await this.host.openInPanel?.(this.card.recipe, this.context.path);
  }

  openAsText(): void {
    this.host.openAsText(this.context.path);
  }

  private draw(): void {
    const { words } = this.host;
    this.card = card(this.context.model.toString(), words);
    const focused = this.node.contains(document.activeElement) ? document.activeElement?.getAttribute("data-action") : null;
    this.node.replaceChildren();
    const sheet = make("article", "sw-recipe-sheet", this.node);
    const title = uniqueId("recipe");
    sheet.setAttribute("aria-labelledby", title);
    const head = make("header", "sw-recipe-head", sheet);
    make("h1", "", head, { id: title }).textContent = (this.context.path.split("/").at(-1) ?? "").replace(/\.recipe\.json$/, "");
    const actions = make("div", "sw-recipe-actions", head);
    const act = (name: string, text: string, done: () => void): HTMLButtonElement => {
      const made = button("sw-button", text, actions);
      made.dataset["action"] = name;
      made.addEventListener("click", done);
      return made;
    };
    if (this.host.openInPanel) {
      const open = act("panel", words.__("Open in panel"), () => void this.openInPanel());
      open.classList.add("sw-main");
      open.disabled = !this.card.ok;
    }
    act("text", words.__("Open as text"), () => this.openAsText());
    this.body(sheet);
    if (focused) this.node.querySelector<HTMLElement>(`[data-action="${focused}"]`)?.focus();
  }

  private body(sheet: HTMLElement): void {
    const { words } = this.host;
    if (!this.card.ok) {
      const problem = make("div", "sw-recipe-problem", sheet, { role: "alert" });
      make("strong", "", problem).textContent = words.__("This recipe cannot be read.");
      make("p", "", problem).textContent = this.card.problem;
      return;
    }
    for (const warning of this.card.warnings) make("p", "sw-recipe-warning", sheet).textContent = warning;
    for (const section of this.card.sections) {
      if (section.lines.length === 0) continue;
      const part = make("section", "", sheet);
      make("h2", "", part).textContent = section.title;
      const list = make("dl", "sw-recipe-lines", part);
      for (const line of section.lines) {
        const pair = make("div", line.unknown ? "sw-recipe-unknown" : "", list);
        make("dt", "", pair).textContent = line.label;
        const value = make("dd", "", pair);
        make("span", "sw-recipe-value", value).textContent = line.value;
        if (line.unknown) make("span", "sw-recipe-mark", value).textContent = words.__("unknown setting");
        if (line.note) make("span", "sw-recipe-note", value).textContent = line.note;
      }
    }
    if (this.card.digest) {
      const foot = make("footer", "sw-recipe-digest", sheet);
      make("span", "", foot).textContent = words.__("Digest");
      make("code", "", foot).textContent = this.card.digest;
    }
  }
}

export class RecipeFactory extends ABCWidgetFactory<IDocumentWidget<RecipeView>> {
  constructor(
    options: DocumentRegistry.IWidgetFactoryOptions<IDocumentWidget<RecipeView>>,
    private readonly host: RecipeHost,
  ) {
    super(options);
  }

  protected createNewWidget(context: DocumentRegistry.Context): IDocumentWidget<RecipeView> {
    const made = new DocumentWidget({ content: new RecipeView(context, this.host), context });
    made.title.icon = recipeIcon;
    return made;
  }
}
