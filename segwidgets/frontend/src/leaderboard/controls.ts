import { button, say, uniqueId } from "../controls/elements";
import { make } from "../shared/dom";
import type { Constraints } from "./constraints";
import { NOTHING, VERDICTS, typed } from "./constraints";
import { OBJECTIVES } from "./pareto";
import type { Run } from "./runs";
import { numberOf, textOf } from "./runs";

/** How the front is asked for. */
export interface FrontChoice {
  only: boolean;
  first: string;
  second: string;
}

const LIMITS = [
  { key: "noise_max", label: "Noise at most, %", needs: "coverage", most: 100 },
  { key: "segments_min", label: "Segments from", needs: "segments", most: Number.POSITIVE_INFINITY },
  { key: "segments_max", label: "to", spoken: "Segments to", needs: "segments", most: Number.POSITIVE_INFINITY },
  { key: "smallest_min", label: "Each at least, %", spoken: "Each segment at least, % of the rows", needs: "smallest", most: 100 },
] as const;
const VERDICT_WORDS = { "": "any", exact: "exact", differs: "differs", none: "none yet" } as const;

/** The fields that say which runs are shown. */
export class ConstraintForm {
  private readonly limits = new Map<string, HTMLInputElement>();
  private readonly status: HTMLSelectElement;
  private readonly verdict: HTMLSelectElement;
  private readonly text: HTMLInputElement;
  private readonly only: HTMLButtonElement;
  private readonly objectives: [HTMLSelectElement, HTMLSelectElement];
  private readonly error: HTMLElement;
  private readonly clear: HTMLButtonElement;
  private asked: Constraints = NOTHING;

  constructor(
    parent: Element,
    private readonly changed: (asked: Constraints) => void,
    private readonly chose: (front: FrontChoice) => void,
    cleared: () => void,
    signal: AbortSignal,
  ) {
    const form = make("form", "sw-lb-form", parent, { "aria-label": "Which runs are shown" });
    form.addEventListener("submit", (event) => event.preventDefault(), { signal });
    const errorId = uniqueId("error");
    const labelled = (words: string): HTMLElement => {
      const label = make("label", "sw-lb-label", form);
      make("span", "", label).textContent = words;
      return label;
    };
    this.text = make("input", "sw-field sw-lb-text", labelled("Find"), { type: "search", placeholder: "name, trial …", autocomplete: "off", spellcheck: "false" });
    this.text.addEventListener("input", () => this.tell({ text: this.text.value }), { signal });
    for (const { key, label, most, ...rest } of LIMITS) {
      const field = make("input", "sw-field sw-lb-limit", labelled(label), { type: "text", inputmode: "decimal", autocomplete: "off", "aria-errormessage": errorId });
      if ("spoken" in rest) field.setAttribute("aria-label", rest.spoken);
      field.addEventListener("input", () => this.limit(key, field, most), { signal });
      this.limits.set(key, field);
    }
    this.status = make("select", "sw-field sw-lb-select", labelled("Status"));
    this.status.addEventListener("change", () => this.tell({ status: this.status.value }), { signal });
    this.verdict = make("select", "sw-field sw-lb-select", labelled("Verdict"));
    for (const verdict of VERDICTS) make("option", "", this.verdict, { value: verdict }).textContent = VERDICT_WORDS[verdict];
    this.verdict.addEventListener("change", () => this.tell({ verdict: VERDICTS.find((one) => one === this.verdict.value) ?? "" }), { signal });

    const front = make("fieldset", "sw-lb-front", form);
    make("legend", "sw-spoken", front).textContent = "Pareto front";
    this.only = button("sw-button sw-lb-front-only", "Pareto front only", front);
    this.only.addEventListener("click", () => this.pick(this.only.getAttribute("aria-pressed") !== "true"), { signal });
    const objective = (spoken: string): HTMLSelectElement => {
      const made = make("select", "sw-field sw-lb-select", front, { "aria-label": spoken });
      for (const { key, words } of OBJECTIVES) make("option", "", made, { value: key }).textContent = words;
      made.addEventListener("change", () => this.pick(this.only.getAttribute("aria-pressed") === "true"), { signal });
      return made;
    };
    const first = objective("Front: first objective");
    make("span", "", front).textContent = "against";
    this.objectives = [first, objective("Front: second objective")];
    this.clear = button("sw-button sw-lb-clear", "Show all", form);
    this.clear.addEventListener("click", () => {
      this.refuse(null, "");
      cleared();
    }, { signal });
    this.error = make("div", "sw-wrong sw-lb-error", parent, { id: errorId, role: "alert" });
    this.error.hidden = true;
  }

  /** Shows what is asked for, and offers only what these runs can answer. */
  show(runs: readonly Run[], asked: Constraints, front: FrontChoice, brushes: number): void {
    this.asked = asked;
    for (const { key, needs } of LIMITS) {
      const field = this.limits.get(key) as HTMLInputElement;
      const value = asked[key];
      if (document.activeElement !== field) field.value = value === null ? "" : String(value);
      const known = runs.length === 0 || value !== null || runs.some((run) => numberOf(run, needs) !== null);
      field.disabled = !known;
      field.title = known ? "" : `None of these runs has recorded its ${needs === "smallest" ? "smallest segment" : needs}.`;
    }
    if (document.activeElement !== this.text) this.text.value = asked.text;
    const statuses = [...new Set([...runs.map((run) => textOf(run, "status")), asked.status])].filter(Boolean).sort();
    const now = [...this.status.options].slice(1).map((option) => option.value);
    if (this.status.options.length === 0 || now.join() !== statuses.join()) {
      this.status.replaceChildren();
      for (const status of ["", ...statuses]) make("option", "", this.status, { value: status }).textContent = status || "any";
    }
    this.status.value = asked.status;
    this.verdict.value = asked.verdict;
    this.only.setAttribute("aria-pressed", String(front.only));
    [this.objectives[0].value, this.objectives[1].value] = [front.first, front.second];
    const open = Object.entries(NOTHING).every(([key, value]) => asked[key as keyof Constraints] === value);
    this.clear.disabled = open && !front.only && brushes === 0 && this.error.hidden;
  }

  private tell(change: Partial<Constraints>): void {
    this.changed({ ...this.asked, ...change });
  }

  private pick(only: boolean): void {
    this.chose({ only, first: this.objectives[0].value, second: this.objectives[1].value });
  }

  private limit(key: (typeof LIMITS)[number]["key"], field: HTMLInputElement, most: number): void {
    const value = typed(field.value, most);
    if (typeof value === "string") return this.refuse(field, value);
    this.refuse(field, "");
    this.tell({ [key]: value });
  }

  private refuse(field: HTMLInputElement | null, sentence: string): void {
    for (const one of this.limits.values()) {
      if (one === field || field === null) one.setAttribute("aria-invalid", String(sentence !== ""));
      if (field === null && sentence === "") one.blur();
    }
    say(this.error, sentence);
    this.error.hidden = sentence === "";
    if (sentence) this.clear.disabled = false;
  }
}
