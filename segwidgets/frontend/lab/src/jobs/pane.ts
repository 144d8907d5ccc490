import { button } from "../../../src/controls/elements";
import { make } from "../../../src/shared/dom";
import type { Words } from "../words";
import type { RunActions } from "./actions";
import type { Run } from "./model";
import { canStop, consolePage, details, hasJob, hasReport } from "./model";

/** What is known of the chosen run and what can be done with it; of two, their comparison. */
export class RunPane {
  private readonly root: HTMLElement;
  private drawn = "";

  constructor(
    parent: Element,
    private readonly actions: RunActions,
    private readonly words: Words,
  ) {
    this.root = make("section", "sw-jobs-pane", parent, { "aria-label": words.__("The chosen run") });
    this.root.hidden = true;
  }

  show(chosen: readonly Run[]): void {
    const now = JSON.stringify(chosen);
    if (now === this.drawn) return;
    this.drawn = now;
    // A button that has the focus keeps it, although it is another one.
    const focused = this.root.contains(document.activeElement) ? (document.activeElement as HTMLElement).dataset["action"] : undefined;
    this.root.hidden = chosen.length === 0;
    this.root.replaceChildren();
    const [first, second] = chosen;
    if (first && second) this.two(first, second);
    else if (first) this.one(first);
    if (focused) (this.root.querySelector<HTMLElement>(`[data-action="${focused}"]`) ?? this.root.querySelector("button"))?.focus();
  }

  private one(run: Run): void {
    const { words, actions } = this;
    make("h3", "", this.root).textContent = run.name;
    const bar = make("div", "sw-jobs-actions", this.root);
    const act = (name: string, text: string, title: string, done: () => void): void => {
      const made = button(name === "panel" ? "sw-button sw-main" : "sw-button", text, bar);
      made.dataset["action"] = name;
      made.title = title;
      made.addEventListener("click", done);
    };
    if (actions.canOpen) act("panel", words.__("Open in panel"), words.__("A new notebook whose panel has this run's settings"), () => void actions.openInPanel(run));
    if (hasReport(run)) act("report", words.__("Report"), words.__("The report of this run"), () => void actions.report(run));
    if (hasJob(run)) act("log", words.__("Log"), words.__("What this run has printed"), () => actions.log(run));
    if (consolePage(run)) act("console", words.__("Console"), words.__("The run's page in the console, in a new tab"), () => actions.console(run));
    if (canStop(run)) act("stop", words.__("Stop"), words.__("Stop this run; asks first"), () => void actions.stop(run));
    const list = make("dl", "sw-facts", this.root);
    for (const { label, value } of details(run, words)) {
      const pair = make("div", "", list);
      make("dt", "", pair).textContent = label;
      make("dd", "", pair).textContent = value;
    }
    make("p", "sw-jobs-hint", this.root).textContent = words.__("To compare, choose a second run with Ctrl and a click, or with Shift and the arrows, then Space.");
  }

  private two(one: Run, other: Run): void {
    const { words, actions } = this;
    make("h3", "", this.root).textContent = words.__("Two runs chosen");
    const names = make("ol", "sw-jobs-pair", this.root);
    for (const run of [one, other]) make("li", "", names).textContent = run.name;
    const bar = make("div", "sw-jobs-actions", this.root);
    const compare = button("sw-button sw-main", words.__("Compare"), bar);
    compare.dataset["action"] = "compare";
    compare.addEventListener("click", () => actions.compare(one, other));
    if (!actions.canOpen) return;
    const deeper = button("sw-button", words.__("Compare in a notebook"), bar);
    deeper.dataset["action"] = "notebook";
    deeper.title = words.__("A new notebook that also tells which customers moved");
    deeper.addEventListener("click", () => void actions.compareInNotebook(one, other));
  }
}
