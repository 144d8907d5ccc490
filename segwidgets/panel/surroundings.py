"""What an ipyvolume figure stands in: it takes the page's width and colours, in the browser."""

from __future__ import annotations

import anywidget
import traitlets

#: Gives the figure the width of its cell and the notebook's colours, and asks it for a picture once it has come to
#: rest. Done in the browser: it must not wait for a kernel.
_SURROUNDINGS = """
const reachable = (key) => key.replace("IPY_MODEL_", "");
function paper(element) {
  for (let at = element; at; at = at.parentElement) {
    const colour = getComputedStyle(at).backgroundColor;
    if (!/^rgba\\(.*, 0\\)$|^transparent$/.test(colour)) return colour;
  }
  return "rgb(255, 255, 255)";
}
function isDark(colour) {
  const [red, green, blue] = colour.match(/[\\d.]+/g).map(Number);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue < 110;
}
// ipyvolume's tools are list items outside of a list, and not all have a name.
function nameTools(cloud) {
  for (const tool of cloud?.querySelectorAll("a.ipyvolume-toolicon") ?? []) {
    if (!tool.title) tool.setAttribute("aria-label", "Settings");
    for (const item of tool.querySelectorAll("li")) item.setAttribute("role", "presentation");
  }
}
export default {
  async render({ model, el }) {
    el.classList.add("sw-surroundings");
    const figure = await model.widget_manager.get_model(reachable(model.get("figure")));
    const scatter = await model.widget_manager.get_model(reachable(model.get("scatter")));
    let timer = 0;
    const picture = () => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        nameTools(el.closest(".sw-ipyvolume"));
        figure.trigger("msg:custom", { msg: "screenshot" });
      }, 1500);
    };
    // ipyvolume wipes a lasso away when it ends, and at times draws it once more.
    const wipe = () => setTimeout(() => {
      const overlay = el.closest(".sw-ipyvolume")?.querySelectorAll("canvas")[1];
      overlay?.getContext("2d")?.clearRect(0, 0, overlay.width, overlay.height);
    }, 200);
    document.addEventListener("mouseup", wipe);
    const dress = () => {
      const colour = paper(el);
      const dark = isDark(colour);
      figure.set("style", { ...figure.get("style"), "background-color": colour });
      figure.save_changes();
      if (model.get("dark") !== dark) {
        model.set("dark", dark);
        model.save_changes();
      }
    };
    const fit = () => {
      const width = Math.floor(el.clientWidth) - 10; // ipyvolume's own margins
      if (width < 100 || width === figure.get("width")) return;
      figure.set("width", width);
      figure.save_changes();
    };
    const sizes = new ResizeObserver(fit);
    sizes.observe(el);
    const themes = new MutationObserver(dress);
    const names = ["class", "style", "data-jp-theme-name", "data-jp-theme-light", "data-theme"];
    const watched = { attributes: true, attributeFilter: names };
    themes.observe(document.documentElement, watched);
    themes.observe(document.body, watched);
    // A style sheet that is still loading changes the colours after its link was put into the head.
    document.addEventListener("load", dress, true);
    scatter.on("change", picture);
    figure.on("change:style", picture);
    fit();
    dress();
    picture();
    return () => {
      clearTimeout(timer);
      sizes.disconnect();
      themes.disconnect();
      document.removeEventListener("load", dress, true);
      document.removeEventListener("mouseup", wipe);
      scatter.off("change", picture);
      figure.off("change:style", picture);
    };
  },
};
"""


class Surroundings(anywidget.AnyWidget):  # type: ignore[misc]  # anywidget is followed as Any
    """Gives a figure the width and colours of the page it stands in.

    Attributes:
        figure: the model id of an ``ipyvolume.Figure``.
        scatter: the model id of its scatter: after a change of it, a picture is asked for.
        dark: whether the page is dark; the browser says it.
    """

    _esm = _SURROUNDINGS

    figure = traitlets.Unicode("").tag(sync=True)
    scatter = traitlets.Unicode("").tag(sync=True)
    dark = traitlets.Bool().tag(sync=True)
