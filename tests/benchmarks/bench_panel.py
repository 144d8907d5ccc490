"""What the panel's cloud costs in a live JupyterLab in headless Chromium, beside the other widgets that draw points.

Chromium draws in software here, so each time stands twice: until the picture is on the screen, forced by reading a
pixel, and until the drawing begins. tests/browser/hooks.js counts what comes from the kernel and what WebGL is given.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright
from playwright.sync_api import Error as PlaywrightError

sys.path.insert(0, str(Path(__file__).parents[1]))

from browser import driver

ROWS = 1_000_000
MANY = 5_000_000
REPEATS = 3
RELABELS = 3
#: Milliseconds after which a peer has not painted.
PATIENCE = 300_000
#: eps of the ticks: as a hand moves the slider, up and down over a range in which the segments change.
GRID = [round(0.25 + 0.01 * step, 3) for step in (*range(15), *range(15, 0, -1))]

DATA = """
import numpy as np
N = ROWS
random = np.random.default_rng(0)
centres = random.normal(0, 6, (12, 3))
truth = random.integers(0, 12, N)
points = (centres[truth] + random.normal(0, 0.8, (N, 3))).astype(np.float32)
labels = truth.astype(np.int32)
labels[random.random(N) < 0.08] = -1
def relabelled(seed):
    # Another min_samples moves the edges of segments: a tenth of the points changes sides.
    random = np.random.default_rng(seed)
    other = labels.copy()
    some = random.random(N) < 0.1
    other[some] = random.integers(-1, 12, int(some.sum()))
    return other
others = [relabelled(seed) for seed in range(RELABELS)]
"""


@dataclasses.dataclass(frozen=True)
class Library:
    """How a widget is imported, shown and told of other labels; ``flat`` if it draws two of the three dimensions."""

    prepare: str
    show: str
    relabel: str
    repeats: int = REPEATS
    flat: bool = False


LIBRARIES = {
    "segwidgets": Library(
        "from segwidgets.panel.pointcloud import PointCloud",
        "cloud = PointCloud(points, labels, height=500)\ncloud",
        "cloud.set_labels(others[SEED])",
    ),
    "jupyter-scatter": Library(
        "import jscatter, pandas as pd\n"
        "frame = pd.DataFrame(points, columns=list('xyz')).assign(label=pd.Categorical(labels))",
        "plot = jscatter.Scatter(data=frame, x='x', y='y', color_by='label', height=500)\nplot.show()",
        "frame = frame.assign(label=pd.Categorical(others[SEED]))\nplot.data(frame)",
        flat=True,
    ),
    "k3d": Library(
        "import k3d\npalette = np.random.default_rng(1).integers(0, 0xFFFFFF, 13).astype(np.uint32)",
        "plot = k3d.plot(height=500)\n"
        "cloud = k3d.points(points, colors=palette[labels], point_size=0.08, shader='flat')\n"
        "plot += cloud\nplot.display()",
        "cloud.colors = palette[others[SEED]]",
    ),
    "ipyvolume": Library(
        "import ipyvolume as ipv\npalette = np.random.default_rng(1).random((13, 3)).astype(np.float32)",
        "figure = ipv.figure(width=700, height=500)\n"
        "cloud = ipv.scatter(*points.T, color=palette[labels], size=0.4, marker='diamond')\ndisplay(figure)",
        "cloud.color = palette[others[SEED]]",
        repeats=1,
    ),
}


@dataclasses.dataclass
class Seen:
    """Milliseconds and bytes of one thing that was done to a widget."""

    painted: float
    before: float
    first: float
    received: int


def _data(rows: int) -> str:
    return DATA.replace("ROWS", str(rows)).replace("RELABELS", str(RELABELS))


@contextlib.contextmanager
def _notebook(browser: Browser, lab: driver.Lab, *cells: str) -> Iterator[driver.Notebook]:
    """These cells in a page of their own, the first one run; the kernel ends with it."""
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    book = driver.Notebook(context.new_page())
    try:
        book.open(lab, lab.write_notebook("bench.ipynb", *cells))
        book.run_cell(0)
        if "Error:" in book.output(0):
            raise RuntimeError(book.output(0))
        yield book
    finally:
        context.close()
        driver.shut_down_kernels(lab)


#: True once draws that were forced to end, after the last upload where that is asked for, hold so many vertices.
WHOLE = """([uploads, least]) => {
  const {draws, uploads: given} = window.__seen;
  const last = uploads ? given.at(-1)?.begin : 0;
  const after = draws.filter((one) => one.begin >= (last ?? Infinity) && one.end > 0);
  return after.reduce((sum, one) => sum + one.vertices, 0) >= least;
}"""


def _settle(page: Page) -> None:
    """Wait until nothing has been drawn, uploaded or received for two seconds."""
    count = "() => window.__seen.drawCalls + window.__seen.messages + window.__seen.uploads.length"
    before, still = -1, 0
    for _ in range(PATIENCE // 250):
        now = page.evaluate(count)
        still = still + 1 if now == before else 0
        before = now
        if still == 8:
            return
        page.wait_for_timeout(250)
    raise RuntimeError("the page does not come to rest.")


def _run(book: driver.Notebook, cell: int, rows: int, *, uploads: bool) -> Seen:
    """Run a cell until all points are on the screen; after ``uploads``, those of the last one.

    Ours draws in parts where the machine is slow: then the whole is there when the last of them is. ipyvolume draws
    several vertices a point.
    """
    _settle(book.page)
    book.watch(vertices=rows // 200, upload=int(0.9 * rows), force=200)
    book.run_cell(cell, wait=False)
    book.page.wait_for_function(WHOLE, arg=[uploads, 0.99 * rows], timeout=PATIENCE)
    _settle(book.page)
    book.page.wait_for_function(WHOLE, arg=[uploads, 0.99 * rows], timeout=PATIENCE)
    seen = book.seen()
    last = seen["uploads"][-1]["begin"] if uploads else 0.0
    draws = [one for one in seen["draws"] if one["begin"] >= last and one["end"]]
    whole = next(
        one
        for one, drawn in zip(draws, itertools.accumulate(one["vertices"] for one in draws), strict=True)
        if drawn >= 0.99 * rows
    )
    began = seen["began"]
    return Seen(whole["end"] - began, draws[0]["begin"] - began, draws[0]["end"] - began, seen["received"])


def compare(browser: Browser, lab: driver.Lab, rows: int) -> dict[str, tuple[list[Seen], list[Seen]]]:
    """First paints and relabellings by library; empty lists where it never painted."""
    found: dict[str, tuple[list[Seen], list[Seen]]] = {}
    for repeat in range(REPEATS):
        for name, library in LIBRARIES.items():
            if repeat >= library.repeats:
                continue
            first, others = found.setdefault(name, ([], []))
            moves = [library.relabel.replace("SEED", str(seed)) for seed in range(RELABELS)]
            prepared = _data(rows) + library.prepare
            with _notebook(browser, lab, prepared, library.show, *moves) as book:
                try:
                    first.append(_run(book, 1, rows, uploads=False))
                    # Relabelled once to warm up.
                    others.extend([_run(book, 2 + move, rows, uploads=True) for move in range(RELABELS)][1:])
                except PlaywrightError as error:
                    sys.stderr.write(f"{name}: {error}\n")
    return found


OWN = """
from segwidgets.compute.density import DensityIndex
from segwidgets.panel.pointcloud import PointCloud
import ipywidgets as widgets, time
index = DensityIndex(points, min_samples=10)
portable, first = index.portable(), index.labels(0.3)
"""
OWN_SHOW = """
cloud = PointCloud(points, first, height=500)
cloud.set_index(portable, 0.3)
eps = widgets.FloatSlider(0.3, min=0.2, max=0.5, step=0.005, description="eps")
link = widgets.jslink((eps, "value"), (cloud, "eps"))
display(eps, cloud)
"""
#: Seconds for which the kernel's process is stopped.
ASLEEP = 8
STOP = f"""
import os, signal, subprocess
subprocess.Popen(["sh", "-c", f"sleep {ASLEEP}; kill -CONT {{os.getpid()}}"])
os.kill(os.getpid(), signal.SIGSTOP)
"""
TICKS = """async grid => {
  const root = document.querySelector('.sw-pointcloud');
  const {model} = root.cloud;
  const rest = () => new Promise((done) => setTimeout(done, 60));
  const ticks = [], segments = new Set();
  for (const eps of grid) {
    window.__seen.watch(1e12, root.cloud.count, 0);
    const begin = window.__seen.now();
    model.set('eps', eps);
    while (window.__seen.uploads.length === 0) await new Promise((done) => setTimeout(done));
    ticks.push(window.__seen.uploads[0].end - begin);
    segments.add(root.dataset.segments);
    await rest();
  }
  return [ticks, segments.size];
}"""
#: Milliseconds from the release of the pointer until the selection is shown.
ANSWERED = """() => {
  const root = document.querySelector('.sw-pointcloud');
  window.__answers = [];
  let begin = 0;
  window.addEventListener('pointerup', () => { begin = performance.now(); }, true);
  new MutationObserver(() => window.__answers.push(performance.now() - begin))
    .observe(root, {attributes: true, attributeFilter: ['data-selected']});
}"""


def _lasso(page: Page) -> float:
    """Milliseconds from the end of a lasso round the middle until its points are selected."""
    page.get_by_role("button", name="Lasso").first.click()
    box = page.locator(".sw-pointcloud canvas").first.bounding_box()
    assert box is not None
    corners = [(0.3, 0.3), (0.6, 0.25), (0.7, 0.7), (0.35, 0.75), (0.3, 0.35)]
    places = [(box["x"] + box["width"] * x, box["y"] + box["height"] * y) for x, y in corners]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=5)
    page.evaluate(ANSWERED)
    page.mouse.up()
    page.wait_for_function("() => window.__answers.length > 0", timeout=60_000)
    return float(page.evaluate("() => window.__answers[0]"))


def _pick(page: Page) -> float:
    """Milliseconds from a click until the point there is selected."""
    page.keyboard.press("Escape")
    box = page.locator(".sw-pointcloud canvas").first.bounding_box()
    assert box is not None
    page.wait_for_timeout(1_000)
    page.evaluate(ANSWERED)
    for step in range(40):  # the middle may be empty
        page.mouse.click(box["x"] + box["width"] * (0.5 + 0.004 * step), box["y"] + box["height"] * 0.5)
        page.wait_for_timeout(300)
        if answers := page.evaluate("() => window.__answers"):
            return float(answers[0])
    raise RuntimeError("no point was hit.")


def _frames(page: Page) -> float:
    """Milliseconds between two pictures while the camera is turned."""
    box = page.locator(".sw-pointcloud canvas").first.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.evaluate("() => window.__seen.watch(1, 1e12, 0)")
    for step in range(60):
        page.mouse.move(x + 4 * step, y + step)
        page.wait_for_timeout(16)
    draws = page.evaluate("() => window.__seen.draws.map((one) => one.begin)")
    page.mouse.up()
    return statistics.median(later - earlier for earlier, later in itertools.pairwise(draws))


def _slide(book: driver.Notebook, key: str) -> float:
    """Bytes from the kernel for each of 30 moves of the eps slider by keyboard; the segments must follow."""
    page = book.page
    page.locator(".widget-slider .noUi-handle").first.focus()
    cloud = page.locator(".sw-pointcloud").first
    before = cloud.get_attribute("data-segments"), cloud.get_attribute("data-noise")
    book.watch()
    for _ in range(30):
        page.keyboard.press(key)
    page.wait_for_timeout(1_500)
    if (cloud.get_attribute("data-segments"), cloud.get_attribute("data-noise")) == before:
        raise RuntimeError("the slider was moved, and the segments did not follow.")
    return float(book.seen()["received"]) / 30


def own(browser: Browser, lab: driver.Lab, rows: int) -> dict[str, float]:
    """What only our cloud does, at so many points: milliseconds and bytes by name."""
    cells = [_data(rows) + OWN, OWN_SHOW, STOP]
    with _notebook(browser, lab, *cells) as book:
        page = book.page
        shown = _run(book, 1, rows, uploads=False)
        page.wait_for_function("() => document.querySelector('.sw-pointcloud').dataset.cut", timeout=PATIENCE)
        page.wait_for_timeout(3_000)
        found = {"first": shown.first, "painted": shown.painted, "bytes": book.seen()["received"] / rows}
        ticks, kinds = page.evaluate(TICKS, GRID)
        if kinds < 3:
            raise RuntimeError("eps moved, and the segments did not.")
        found["tick"], found["slowest tick"] = statistics.median(ticks), max(ticks)
        # The slider itself: with a kernel that is stopped, and with one that answers each move as Jupyter has it.
        book.run_cell(2, wait=False)
        page.wait_for_timeout(1_500)
        found["bytes of a tick"] = _slide(book, "ArrowRight")
        page.wait_for_timeout(1_000 * ASLEEP)
        found["bytes of replies"] = _slide(book, "ArrowLeft")
        found["frame"] = _frames(page)
        page.wait_for_timeout(3_000)
        found["lasso"], found["pick"] = _lasso(page), _pick(page)
        if book.errors:
            raise RuntimeError(book.errors[0])
        return found


def _seconds(milliseconds: float) -> str:
    return f"{milliseconds / 1000:.2f} s" if milliseconds >= 100 else f"{milliseconds:.1f} ms"


def _peers(found: dict[str, tuple[list[Seen], list[Seen]]], rows: int) -> str:
    """The tables of first paints and of relabellings."""
    goals = {"ipyvolume": "10 x", "jupyter-scatter": "3 x", "k3d": "2 x"}, {"jupyter-scatter": "8 x"}
    titles = f"{rows:,} points: cell run to first paint", f"{rows:,} points: relabelled from Python"
    parts = []
    for which, (title, goal) in enumerate(zip(titles, goals, strict=True)):
        lines = [
            f"| {title} | first points | all points | before drawing | bytes a point | slower than ours | goal |",
            "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
        ]
        # A first paint is told by its first points, a relabelling by all of them: half of one is no new picture.
        fields = {"painted": "", "first": "first points ", "before": "before drawing "}
        if not which:
            fields = {"first": "", "painted": "all points ", "before": "before drawing "}
        ours = found["segwidgets"][which]
        for name, kinds in found.items():
            label = f"{name} (2-D)" if LIBRARIES[name].flat else name
            if not kinds[which]:
                lines.append(f"| {label} | never within {PATIENCE // 1000} s | | | | | {goal.get(name, '')} |")
                continue
            seen = {
                field: statistics.median(getattr(one, field) for one in kinds[which])
                for field in ("first", "painted", "before", "received")
            }
            ratio = ""
            if name != "segwidgets" and ours:
                ratio = ", ".join(
                    f"{word}{seen[field] / statistics.median(getattr(one, field) for one in ours):.1f} x"
                    for field, word in fields.items()
                )
            wanted = goal.get(name, "at most 2 bytes" if which and name == "segwidgets" else "")
            told = " | ".join(_seconds(seen[field]) for field in ("first", "painted", "before"))
            lines.append(f"| {label} | {told} | {seen['received'] / rows:.1f} | {ratio} | {wanted} |")
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def _own(sizes: dict[int, dict[str, float]]) -> str:
    """The table of what only our cloud does."""
    least, most = min(sizes), max(sizes)
    scale = most / least
    rows = {
        "cell run to a first picture, with all for cuts in the browser": ("first", "", "opens"),
        "cell run to all points on the screen": ("painted", "", ""),
        "bytes a point for that": ("bytes", "36", ""),
        "eps tick in the browser: relabel and upload": ("tick", "33 ms", f"{33 * scale:.0f} ms"),
        "the slowest of them": ("slowest tick", "", ""),
        "bytes from the kernel for a tick, its process stopped": ("bytes of a tick", "0", "0"),
        "bytes of its replies to a tick, running": ("bytes of replies", "", ""),
        "lasso: all points in it selected": ("lasso", "250 ms", ""),
        "click: the point there selected": ("pick", "250 ms", ""),
        "between two pictures while the camera turns": ("frame", "", "usable"),
    }
    head = " | ".join(f"{size:,} points | goal" for size in sizes)
    lines = [f"| ours | {head} |", "| --- |" + " ---: |" * (2 * len(sizes))]
    for title, (name, goal, many) in rows.items():
        cells = []
        for size, found in sizes.items():
            value = f"{found[name]:.1f}" if name.startswith("bytes") else _seconds(found[name])
            cells.append(f"{value} | {goal if size == least else many}")
        lines.append(f"| {title} | {' | '.join(cells)} |")
    return "\n".join(lines)


def run(rows: int = ROWS, many: int = MANY) -> str:
    """Measure all, and say it as Markdown."""
    with tempfile.TemporaryDirectory() as work, driver.jupyterlab(Path(work)) as lab, sync_playwright() as playwright:
        browser = driver.launch(playwright)
        found = compare(browser, lab, rows)
        sizes = {size: own(browser, lab, size) for size in (rows, many)}
        browser.close()
    note = (
        "Headless Chromium, which draws in software, so also the time until the drawing begins. Medians of "
        f"{REPEATS} notebooks, ipyvolume's of one, as it draws for so long. jupyter-scatter shows two dimensions."
    )
    return "\n\n".join([note, _peers(found, rows), _own(sizes)])


if __name__ == "__main__":
    sys.stdout.write(run(*map(int, sys.argv[1:])) + "\n")
