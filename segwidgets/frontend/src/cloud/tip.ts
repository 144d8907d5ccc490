import type { Rgb } from "../shared/colour";
import { css } from "../shared/colour";
import { count } from "../shared/format";
import { make } from "../shared/dom";
import type { Fact } from "./facts";

/** What is under the pointer, beside a ring around it. */
export class Tip {
  private readonly ring: HTMLDivElement;
  private readonly box: HTMLDivElement;
  private row: number | null = null;
  private at = { x: 0, y: 0 };

  constructor(private readonly stage: HTMLElement) {
    this.ring = make("div", "sw-ring", stage);
    this.box = make("div", "sw-tip", stage);
  }

  /**
   * @param row null where nobody may be told which it is.
   * @param where the name of the row's segment, or nothing.
   */
  show(row: number | null, x: number, y: number, where: string, facts: readonly Fact[], ink: Rgb): void {
    this.row = row;
    this.at = { x, y };
    this.box.textContent = "";
    const head = make("div", "sw-tip-head", this.box);
    make("b", "", head).textContent = where || (row === null ? "" : `row ${count(row)}`);
    if (where && row !== null) head.append(` row ${count(row)}`);
    this.ring.style.borderColor = css(ink);
    this.ring.style.transform = `translate(${x}px, ${y}px)`;
    this.ring.style.visibility = this.box.style.visibility = "visible";
    this.fill(facts);
  }

  /** The kernel's answer, if it is about the row that is shown. */
  tell(row: number, facts: readonly Fact[]): void {
    if (row === this.row) this.fill(facts);
  }

  hide(): void {
    this.row = null;
    this.ring.style.visibility = this.box.style.visibility = "hidden";
  }

  private fill(facts: readonly Fact[]): void {
    this.box.querySelector("dl")?.remove();
    if (facts.length > 0) {
      const list = make("dl", "sw-facts", this.box);
      for (const [name, value] of facts) {
        make("dt", "", list).textContent = name;
        make("dd", "", list).textContent = value;
      }
    }
    // The tip goes to the other side of the point near the right and lower edge.
    const { x, y } = this.at;
    const { offsetWidth: width, offsetHeight: height } = this.box;
    const beside = (place: number, size: number, space: number): number =>
      place + size + 18 < space ? place + 12 : Math.max(2, place - size - 12);
    const [left, top] = [beside(x, width, this.stage.clientWidth), beside(y, height, this.stage.clientHeight)];
    this.box.style.transform = `translate(${Math.round(left)}px, ${Math.round(top)}px)`;
  }
}
