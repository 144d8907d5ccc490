import { button, say } from "../controls/elements";
import look from "../controls/look.css";
import { make } from "../shared/dom";
import { count, plural } from "../shared/format";
import { keepKeys } from "../shared/keys";
import type { Model } from "../shared/model";
import { onChange } from "../shared/model";
import { ComparisonView } from "./comparison";
import type { Brushes, Constraints } from "./constraints";
import { NOTHING, constraints, keeps, within } from "./constraints";
import { ConstraintForm } from "./controls";
import { Grid } from "./grid";
import { Parallel } from "./parallel";
import { front } from "./pareto";
import type { Run } from "./runs";
import { COLUMNS, pressed, sorted } from "./runs";
import style from "./style.css";

export interface LeaderboardTraits {
  runs: readonly Run[];
  state: "pending" | "final" | "empty";
  sort_by: string;
  descending: boolean;
  constraints: Readonly<Record<string, unknown>>;
  brushes: Brushes;
  front_only: boolean;
  front_by: readonly string[];
  /** Ids of the runs that are compared, at most two. */
  chosen: readonly string[];
  parallel_shown: boolean;
  /** What the kernel says of the run that was opened last. */
  message: string;
  max_height: number;
}

/** All runs in one table: sorted, filtered, drawn as lines, compared, and opened. */
export class LeaderboardView {
  private readonly root = document.createElement("div");
  private readonly status: HTMLElement;
  private readonly form: ConstraintForm;
  private readonly lines: HTMLButtonElement;
  private readonly parallel: Parallel;
  private readonly grid: Grid;
  private readonly pair: ComparisonView;
  private readonly message: HTMLElement;
  private readonly empty: HTMLElement;
  private readonly endings: (() => void)[] = [];

  constructor(
    private readonly model: Model<LeaderboardTraits>,
    host: HTMLElement,
  ) {
    const controller = new AbortController();
    const { signal } = controller;
    this.root.className = "sw-control sw-leaderboard";
    make("style", "", this.root).textContent = look + style;
    const bar = make("div", "sw-lb-bar", this.root);
    this.status = make("div", "sw-lb-status", bar, { role: "status" });
    this.lines = button("sw-button sw-lb-lines", "Parallel coordinates", bar);
    this.lines.addEventListener("click", () => this.put("parallel_shown", !model.get("parallel_shown")), { signal });
    this.form = new ConstraintForm(
      this.root,
      (asked: Constraints) => this.put("constraints", { ...asked }),
      ({ only, first, second }) => {
        model.set("front_by", [first, second]);
        this.put("front_only", only);
      },
      () => {
        model.set("constraints", { ...NOTHING });
        model.set("brushes", {});
        this.put("front_only", false);
      },
      signal,
    );
    this.parallel = new Parallel(this.root, (brushes) => this.put("brushes", brushes), signal);
    this.message = make("div", "sw-lb-message", this.root, { role: "status" });
    this.grid = new Grid(
      this.root,
      { sort: (key) => this.sort(key), choose: (id, on) => this.choose(id, on), open: (id) => model.send?.({ kind: "open", id }) },
      signal,
    );
    this.empty = make("div", "sw-lb-empty", this.root);
    this.pair = new ComparisonView(this.root, () => this.put("chosen", []), signal);
    host.append(this.root);
    keepKeys(this.root, signal);
    this.endings.push(
      () => controller.abort(),
      () => this.grid.dispose(),
      () => this.parallel.dispose(),
      onChange(
        model,
        ["runs", "state", "sort_by", "descending", "constraints", "brushes", "front_only", "front_by", "chosen", "parallel_shown", "message", "max_height"],
        () => this.draw(),
      ),
    );
    this.draw();
  }

  dispose(): void {
    for (const end of this.endings) end();
    this.root.remove();
  }

  private put<K extends keyof LeaderboardTraits>(name: K, value: LeaderboardTraits[K]): void {
    this.model.set(name, value);
    this.model.save_changes();
    this.draw();
  }

  private sort(key: string): void {
    const next = pressed(key, this.model.get("sort_by"), this.model.get("descending"));
    this.model.set("sort_by", next.key);
    this.put("descending", next.descending);
  }

  /** Two are compared: a third takes the place of the one that was chosen first. */
  private choose(id: string, on: boolean): void {
    const others = this.model.get("chosen").filter((other) => other !== id);
    this.put("chosen", on ? [...others, id].slice(-2) : others);
  }

  private draw(): void {
    const { model } = this;
    const runs = model.get("runs");
    const asked = constraints(model.get("constraints"));
    const [brushes, only] = [model.get("brushes"), model.get("front_only")];
    const [first = "silhouette", second = "coverage"] = model.get("front_by");
    const kept = runs.filter((run) => keeps(run, asked));
    const brushed = kept.filter((run) => within(run, brushes));
    const best = front(brushed, first, second);
    const shown = only ? brushed.filter((run) => best.has(run.id)) : brushed;
    const chosen = model.get("chosen").filter((id) => runs.some((run) => run.id === id));
    this.form.show(runs, asked, { only, first, second }, Object.keys(brushes).length);
    this.lines.setAttribute("aria-pressed", String(model.get("parallel_shown")));
    this.parallel.root.hidden = !model.get("parallel_shown");
    if (model.get("parallel_shown")) this.parallel.show({ all: kept, kept: shown, front: best, brushes });
    this.grid.show({
      runs: sorted(shown, model.get("sort_by"), model.get("descending"), best), front: best, chosen,
      sortBy: model.get("sort_by"), descending: model.get("descending"), busy: model.get("state") === "pending",
      height: model.get("max_height"),
    });
    const pair = chosen.map((id) => runs.find((run) => run.id === id) as Run);
    this.pair.show(pair.length === 2 ? [pair[0] as Run, pair[1] as Run] : null);
    this.drawAround(runs.length, shown.length, best.size, chosen.length);
  }

  private drawAround(all: number, shown: number, best: number, chosen: number): void {
    const { model } = this;
    const state = model.get("state");
    this.root.dataset["state"] = state;
    this.grid.root.hidden = all === 0;
    this.empty.hidden = shown > 0;
    this.empty.textContent =
      all > 0
        ? "No run keeps to all of this. “Show all” lifts every limit."
        : state === "pending" ? "Reading the tracked runs …" : "No run yet: promote one, and it is listed here.";
    say(this.message, model.get("message"));
    this.message.hidden = model.get("message") === "";
    const column = COLUMNS.find(({ key }) => key === model.get("sort_by"));
    const counted = shown === all ? plural(all, "run") : `${count(shown)} of ${plural(all, "run")}`;
    const order = column ? `, sorted by ${column.head}, ${model.get("descending") ? "descending" : "ascending"}` : "";
    const compared = chosen === 1 ? " · tick another one to compare" : "";
    const fronted = best > 0 ? ` · ${count(best)} on the Pareto front` : "";
    const told = state === "pending" ? `${counted} · being read anew …` : `${counted}${order}${fronted}${compared}`;
    say(this.status, all === 0 ? "" : told);
  }
}
