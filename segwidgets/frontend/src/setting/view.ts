import { uniqueId } from "../controls/elements";
import { make } from "../shared/dom";
import { keepKeys } from "../shared/keys";
import look from "../controls/look.css";
import { Throttle } from "../kdist/throttle";
import type { Model } from "../shared/model";
import { onChange } from "../shared/model";
import { Help } from "./help";
import type { Ends, Range } from "./range";
import { STOPS, ends, keyed, positionOf, refusal, shown, stepped, valueAt } from "./range";
import style from "./style.css";

export interface SettingTraits extends Omit<Range, "log"> {
  logarithmic: boolean;
  name: string;
  value: number | null;
  disabled: boolean;
  help: string;
  note: string;
  placeholder: string;
}

const PAUSE = 50;
const RANGE = ["min", "max", "step", "low", "high", "logarithmic", "whole", "optional"] as const;
const WORDS = ["name", "help", "note", "placeholder", "disabled"] as const;

/** One setting: a slider and a number field that move together. */
export class SettingView {
  private readonly root = document.createElement("div");
  private readonly label: HTMLLabelElement;
  private readonly help: Help;
  private readonly note: HTMLElement;
  private readonly slider: HTMLInputElement;
  private readonly field: HTMLInputElement;
  private readonly auto: HTMLInputElement;
  private readonly choice: HTMLLabelElement;
  private readonly error: HTMLElement;
  private readonly throttle: Throttle<void>;
  private readonly endings: (() => void)[] = [];
  private ends: Ends;
  /** The value shown while a pointer holds the slider; what comes from elsewhere meanwhile waits. */
  private held: number | null = null;
  private pressed = false;
  /** The text in the field is the user's and not yet a value; what comes from elsewhere does not overwrite it. */
  private typing = false;
  /** What the setting was before it was left open. */
  private last: number | null = null;

  constructor(
    private readonly model: Model<SettingTraits>,
    host: HTMLElement,
  ) {
    const controller = new AbortController();
    const { signal } = controller;
    this.endings.push(() => controller.abort());
    const id = { label: uniqueId("label"), field: uniqueId("field"), help: uniqueId("help"), note: uniqueId("note"), error: uniqueId("error") };
    this.root.className = "sw-control sw-setting";
    this.root.setAttribute("role", "group");
    this.root.setAttribute("aria-labelledby", id.label);
    make("style", "", this.root).textContent = look + style;
    const head = make("div", "sw-setting-head", this.root);
    this.label = make("label", "sw-setting-name", head, { id: id.label, for: id.field });
    this.help = new Help(head, this.root, id.help, signal);
    this.note = make("span", "sw-setting-note", head, { id: id.note });
    const body = make("div", "sw-setting-body", this.root);
    const described = `${id.help} ${id.note}`;
    this.slider = make("input", "sw-slider", body, {
      type: "range", "aria-describedby": described,
    });
    this.field = make("input", "sw-field sw-number", body, {
      type: "number", step: "any", id: id.field, autocomplete: "off", "aria-describedby": described, "aria-errormessage": id.error,
    });
    this.choice = make("label", "sw-auto", body);
    this.auto = make("input", "", this.choice, { type: "checkbox" });
    this.choice.append("auto");
    this.error = make("div", "sw-wrong sw-setting-error", this.root, { id: id.error, role: "alert" });
    host.append(this.root);

    this.ends = ends(this.range, [this.value]);
    this.last = this.value;
    this.throttle = new Throttle(PAUSE, () => model.save_changes());
    keepKeys(this.root, signal);
    this.listenToSlider(signal);
    this.listenToField(signal);
    this.auto.addEventListener("change", () => this.leaveOpen(this.auto.checked), { signal });
    window.addEventListener("pagehide", () => this.throttle.flush(), { signal });
    this.endings.push(
      onChange(model, RANGE, () => {
        this.ends = ends(this.range, [this.value]);
        this.draw();
      }),
      onChange(model, WORDS, () => this.draw()),
      onChange(model, ["value"], () => this.draw()),
    );
    this.draw();
  }

  dispose(): void {
    this.throttle.flush();
    for (const end of this.endings) end();
    this.root.remove();
  }

  private get range(): Range {
    const { model } = this;
    const log = model.get("logarithmic") && model.get("min") > 0;
    return {
      min: model.get("min"), max: model.get("max"), step: model.get("step"), low: model.get("low"), high: model.get("high"),
      log, whole: model.get("whole"), optional: model.get("optional"),
    };
  }

  private get value(): number | null {
    return this.held ?? this.model.get("value");
  }

  /** Moves the setting; linked widgets follow at once, the kernel at most every 50 ms. */
  private set(value: number | null): void {
    this.typing = false;
    this.refuse("");
    if (value !== this.model.get("value")) {
      this.model.set("value", value);
      this.throttle.push();
    }
    this.draw();
  }

  private listenToSlider(signal: AbortSignal): void {
    const { slider } = this;
    const release = (): void => {
      if (!this.pressed) return;
      this.pressed = false;
      const value = this.held;
      this.held = null;
      if (value !== null) this.set(value);
      this.throttle.flush();
      this.draw();
    };
    slider.addEventListener("pointerdown", () => (this.pressed = true), { signal });
    slider.addEventListener("input", () => {
      const value = valueAt(this.ends, this.range, Number(slider.value));
      if (this.pressed) this.held = value;
      this.set(value);
    }, { signal });
    // Dragged back to where it began, a slider tells no change: the pointer's own events end a drag too.
    for (const name of ["pointerup", "pointercancel", "change", "blur"]) slider.addEventListener(name, release, { signal });
    slider.addEventListener("keydown", (event) => {
      // A linear slider has keys of its own; a stop of a logarithmic one is no step that means anything.
      if (!this.range.log || event.ctrlKey || event.metaKey || event.altKey) return;
      const named = { ArrowRight: "ArrowUp", ArrowLeft: "ArrowDown" }[event.key] ?? event.key;
      const now = this.value ?? valueAt(this.ends, this.range, Number(slider.value));
      const next = keyed(named, event.shiftKey, this.range, now);
      if (next === null) return;
      event.preventDefault();
      this.set(Math.min(this.ends.high, Math.max(this.ends.low, next)));
    }, { signal });
  }

  private listenToField(signal: AbortSignal): void {
    const { field } = this;
    field.addEventListener("input", () => {
      this.typing = true;
      if (!this.judge()) this.refuse("");
    }, { signal });
    // On leaving the field, or Enter: half a number is not sent.
    field.addEventListener("change", () => this.keep(), { signal });
    field.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.typing) {
        this.typing = false;
        this.refuse("");
        this.draw();
        field.select();
      }
      if (event.key === "Enter") this.keep();
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const now = this.typing && this.typed !== null ? this.typed : (this.value ?? this.last);
      const next = keyed(event.key, event.shiftKey, this.range, now ?? this.middle);
      if (next === null) return;
      event.preventDefault();
      if (refusal(this.model.get("name"), this.range, next) === null) this.set(next);
    }, { signal });
  }

  /** The number in the field; NaN where it is none. */
  private get typed(): number | null {
    if (this.field.validity.badInput) return Number.NaN;
    return this.field.value.trim() === "" ? null : Number(this.field.value);
  }

  private get middle(): number {
    const { range } = this;
    const { low, high } = this.ends;
    return stepped(range, valueAt(this.ends, range, range.log ? STOPS / 2 : low + Math.round((high - low) / 2 / range.step) * range.step), 0);
  }

  /** Why what is typed cannot be; "" where it can. */
  private judge(): string {
    const { typed } = this;
    const name = this.model.get("name");
    if (typed !== null && Number.isNaN(typed)) return refusal(name, { ...this.range, optional: false }, null) as string;
    return refusal(name, this.range, typed) ?? "";
  }

  private keep(): void {
    if (!this.typing) return;
    const wrong = this.judge();
    if (wrong) {
      this.refuse(wrong);
      return;
    }
    this.set(this.typed);
  }

  private refuse(sentence: string): void {
    if (this.error.textContent !== sentence) this.error.textContent = sentence;
    this.error.hidden = !sentence;
    this.field.setAttribute("aria-invalid", String(sentence !== ""));
  }

  private leaveOpen(open: boolean): void {
    const now = this.model.get("value");
    if (now !== null) this.last = now;
    this.set(open ? null : (now ?? this.last ?? this.middle));
  }

  private draw(): void {
    const { model, slider, field, range, value } = this;
    const [name, disabled, optional] = [model.get("name"), model.get("disabled"), model.get("optional")];
    const placeholder = model.get("placeholder");
    this.label.textContent = name;
    this.help.write(name, model.get("help"));
    this.note.textContent = model.get("note");
    if (value !== null) this.last = value;
    // While the slider is held its ends stand still under the pointer.
    if (this.held === null) this.ends = ends(range, [value], this.ends);
    const log = range.log;
    const [first, final] = log ? [0, STOPS] : [this.ends.low, this.ends.high];
    for (const [key, number] of Object.entries({ min: first, max: final, step: log ? 1 : range.step })) {
      if (slider.getAttribute(key) !== String(number)) slider.setAttribute(key, String(number));
    }
    const place = positionOf(this.ends, range, value ?? this.last ?? this.middle);
    if (this.held === null) slider.value = String(place);
    slider.style.setProperty("--sw-share", String((place - first) / (final - first || 1)));
    const text = shown(range, value);
    slider.setAttribute("aria-valuetext", value === null ? placeholder : text);
    if (!this.typing && field.value !== text) field.value = text;
    field.placeholder = value === null ? placeholder : "";
    slider.setAttribute("aria-label", name);
    this.choice.hidden = !optional;
    this.choice.title = placeholder;
    this.auto.checked = value === null;
    this.auto.setAttribute("aria-label", `auto: ${name}${placeholder && ` ${placeholder}`}`);
    slider.disabled = field.disabled = this.auto.disabled = disabled;
    this.root.classList.toggle("sw-open", value === null);
    this.root.classList.toggle("sw-off", disabled);
    this.root.dataset["name"] = name;
    if (!this.error.textContent) this.error.hidden = true;
  }
}
