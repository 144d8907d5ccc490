import { button } from "../controls/elements";
import { make } from "../shared/dom";
import type { Line } from "./pair";
import { lines } from "./pair";
import type { Run } from "./runs";

const GROUPS: Record<Line["group"], string> = { settings: "Settings that differ", scores: "Scores", run: "The runs" };

/** Two runs beside each other. */
export class ComparisonView {
  readonly root: HTMLElement;
  private readonly body: HTMLElement;
  private drawn: readonly [Run, Run] | null = null;

  constructor(parent: Element, closed: () => void, signal: AbortSignal) {
    this.root = make("section", "sw-lb-pair", parent, { "aria-label": "Comparison" });
    const bar = make("div", "sw-lb-pair-bar", this.root);
    make("span", "", bar).textContent = "Two runs compared";
    const close = button("sw-button sw-lb-pair-close", "Close", bar);
    close.setAttribute("aria-label", "Close the comparison");
    close.addEventListener("click", closed, { signal });
    this.body = make("div", "sw-lb-small-scroll", this.root, { tabindex: "0", role: "group", "aria-label": "Comparison of two runs" });
    this.root.hidden = true;
  }

  show(pair: readonly [Run, Run] | null): void {
    this.root.hidden = pair === null;
    if (pair === null || (this.drawn && this.drawn[0] === pair[0] && this.drawn[1] === pair[1])) {
      this.drawn = pair;
      return;
    }
    this.drawn = pair;
    this.body.replaceChildren();
    const table = make("table", "sw-lb-small", this.body);
    const head = make("tr", "", make("thead", "", table));
    for (const word of ["", pair[0].name, pair[1].name, "Difference"]) {
      make(word ? "th" : "td", "", head, word ? { scope: "col" } : {}).textContent = word;
    }
    const found = lines(...pair);
    for (const group of ["settings", "scores", "run"] as const) {
      const part = make("tbody", "", table);
      make("th", "sw-lb-group", make("tr", "", part), { scope: "rowgroup", colspan: "4" }).textContent = GROUPS[group];
      const own = found.filter((line) => line.group === group);
      if (own.length === 0) make("td", "sw-lb-same", make("tr", "", part), { colspan: "4" }).textContent = "None that is recorded here.";
      for (const line of own) {
        const row = make("tr", line.same ? "sw-lb-same" : "", part);
        make("th", "", row, { scope: "row" }).textContent = line.label;
        for (const text of [line.first, line.second, line.change]) make("td", "", row).textContent = text;
      }
    }
  }
}
