import type { Message } from "@lumino/messaging";
import { Poll } from "@lumino/polling";
import { Signal } from "@lumino/signaling";
import { Widget } from "@lumino/widgets";
import { button, say } from "../../../src/controls/elements";
import { make } from "../../../src/shared/dom";
import { count } from "../../../src/shared/format";
import { segmentsIcon } from "../icons";
import { messageOf } from "../server";
import type { Words } from "../words";
import type { RunActions } from "./actions";
import { RunList } from "./list";
import type { Asked, Run, SortKey } from "./model";
import { SORTS, listed, statuses } from "./model";
import { RunPane } from "./pane";
import type { RunStore } from "./store";

/** Milliseconds at most between two looks while the server does not answer. */
const AT_MOST = 60_000;

/** The side bar: fields that say which runs are listed, the list, and what is known of the chosen ones. */
export class JobsSidebar extends Widget {
  readonly choiceChanged = new Signal<this, void>(this);
  private readonly status: HTMLElement;
  private readonly problem: HTMLElement;
  private readonly empty: HTMLElement;
  private readonly choice: HTMLSelectElement;
  private readonly direction: HTMLButtonElement;
  private readonly list: RunList;
  private readonly pane: RunPane;
  private readonly poll: Poll;
  private asked: Asked = { text: "", status: "", sortBy: "started", descending: true };
  private picked: string[] = [];
  private shown: Run[] = [];
  private looked = false;
  private outage = "";

  constructor(
    private readonly store: RunStore,
    actions: RunActions,
    private readonly words: Words,
  ) {
    super();
    this.id = "segwidgets-jobs";
    this.title.icon = segmentsIcon;
    this.title.caption = words.__("Segmentation jobs");
    this.addClass("sw-control");
    this.addClass("sw-jobs");
    this.node.setAttribute("role", "region");
    this.node.setAttribute("aria-label", words.__("Segmentation jobs"));
    const head = make("div", "sw-jobs-head", this.node);
    make("h2", "", head).textContent = words.__("Segmentation jobs");
    const again = button("sw-button sw-jobs-again", "↻", head);
    again.setAttribute("aria-label", words.__("Look again"));
    again.title = words.__("Look again");
    again.addEventListener("click", () => void this.refresh());

    const form = make("form", "sw-jobs-form", this.node, { "aria-label": words.__("Which runs are listed") });
    form.addEventListener("submit", (event) => event.preventDefault());
    const text = make("input", "sw-field sw-jobs-find", form, {
      type: "search", placeholder: words.__("Find by name, experiment …"), "aria-label": words.__("Find"), autocomplete: "off", spellcheck: "false",
    });
    text.addEventListener("input", () => this.ask({ text: text.value }));
    this.choice = make("select", "sw-field", form, { "aria-label": words.__("Status") });
    this.choice.addEventListener("change", () => this.ask({ status: this.choice.value }));
    const sort = make("select", "sw-field", form, { "aria-label": words.__("Sort by") });
    const names = sortNames(words);
    for (const key of SORTS) make("option", "", sort, { value: key }).textContent = names[key];
    sort.addEventListener("change", () => {
      const sortBy = sort.value as SortKey;
      this.ask({ sortBy, descending: !["name", "status", "verdict"].includes(sortBy) });
    });
    this.direction = button("sw-button sw-jobs-direction", "↓", form);
    this.direction.addEventListener("click", () => this.ask({ descending: !this.asked.descending }));
    this.status = make("div", "sw-jobs-status", this.node, { role: "status" });
    this.problem = make("div", "sw-jobs-problem", this.node, { role: "alert" });
    this.list = new RunList(this.node, {
      words,
      choose: (ids) => this.choose(ids),
      open: (run) => {
        if (actions.canOpen) void actions.openInPanel(run);
      },
    });
    this.empty = make("div", "sw-jobs-empty", this.node);
    this.pane = new RunPane(this.node, actions, words);
    this.poll = new Poll({
      name: "segwidgets-lab:jobs",
      auto: false,
      frequency: { interval: 5000, backoff: true, max: AT_MOST },
      standby: () => (this.isVisible ? "when-hidden" : true),
      factory: () => this.look(),
    });
    this.draw();
  }

  override dispose(): void {
    this.poll.dispose();
    this.list.dispose();
    super.dispose();
  }

  /** The chosen runs, in the order they were chosen. */
  get chosen(): Run[] {
    return this.picked.flatMap((id) => this.store.runs.filter((run) => run.id === id));
  }

  set interval(seconds: number) {
    this.poll.frequency = { interval: seconds * 1000, backoff: true, max: Math.max(AT_MOST, seconds * 1000) };
  }

  async refresh(): Promise<void> {
    await this.poll.refresh();
  }

  /** The run under a pointer's event becomes the chosen one, unless it is one of them. */
  point(event: Event): void {
    const run = this.list.under(event);
    if (run && !this.picked.includes(run.id)) this.choose([run.id]);
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this.wake();
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    if (this.isVisible) this.wake();
  }

  protected override onActivateRequest(message: Message): void {
    super.onActivateRequest(message);
    this.list.root.focus();
  }

  private wake(): void {
    void this.poll.refresh();
    this.draw();
  }

  private ask(change: Partial<Asked>): void {
    this.asked = { ...this.asked, ...change };
    this.list.root.scrollTop = 0;
    this.draw();
  }

  private choose(ids: string[]): void {
    this.picked = ids;
    this.draw();
    this.choiceChanged.emit();
  }

  private async look(): Promise<void> {
    try {
      await this.store.look(() => this.draw());
      this.outage = "";
    } catch (error) {
      this.outage = messageOf(error);
      throw error;
    } finally {
      this.looked = true;
      this.draw();
      this.choiceChanged.emit();
    }
  }

  private draw(): void {
    if (this.isDisposed) return;
    const { words } = this;
    const { runs } = this.store;
    this.offer(statuses(runs));
    this.shown = listed(runs, this.asked);
    const chosen = this.chosen;
    this.list.show(this.shown, this.picked);
    this.pane.show(chosen);
    const { descending } = this.asked;
    this.direction.textContent = descending ? "↓" : "↑";
    this.direction.setAttribute("aria-label", descending ? words.__("Descending; press for ascending") : words.__("Ascending; press for descending"));
    this.direction.title = descending ? words.__("Descending") : words.__("Ascending");
    const problem = this.outage || this.store.problem;
    say(this.problem, problem);
    this.problem.hidden = problem === "";
    const all = words._n("%2 run", "%2 runs", runs.length, count(runs.length));
    const counted = this.shown.length === runs.length ? all : words.__("%1 of %2", count(this.shown.length), all);
    const more = this.store.total > runs.length ? ` · ${words.__("reading %1 more …", count(this.store.total - runs.length))}` : "";
    say(this.status, runs.length === 0 ? "" : counted + more);
    this.empty.hidden = this.shown.length > 0;
    this.list.root.hidden = this.shown.length === 0;
    say(
      this.empty,
      !this.looked ? words.__("Reading the tracked runs …")
      : runs.length > 0 ? words.__("No run is like this. Find another word, or another status.")
      : problem ? ""
      : words.__("No run yet. Promote one from a segmentation panel, and it is listed here."),
    );
  }

  /** The statuses to choose from; the one that is asked for stays, though no run has it now. */
  private offer(found: readonly string[]): void {
    const { status } = this.asked;
    const wanted = ["", "live", ...new Set([...found, ...(status && status !== "live" ? [status] : [])])];
    const now = [...this.choice.options].map((option) => option.value);
    if (now.join("\n") === wanted.join("\n")) return;
    this.choice.replaceChildren();
    for (const value of wanted) {
      const option = make("option", "", this.choice, { value });
      option.textContent = value === "" ? this.words.__("any status") : value === "live" ? this.words.__("not ended") : value;
    }
    this.choice.value = status;
  }
}

function sortNames(words: Words): Record<SortKey, string> {
  return {
    started: words.__("by start"),
    name: words.__("by name"),
    status: words.__("by status"),
    verdict: words.__("by verdict"),
    segments: words.__("by segments"),
    coverage: words.__("by coverage"),
    silhouette: words.__("by silhouette"),
    duration: words.__("by duration"),
  };
}
