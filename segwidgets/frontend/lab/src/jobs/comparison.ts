import { Widget } from "@lumino/widgets";
import { button } from "../../../src/controls/elements";
import type { Line } from "../../../src/leaderboard/pair";
import { lines } from "../../../src/leaderboard/pair";
import { make } from "../../../src/shared/dom";
import type { Words } from "../words";
import type { Run } from "./model";

/** Of the job, not of the result: these say nothing when two runs are compared. */
const ASIDE = ["stage", "progress", "path", "created", "target", "report", "console", "cost_is_limit", "status"];

/** Two runs beside each other: settings that differ, scores with their differences, and what else is known. */
export class ComparisonWidget extends Widget {
  constructor(one: Run, other: Run, words: Words, inNotebook: (() => void) | null) {
    super();
    this.addClass("sw-control");
    this.addClass("sw-comparison");
    const bare = (run: Run): Run => Object.fromEntries(Object.entries(run).filter(([key]) => !ASIDE.includes(key))) as Run;
    const found = lines(bare(one), bare(other));
    const head = make("div", "sw-comparison-head", this.node);
    make("h1", "", head).textContent = words.__("Two runs compared");
    if (inNotebook) {
      const open = button("sw-button sw-main", words.__("Compare in a notebook"), head);
      open.title = words.__("A new notebook that also tells which customers moved");
      open.addEventListener("click", inNotebook);
    }
    const scroll = make("div", "sw-comparison-scroll", this.node, { tabindex: "0", role: "group", "aria-label": words.__("Comparison of two runs") });
    const table = make("table", "sw-comparison-table", scroll);
    const heads = make("tr", "", make("thead", "", table));
    make("td", "", heads);
    for (const word of [one.name, other.name, words.__("Difference")]) make("th", "", heads, { scope: "col" }).textContent = word;
    const titles: Record<Line["group"], string> = {
      settings: words.__("Settings that differ"), scores: words.__("Scores"), run: words.__("The runs"),
    };
    for (const group of ["settings", "scores", "run"] as const) {
      const part = make("tbody", "", table);
      make("th", "sw-comparison-group", make("tr", "", part), { scope: "rowgroup", colspan: "4" }).textContent = titles[group];
      const own = found.filter((line) => line.group === group);
      if (own.length === 0) make("td", "sw-quiet", make("tr", "", part), { colspan: "4" }).textContent = words.__("None that is recorded.");
      for (const line of own) {
        const row = make("tr", line.same ? "sw-quiet" : "", part);
        make("th", "", row, { scope: "row" }).textContent = line.label;
        for (const text of [line.first, line.second, line.change]) make("td", "", row).textContent = text;
      }
    }
  }
}
