"""The JupyterLab extension as a user meets it: launcher, status bar, side bar, recipes, in a server behind a prefix."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from segwidgets.data import samples
from segwidgets.jobs import Job, promote
from segwidgets.recipe import Recipe
from segwidgets.tracking.ledger import Ledger

from .conftest import Notebook
from .instance import OTHERS, Instance, instance, notice, tracked

pytestmark = pytest.mark.browser

RECIPE = Recipe().replace(eps=0.6, n_neighbors=10, n_epochs=100)
#: Milliseconds for what waits for a kernel or for the kernel's environment, on a loaded machine.
LONG = 120_000


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """An instance with a job that completed, one that will run for long, and thousands of runs from elsewhere."""
    work = tmp_path_factory.mktemp("instance")
    home = work / "home"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEGWIDGETS_HOME", str(home))
        for name in ("MLFLOW_TRACKING_URI", "SEGWIDGETS_TRACKING_URI"):
            patch.delenv(name, raising=False)
        promote(RECIPE, samples.blobs(n=400), experiment="autumn", trial="first").wait(120)
        tracked(home, OTHERS)
        with instance(work, home) as running:
            yield running
        for job in home.glob("jobs/*"):
            Job.load(job.name).stop()


@pytest.fixture
def here(served: Instance) -> Iterator[Instance]:
    """The instance as a laptop is: no restore, no kernel of ours, nobody's settings."""
    served.clear()
    served.forget_settings()
    yield served
    served.clear()


def item(page: Page) -> Locator:
    """What the status bar says of the kernel."""
    return page.locator(".sw-kernel-button")


# -- the status bar ----------------------------------------------------------------------------------------------------


def test_a_laptop_sees_nothing_of_a_restore_unless_it_wants_to(notebook: Notebook, here: Instance) -> None:
    here.open(notebook)
    page = notebook.page
    page.wait_for_function("() => document.querySelector('.sw-kernel-item')?.dataset.state === 'none'")
    expect(item(page)).to_be_hidden()
    here.setting("status", alwaysShown=True)
    here.open(notebook)
    expect(item(page)).to_have_text("RAPIDS: no restore here")
    assert notebook.errors == []


def test_the_status_bar_follows_the_restore_and_says_when_the_kernel_is_ready(
    notebook: Notebook, here: Instance
) -> None:
    here.status("restoring")
    here.open(notebook)
    page = notebook.page
    expect(item(page)).to_have_text("RAPIDS: restoring 43 % (2 min left)", timeout=15_000)
    assert notebook.accessible(".sw-kernel-item") == []
    notebook.shot("lab-status-light")
    notebook.shot("lab-status-bar", of="#jp-bottom-panel")
    page.evaluate(WATCH)
    took = []
    for at, fraction in enumerate((0.5, 0.62, 0.77)):
        page.wait_for_timeout(400 * at)
        begun = time.monotonic()
        here.status("restoring", fraction=fraction, seconds_left=40)
        expect(item(page)).to_have_text(f"RAPIDS: restoring {round(fraction * 100)} % (40 s left)")
        took.append(time.monotonic() - begun)
    # The machine may be busy now and then; the extension itself is never later than this.
    assert min(took) < 2.0, took
    here.register("rapids")
    here.status("ready", kernels=here.kernels("rapids"))
    expect(item(page)).to_have_text("RAPIDS: ready")
    expect(notice(notebook, "The RAPIDS kernel is ready.")).to_be_visible()
    page.wait_for_function("() => 'rapids' in window.jupyterapp.serviceManager.kernelspecs.specs.kernelspecs")
    said = page.evaluate("() => window.__said")
    assert [text.removeprefix("The RAPIDS kernel is being restored: ") for text in said] == [
        "50 % done.",
        "75 % done.",
        "RAPIDS: ready",
    ]
    assert notebook.errors == []


#: Keeps what a screen reader is told.
WATCH = """() => {
  const live = document.querySelector('.sw-kernel-item [role=status]');
  window.__said = [];
  const heard = new MutationObserver(() => window.__said.push(live.textContent));
  heard.observe(live, {childList: true, characterData: true, subtree: true});
}"""


def test_the_details_tell_why_and_start_it_again(notebook: Notebook, here: Instance) -> None:
    here.kernel_dir.mkdir(exist_ok=True)
    here.log.write_text("".join(f"21:00:{at % 60:02d} fetched package-{at}.conda\n" for at in range(300)))
    reason = "The volume is full: 96 MB are left and 2.1 GB are needed. Make room on it, then retry."
    cpu = here.kernels("segwidgets-cpu")
    here.status("degraded", phase="installing", reason=reason, kernels=cpu, finished=time.time(), fraction=None)
    here.open(notebook)
    page = notebook.page
    expect(item(page)).to_have_text("RAPIDS: degraded, CPU kernel only", timeout=15_000)
    item(page).press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(reason)
    expect(dialog.locator(".sw-log")).to_contain_text("package-299")
    assert "package-99.conda" not in dialog.locator(".sw-log").inner_text()
    dialog.get_by_text("Why?").click()
    expect(dialog).to_contain_text("The CPU kernel works; the RAPIDS kernel does not.")
    for theme in ("JupyterLab Dark", "JupyterLab Light"):
        notebook.theme(theme)
        assert notebook.accessible(".sw-details") == []
        notebook.shot(f"lab-details-{theme.split()[1].lower()}")
    # Nothing to start it with.
    dialog.get_by_role("button", name="Retry").click()
    expect(dialog.get_by_role("alert")).not_to_be_empty()
    retry = here.kernel_dir / "retry"
    retry.write_text(f"#!/bin/sh\ntouch {here.kernel_dir}/retried\n")
    retry.chmod(0o755)
    dialog.get_by_role("button", name="Retry").click()
    begun = time.monotonic()
    while not (here.kernel_dir / "retried").exists():
        assert time.monotonic() - begun < 20
        page.wait_for_timeout(100)
    here.status("restoring")
    expect(dialog).to_contain_text("RAPIDS: restoring 43 % (2 min left)")
    expect(dialog).to_contain_text("117 of 274")
    expect(dialog).to_contain_text("1.76 GB of 4.1 GB")
    expect(dialog.get_by_role("button", name="Retry")).to_be_hidden()
    notebook.shot("lab-details-restoring")
    here.status("failed", reason="The download of cuml was cut off five times. Check the network, then retry.")
    expect(notice(notebook, "The RAPIDS kernel could not be restored. The download of cuml")).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(item(page)).to_be_focused()
    assert notebook.errors == []


def test_a_broken_status_file_and_a_server_that_is_gone_are_said_and_asked_less_often(
    notebook: Notebook, here: Instance
) -> None:
    here.status("ready")
    here.open(notebook)
    page = notebook.page
    expect(item(page)).to_have_text("RAPIDS: ready", timeout=15_000)
    (here.kernel_dir / "status.json").write_text("{")
    expect(item(page)).to_have_text("RAPIDS: status unreadable")
    here.status("ready")
    expect(item(page)).to_have_text("RAPIDS: ready")
    asked: list[float] = []
    page.on(
        "request", lambda request: asked.append(time.monotonic()) if "/segwidgets/api/kernel?" in request.url else None
    )
    page.route("**/segwidgets/api/kernel?*", lambda route: route.abort())
    expect(item(page)).to_have_text("RAPIDS: status unknown")
    page.wait_for_timeout(9_000)
    assert len(asked) <= 5, "once in 1.5 s would be six times"
    expect(notice(notebook, "The state of the RAPIDS kernel is not known at the moment")).to_have_count(1)
    page.unroute("**/segwidgets/api/kernel?*")
    expect(item(page)).to_have_text("RAPIDS: ready", timeout=40_000)


def test_nothing_is_asked_while_the_page_is_hidden(notebook: Notebook, here: Instance) -> None:
    here.status("ready")
    here.open(notebook)
    page = notebook.page
    expect(item(page)).to_have_text("RAPIDS: ready", timeout=15_000)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/segwidgets/api/" in request.url else None)
    page.wait_for_timeout(4_000)
    assert asked
    assert all("/segwidgets/api/kernel?" in url for url in asked), "the runs are asked for only while they are shown"
    page.evaluate(
        """() => {
             Object.defineProperty(document, 'hidden', {value: true, configurable: true});
             Object.defineProperty(document, 'visibilityState', {value: 'hidden', configurable: true});
             document.dispatchEvent(new Event('visibilitychange'));
           }"""
    )
    # One look may be under way, and the poll lingers for one.
    page.wait_for_timeout(4_000)
    asked.clear()
    page.wait_for_timeout(5_000)
    assert asked == []
    here.status("degraded", reason="x")
    page.evaluate(
        """() => {
             delete document.hidden;
             delete document.visibilityState;
             document.dispatchEvent(new Event('visibilitychange'));
           }"""
    )
    expect(item(page)).to_have_text("RAPIDS: degraded, CPU kernel only")


# -- the launcher and notebooks ----------------------------------------------------------------------------------------


def kernel_name(page: Page) -> str:
    name: str = page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session?.kernel?.name ?? ''")
    return name


def test_the_launcher_opens_a_notebook_with_the_panel_running_on_the_cpu_kernel_and_says_so(
    notebook: Notebook, here: Instance
) -> None:
    here.register("segwidgets-cpu")
    here.status("restoring", kernels=here.kernels("segwidgets-cpu"))
    here.open(notebook)
    page = notebook.page
    card = page.locator(".jp-LauncherCard", has_text="Segmentation panel").first
    expect(card).to_be_visible(timeout=30_000)
    for theme in ("JupyterLab Dark", "JupyterLab Light"):
        notebook.theme(theme)
        notebook.shot(f"lab-launcher-{theme.split()[1].lower()}")
    card.click()
    expect(
        notice(notebook, "The RAPIDS kernel is not ready yet, so this notebook runs on the CPU kernel.")
    ).to_be_visible()
    expect(page.locator(".sw-panel").first).to_be_visible(timeout=LONG)
    assert kernel_name(page) == "segwidgets-cpu"
    assert (here.lab.root / "Segmentation.ipynb").exists()
    notebook.shot("lab-launched")
    assert notebook.errors == []


def test_the_panels_cells_wait_for_the_user_where_the_setting_says_so(notebook: Notebook, here: Instance) -> None:
    here.register("segwidgets-cpu")
    here.setting("panel", runCells=False, kernel="cpu")
    here.open(notebook)
    page = notebook.page
    here.run(notebook, "segwidgets:open-panel")
    page.wait_for_function(
        "() => window.jupyterapp.shell.currentWidget?.context?.sessionContext?.session?.kernel?.status === 'idle'",
        timeout=LONG,
    )
    page.wait_for_timeout(1_000)
    assert page.locator(".jp-InputPrompt", has_text=re.compile(r"\[\d+\]")).count() == 0
    assert page.locator(".jp-InputPrompt", has_text="[*]").count() == 0


def sources(page: Page) -> str:
    """What stands in the cells of the notebook that opens."""
    page.wait_for_function("() => window.jupyterapp.shell.currentWidget?.content?.widgets?.length > 2", timeout=LONG)
    text: str = page.evaluate(
        """() => window.jupyterapp.shell.currentWidget.content.widgets
                   .map((cell) => cell.model.sharedModel.source).join('\\n')"""
    )
    return text


def rapids_notebook(here: Instance, name: str) -> str:
    here.lab.write_notebook(name, "1 + 1")
    file = here.lab.root / name
    book = json.loads(file.read_text())
    book["metadata"]["kernelspec"] = {"name": "rapids", "display_name": "RAPIDS (segwidgets)", "language": "python"}
    file.write_text(json.dumps(book))
    return name


def test_a_notebook_that_needs_the_rapids_kernel_too_early_asks_and_waits(notebook: Notebook, here: Instance) -> None:
    here.register("segwidgets-cpu")
    here.status("restoring", kernels=here.kernels("segwidgets-cpu"))
    here.open(notebook, rapids_notebook(here, "early.ipynb"))
    page = notebook.page
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("The RAPIDS kernel is not ready", timeout=30_000)
    expect(dialog).to_have_count(1)
    expect(dialog).to_contain_text("restoring 43 %")
    notebook.shot("lab-early-light")
    dialog.get_by_role("button", name="Wait for it").click()
    page.wait_for_timeout(1_000)
    assert kernel_name(page) == ""
    here.register("rapids")
    here.status("ready", kernels=here.kernels("rapids", "segwidgets-cpu"))
    expect(notice(notebook, "now runs on the RAPIDS kernel")).to_be_visible(timeout=60_000)
    assert kernel_name(page) == "rapids"
    assert notebook.errors == []


def test_a_notebook_that_needs_the_rapids_kernel_too_early_can_have_the_cpu_kernel(
    notebook: Notebook, here: Instance
) -> None:
    here.register("segwidgets-cpu")
    here.status("failed", reason="The driver is too old.", kernels=here.kernels("segwidgets-cpu"))
    here.open(notebook, rapids_notebook(here, "refused.ipynb"))
    page = notebook.page
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("The driver is too old.", timeout=30_000)
    notebook.theme("JupyterLab Dark")
    notebook.shot("lab-early-dark")
    notebook.theme("JupyterLab Light")
    dialog.get_by_role("button", name="Use the CPU kernel meanwhile").click()
    page.wait_for_function(
        "() => window.jupyterapp.shell.currentWidget.sessionContext.session?.kernel?.name === 'segwidgets-cpu'",
        timeout=60_000,
    )
    assert notebook.errors == []


def test_another_notebook_is_asked_nothing(notebook: Notebook, here: Instance) -> None:
    here.status("restoring")
    notebook.open(here.lab, here.lab.write_notebook("plain.ipynb", "1 + 1"))
    expect(notebook.page.get_by_role("dialog")).to_have_count(0)
    assert kernel_name(notebook.page) == "python3"


# -- the side bar ------------------------------------------------------------------------------------------------------


def jobs(page: Page) -> Locator:
    return page.locator(".sw-jobs")


def chosen(page: Page) -> Locator:
    """What is known of the chosen run."""
    return page.locator(".sw-jobs-pane")


def show_jobs(notebook: Notebook, here: Instance) -> Locator:
    here.open(notebook)
    here.run(notebook, "segwidgets:show-jobs")
    found = jobs(notebook.page)
    expect(found.locator(".sw-jobs-status")).to_have_text(re.compile(r"^3,00\d runs$"), timeout=LONG)
    return found


def test_thousands_of_runs_are_listed_filtered_sorted_and_walked_through_by_key(
    notebook: Notebook, here: Instance
) -> None:
    found = show_jobs(notebook, here)
    page = notebook.page
    status = found.locator(".sw-jobs-status")
    options = found.get_by_role("listbox").get_by_role("option")
    assert options.count() < 60, "only the runs in sight are in the page"
    expect(options.first).to_contain_text("exact · ")
    found.get_by_label("Find").fill("other-12 north")
    expect(status).to_have_text(re.compile(r"^\d+ of 3,00\d runs$"))
    found.get_by_label("Find").fill("")
    found.get_by_label("Status").select_option("live")
    expect(found).to_contain_text("No run is like this.")
    found.get_by_label("Status").select_option("")
    found.get_by_label("Sort by").select_option("silhouette")
    expect(found.locator("[aria-posinset='2']")).to_contain_text("silhouette 1")
    found.get_by_role("button", name="Descending").click()
    expect(found.locator("[aria-posinset='1']")).to_contain_text("silhouette 0")
    box = found.get_by_role("listbox")
    box.focus()
    for _ in range(12):
        page.keyboard.press("PageDown")
    active = page.evaluate(
        "() => document.getElementById(document.activeElement.getAttribute('aria-activedescendant')).ariaPosInSet"
    )
    assert int(active) > 50
    expect(found.locator(f"[aria-posinset='{active}']")).to_be_in_viewport()
    expect(chosen(page).get_by_role("heading")).to_have_text(found.locator(".sw-active .sw-jobs-name").inner_text())
    page.keyboard.press("Home")
    for theme in ("JupyterLab Dark", "JupyterLab Light"):
        notebook.theme(theme)
        assert notebook.accessible(".sw-jobs") == []
        notebook.shot(f"lab-jobs-{theme.split()[1].lower()}")
    assert notebook.errors == []


def test_two_runs_are_compared(notebook: Notebook, here: Instance) -> None:
    found = show_jobs(notebook, here)
    page = notebook.page
    box = found.get_by_role("listbox")
    box.focus()
    page.keyboard.press("Home")
    page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("Space")
    expect(chosen(page)).to_contain_text("Two runs chosen")
    notebook.shot("lab-jobs-pair")
    chosen(page).get_by_role("button", name="Compare", exact=True).click()
    table = page.locator(".sw-comparison")
    expect(table.get_by_role("row", name=re.compile("^eps"))).to_be_visible()
    expect(table.get_by_role("button", name="Compare in a notebook")).to_be_visible()
    for theme in ("JupyterLab Dark", "JupyterLab Light"):
        notebook.theme(theme)
        assert notebook.accessible(".sw-comparison") == []
        notebook.shot(f"lab-comparison-{theme.split()[1].lower()}")
    assert notebook.errors == []


def test_a_running_job_shows_how_far_it_is_and_its_log_and_is_stopped_after_a_question(
    notebook: Notebook, here: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEGWIDGETS_HOME", str(here.work / "home"))
    job = promote(RECIPE, samples.blobs(n=400), experiment="autumn", trial="long")
    process = Ledger(job.path).process()["pid"]
    while job.progress.stage == "start":
        time.sleep(0.01)
    # From here on it runs until it is let go on, however slow this machine is.
    os.kill(process, signal.SIGSTOP)
    try:
        here.open(notebook)
        here.run(notebook, "segwidgets:show-jobs")
        page = notebook.page
        found = jobs(page)
        run = found.get_by_role("option", name=re.compile(job.name))
        expect(run).to_be_visible(timeout=LONG)
        run.click()
        expect(run).to_have_attribute("data-status", "live", timeout=30_000)
        expect(run).to_contain_text(re.compile(r"\d %"), timeout=LONG)
        notebook.shot("lab-jobs-running")
        chosen(page).get_by_role("button", name="Log").click()
        log = page.locator(".sw-joblog")
        expect(log.get_by_role("status")).to_contain_text("running", timeout=LONG)
        chosen(page).get_by_role("button", name="Stop").click()
        dialog = page.get_by_role("dialog")
        notebook.shot("lab-stop")
        dialog.get_by_role("button", name="Let it run").click()
        expect(run).to_have_attribute("data-status", "live")
        chosen(page).get_by_role("button", name="Stop").click()
        dialog.get_by_role("button", name="Stop it").click()
        begun = time.monotonic()
        while not (job.path / "stop").exists():
            assert time.monotonic() - begun < 60
            page.wait_for_timeout(100)
        os.kill(process, signal.SIGCONT)
        expect(run).to_have_attribute("data-status", "stopped", timeout=LONG)
        expect(log.get_by_role("status")).to_contain_text("has ended", timeout=LONG)
        expect(log.locator(".sw-log")).not_to_be_empty()
        expect(chosen(page).get_by_role("button", name="Stop")).to_have_count(0)
        for theme in ("JupyterLab Dark", "JupyterLab Light"):
            notebook.theme(theme)
            assert notebook.accessible(".sw-joblog") == []
            notebook.shot(f"lab-log-{theme.split()[1].lower()}")
        assert notebook.errors == []
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGCONT)
        job.stop()


#: Runs a script, reaches for JupyterLab's page and for the network, and notes what came of it.
REPORT = """<!doctype html>
<html lang="en"><head><title>Report</title></head><body><h1>Spring customers</h1><script>
  const noted = document.body.dataset;
  noted.ran = 'yes';
  document.addEventListener('securitypolicyviolation', () => { noted.network = 'refused'; });
  try { parent.document.title = 'reached'; } catch { noted.page = 'refused'; }
  fetch('https://report.invalid/').catch(() => undefined);
</script></body></html>
"""


def test_a_runs_settings_open_in_the_panel_and_its_report_beside_it(notebook: Notebook, here: Instance) -> None:
    here.register("segwidgets-cpu")
    here.setting("panel", runCells=False, kernel="cpu")
    # Their names tell when they were promoted: the first is the one that completed.
    job = min((here.work / "home" / "jobs").iterdir())
    report = job / "output" / "data" / "report.html"
    report.write_text(REPORT)
    found = show_jobs(notebook, here)
    page = notebook.page
    found.get_by_label("Find").fill(job.name)
    found.get_by_role("option", name=re.compile(job.name)).click()
    expect(chosen(page).get_by_role("button", name="Report")).to_be_visible(timeout=30_000)
    chosen(page).get_by_role("button", name="Report").click()
    inside = page.frame_locator("iframe[title^='Report of']").locator("body")
    expect(inside).to_contain_text("Spring customers", timeout=LONG)
    expect(inside).to_have_attribute("data-ran", "yes")
    expect(inside).to_have_attribute("data-page", "refused")
    expect(inside).to_have_attribute("data-network", "refused")
    chosen(page).get_by_role("button", name="Open in panel").click()
    assert "'eps': 0.6" in sources(page)
    assert notebook.errors == []


# -- recipes -----------------------------------------------------------------------------------------------------------


def recipe_file(here: Instance, name: str, text: str) -> str:
    (here.lab.root / name).write_text(text)
    return name


def test_a_recipe_opens_as_a_card_and_goes_on_in_a_panel_or_as_text(notebook: Notebook, here: Instance) -> None:
    here.register("segwidgets-cpu")
    here.setting("panel", runCells=False, kernel="cpu")
    values = {**RECIPE.to_dict(), "digest": RECIPE.digest}
    here.open(notebook, recipe_file(here, "spring.recipe.json", json.dumps(values)))
    page = notebook.page
    card = page.locator(".sw-recipe")
    expect(card.get_by_role("heading", name="spring")).to_be_visible(timeout=60_000)
    expect(card).to_contain_text("n_neighbors")
    expect(card).to_contain_text("every usable column")
    expect(card).to_contain_text(RECIPE.digest)
    for theme in ("JupyterLab Dark", "JupyterLab Light"):
        notebook.theme(theme)
        assert notebook.accessible(".sw-recipe") == []
        notebook.shot(f"lab-recipe-{theme.split()[1].lower()}")
    card.get_by_role("button", name="Open as text").click()
    expect(page.locator(".jp-FileEditor")).to_be_visible(timeout=30_000)
    page.locator(".lm-TabBar-tab", has_text="spring.recipe.json").first.click()
    card.get_by_role("button", name="Open in panel").click()
    assert "'n_neighbors': 10" in sources(page)
    assert notebook.errors == []


def test_a_recipe_that_is_wrong_says_where(notebook: Notebook, here: Instance) -> None:
    text = '{"version": 1,\n "embedding": {"n_neighbors": 15, "neighbours": 3},\n "paint": "blue"}'
    here.open(notebook, recipe_file(here, "odd.recipe.json", text))
    page = notebook.page
    card = page.locator(".sw-recipe")
    expect(card).to_contain_text("Not a setting of a recipe: neighbours, paint.", timeout=60_000)
    assert notebook.accessible(".sw-recipe") == []
    notebook.shot("lab-recipe-odd")
    # The file changes under the card's eyes.
    page.evaluate(
        '() => window.jupyterapp.shell.currentWidget.context.model.fromString(\'{"version": 1,\\n "embedding": {,}}\')'
    )
    expect(card.get_by_role("alert")).to_contain_text("It stops being JSON in line 2, column ")
    expect(card.get_by_role("button", name="Open in panel")).to_be_disabled()
    notebook.shot("lab-recipe-broken")
    assert notebook.errors == []


# -- versions ----------------------------------------------------------------------------------------------------------


def test_versions_that_do_not_fit_are_told_once_with_the_way_out(notebook: Notebook, here: Instance) -> None:
    page = notebook.page

    def older(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, json={**answer.json(), "version": "0.0.9"})

    page.route("**/segwidgets/api/hello*", older)
    here.open(notebook)
    expect(notice(notebook, "JupyterLab's server 0.0.9. Restart JupyterLab and reload the page")).to_have_count(
        1, timeout=LONG
    )
    page.unroute("**/segwidgets/api/hello*")


def test_a_server_without_the_extension_is_told_how_to_get_it_and_not_asked_on(
    notebook: Notebook, here: Instance
) -> None:
    page = notebook.page
    asked: list[str] = []

    def without(route: Route) -> None:
        asked.append(route.request.url)
        route.fulfill(status=404, body="<html>Not Found</html>")

    page.route("**/segwidgets/api/**", without)
    here.open(notebook)
    expect(notice(notebook, "pip install --no-deps segwidgets")).to_have_count(1, timeout=30_000)
    page.wait_for_timeout(5_000)
    assert len(asked) == 2, "once for the versions, once for the kernel"
    assert notebook.errors == []
