import { css } from "./shared/colour";
import type { Listener, Model, ViewHost } from "./shared/model";
import { readTheme, watchTheme } from "./shared/theme";

interface Traits {
  figure: string;
  scatter: string;
  dark: boolean;
}

/** ipyvolume's models, as far as they are needed. */
interface Part extends Model<{ style: Record<string, unknown>; width: number }> {
  trigger(name: string, content: unknown): void;
}

type Surrounded = Model<Traits> & { widget_manager: { get_model(id: string): Promise<Part> } };

const PAPER = "var(--jp-layout-color0, var(--vscode-editor-background, Canvas))";
/** Milliseconds of rest after which a picture is asked for. */
const REST = 1500;
/** ipyvolume's own margins, pixels. */
const MARGINS = 10;

/** ipyvolume's tools are list items outside of a list, and not all have a name. */
function nameTools(cloud: Element | null): void {
  for (const tool of cloud?.querySelectorAll<HTMLElement>("a.ipyvolume-toolicon") ?? []) {
    if (!tool.title) tool.setAttribute("aria-label", "Settings");
    for (const item of tool.querySelectorAll("li")) item.setAttribute("role", "presentation");
  }
}

/**
 * Gives a figure of ipyvolume the width of its cell and the notebook's colours, and asks it for a picture once it has
 * come to rest. Done in the browser: it must not wait for a kernel.
 */
export default {
  async render({ model, el }: ViewHost<Traits>): Promise<() => void> {
    const surrounded = model as Surrounded;
    el.classList.add("sw-surroundings");
    el.style.backgroundColor = PAPER;
    const figure = await surrounded.widget_manager.get_model(model.get("figure"));
    const scatter = await surrounded.widget_manager.get_model(model.get("scatter"));
    const cloud = (): Element | null => el.closest(".sw-ipyvolume");
    let timer = 0;
    const picture: Listener = () => {
      clearTimeout(timer);
      timer = window.setTimeout(() => {
        nameTools(cloud());
        figure.trigger("msg:custom", { msg: "screenshot" });
      }, REST);
    };
    // ipyvolume wipes a lasso away when it ends, and at times draws it once more.
    const wipe = (): void => {
      setTimeout(() => {
        const overlay = cloud()?.querySelectorAll("canvas")[1];
        overlay?.getContext("2d")?.clearRect(0, 0, overlay.width, overlay.height);
      }, 200);
    };
    const dress = (): void => {
      const theme = readTheme(el);
      const colour = css(theme.background);
      if (figure.get("style")["background-color"] !== colour) {
        figure.set("style", { ...figure.get("style"), "background-color": colour });
        figure.save_changes();
      }
      if (model.get("dark") !== theme.dark) {
        model.set("dark", theme.dark);
        model.save_changes();
      }
    };
    const fit = (): void => {
      const width = Math.floor(el.clientWidth) - MARGINS;
      if (width < 100 || width === figure.get("width")) return;
      figure.set("width", width);
      figure.save_changes();
    };
    const sizes = new ResizeObserver(fit);
    sizes.observe(el);
    document.addEventListener("mouseup", wipe);
    const unwatch = watchTheme(dress);
    scatter.on("change", picture);
    figure.on("change:style", picture);
    fit();
    dress();
    picture();
    return () => {
      clearTimeout(timer);
      sizes.disconnect();
      unwatch();
      document.removeEventListener("mouseup", wipe);
      scatter.off("change", picture);
      figure.off("change:style", picture);
    };
  },
};
