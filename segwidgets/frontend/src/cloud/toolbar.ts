import { count } from "../shared/format";
import { make } from "../shared/dom";
import { button, ICONS } from "./dom";

export interface ToolbarActions {
  toggleLasso(): void;
  fit(): void;
  save(): void;
  /** 0: by the number of points. */
  size(pixels: number): void;
  opacity(share: number): void;
  clearSelection(): void;
}

/** Buttons over the picture, and a small box with the size and the opacity of points. */
export class Toolbar {
  private readonly lasso: HTMLButtonElement;
  private readonly settings: HTMLButtonElement;
  private readonly box: HTMLDivElement;
  private readonly size: HTMLInputElement;
  private readonly automatic: HTMLInputElement;
  private readonly opacity: HTMLInputElement;
  private readonly chip: HTMLButtonElement;

  constructor(stage: HTMLElement, actions: ToolbarActions) {
    this.chip = button("sw-chip", "Clear the selection", "", actions.clearSelection, stage);
    const bar = make("div", "sw-toolbar", stage);
    bar.setAttribute("role", "toolbar");
    bar.setAttribute("aria-label", "Picture");
    this.lasso = button("sw-tool sw-tool-lasso", "Lasso: draw round points to select them (L); shift adds, alt removes", ICONS.lasso, actions.toggleLasso, bar);
    button("sw-tool", "Fit: show the whole cloud (0, or double click)", ICONS.fit, actions.fit, bar);
    button("sw-tool sw-tool-save", "Save the picture as PNG", ICONS.save, actions.save, bar);
    this.settings = button("sw-tool sw-tool-settings", "Size and opacity of points", ICONS.settings, () => this.open(this.box.hidden), bar);
    this.box = make("div", "sw-settings", stage);
    this.box.hidden = true;
    this.box.id = `sw-settings-${Math.random().toString(36).slice(2)}`;
    this.box.setAttribute("role", "group");
    this.box.setAttribute("aria-label", "Size and opacity of points");
    this.settings.setAttribute("aria-controls", this.box.id);
    this.settings.setAttribute("aria-expanded", "false");
    this.size = this.slider("Size", 0.5, 12, 0.1, (value) => {
      this.automatic.checked = false;
      actions.size(value);
    });
    const label = make("label", "sw-look sw-look-auto", this.box);
    this.automatic = make("input", "", label);
    this.automatic.type = "checkbox";
    this.automatic.addEventListener("change", () => actions.size(this.automatic.checked ? 0 : Number(this.size.value)));
    label.append("size chosen for me");
    this.opacity = this.slider("Opacity", 0.05, 1, 0.01, actions.opacity);
    this.box.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key !== "Escape") return;
      this.open(false);
      this.settings.focus();
    });
  }

  update(state: { lassoing: boolean; selected: number; size: number; automaticSize: number; opacity: number }): void {
    this.lasso.setAttribute("aria-pressed", String(state.lassoing));
    this.chip.hidden = state.selected === 0;
    this.chip.innerHTML = `<span>${count(state.selected)} selected</span>${ICONS.close}`;
    this.chip.setAttribute("aria-label", `${count(state.selected)} selected: clear the selection`);
    this.automatic.checked = state.size === 0;
    this.size.value = String(state.size || state.automaticSize);
    this.opacity.value = String(state.opacity);
  }

  private open(open: boolean): void {
    this.box.hidden = !open;
    this.settings.setAttribute("aria-expanded", String(open));
    if (open) this.size.focus();
  }

  private slider(name: string, min: number, max: number, step: number, act: (value: number) => void): HTMLInputElement {
    const label = make("label", "sw-look", this.box);
    make("span", "", label).textContent = name;
    const field = make("input", "", label);
    field.type = "range";
    Object.assign(field, { min: String(min), max: String(max), step: String(step) });
    field.addEventListener("input", () => act(Number(field.value)));
    return field;
  }
}
