import { describe, expect, it } from "vitest";
import { isOurs } from "../src/shared/keys";
import { sameTheme, type Theme } from "../src/shared/theme";

const key = (name: string, held: Partial<Record<"shiftKey" | "ctrlKey" | "metaKey" | "altKey", boolean>> = {}) => ({
  key: name, shiftKey: false, ctrlKey: false, metaKey: false, altKey: false, ...held,
});

describe("keys while a widget has the focus", () => {
  it("are the widget's, with shift too", () => {
    expect(isOurs(key("ArrowLeft"))).toBe(true);
    expect(isOurs(key("a"))).toBe(true);
    expect(isOurs(key("ArrowLeft", { shiftKey: true }))).toBe(true);
  });

  it("are the host's with a modifier, and where they run the cell", () => {
    expect(isOurs(key("s", { ctrlKey: true }))).toBe(false);
    expect(isOurs(key("z", { metaKey: true }))).toBe(false);
    expect(isOurs(key("ArrowLeft", { altKey: true }))).toBe(false);
    expect(isOurs(key("Enter", { shiftKey: true }))).toBe(false);
    expect(isOurs(key("Enter"))).toBe(true);
  });
});

describe("a theme", () => {
  const light: Theme = { background: [1, 1, 1], dark: false };
  it("is another one only where a colour is", () => {
    expect(sameTheme(light, { background: [1, 1, 1], dark: false })).toBe(true);
    expect(sameTheme(light, { background: [1, 1, 0.9], dark: false })).toBe(false);
    expect(sameTheme(light, { background: [0, 0, 0], dark: true })).toBe(false);
  });
});
