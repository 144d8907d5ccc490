"""A JupyterLab as a notebook instance has one: the extension, a restore's directory, tracked runs, behind a prefix."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import sqlite3
import sys
import time
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, expect

from segwidgets.recipe import Recipe
from segwidgets.tracking import MLflowTracker
from segwidgets.tracking.base import recipe_params
from segwidgets.tracking.mlflow import MARK

from .driver import ROOT, TOKEN, Lab, Notebook, jupyterlab

BASE = "/user/jane"
#: Runs that were tracked elsewhere, besides the jobs of this machine.
OTHERS = 3_000
KERNELS = {"rapids": "RAPIDS (segwidgets)", "segwidgets-cpu": "segwidgets CPU"}


@dataclasses.dataclass(frozen=True)
class Instance:
    """The running JupyterLab and the files that its restore would write."""

    lab: Lab
    work: Path

    @property
    def kernel_dir(self) -> Path:
        return self.work / "rapids-kernel"

    @property
    def log(self) -> Path:
        return self.kernel_dir / "restore.log"

    def status(self, state: str, **changes: Any) -> None:
        """Write the status as a restore does, whole."""
        now = time.time()
        done = state == "ready"
        status = {
            "version": 1, "state": state, "phase": "done" if done else "downloading", "started": now - 95,
            "updated": now, "finished": now if done else None, "packages": {"done": 274 if done else 117, "all": 274},
            "bytes": {"done": 4_100_000_000 if done else 1_763_000_000, "all": 4_100_000_000},
            "rate": None if done else 19_500_000, "seconds_left": None if done else 118,
            "fraction": 1.0 if done else 0.43, "key": "0123456789abcdef", "warm": False,
            "kernels": {"rapids": None, "cpu": None}, "driver": "535.161.07", "gpu": "Tesla T4",
            "instance_type": "ml.g4dn.xlarge", "reason": "", "log": str(self.log), "pid": os.getpid(),
            "boot": Path("/proc/sys/kernel/random/boot_id").read_text().strip(),
        }  # fmt: skip
        self.kernel_dir.mkdir(exist_ok=True)
        part = self.kernel_dir / "status.json.part"
        part.write_text(json.dumps({**status, **changes}))
        part.replace(self.kernel_dir / "status.json")

    def clear(self) -> None:
        """As on a laptop, where no restore has ever run."""
        for name in ("status.json", "restore.log", "retry"):
            (self.kernel_dir / name).unlink(missing_ok=True)
        for name in KERNELS:
            (self.specs / name / "kernel.json").unlink(missing_ok=True)

    @property
    def specs(self) -> Path:
        return self.work / "data" / "kernels"

    def register(self, name: str) -> None:
        """The kernelspec as the restore writes it; its environment is this one."""
        place = self.specs / name
        place.mkdir(parents=True, exist_ok=True)
        argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        spec = {"argv": argv, "display_name": KERNELS[name], "language": "python"}
        (place / "kernel.json").write_text(json.dumps(spec))

    def kernels(self, *names: str) -> dict[str, Any]:
        """What a status says of these kernels; their environment is this Python's."""
        env = str(Path(sys.executable).parent.parent)
        short = {"rapids": "rapids", "segwidgets-cpu": "cpu"}
        return {short[name]: {"name": name, "env": env} if name in names else None for name in KERNELS}

    def open(self, notebook: Notebook, path: str = "") -> None:
        """JupyterLab in a workspace of its own, with a file of the root where one is named."""
        page = notebook.page
        tree = f"/tree/{path}" if path else ""
        page.goto(f"{self.lab.address}/lab/workspaces/w{time.time_ns()}{tree}?token={TOKEN}")
        page.wait_for_function("() => window.jupyterapp?.restored", timeout=90_000)
        page.evaluate("() => window.jupyterapp.restored")
        # The extension speaks for the first time after that.
        expect(page.locator("#jp-main-dock-panel")).to_be_visible(timeout=60_000)
        if page.evaluate("() => document.body.dataset.jpThemeName") != "JupyterLab Light":
            notebook.theme("JupyterLab Light")

    def run(self, notebook: Notebook, command: str, args: Mapping[str, Any] | None = None) -> None:
        """Run a command of JupyterLab and do not wait for its end: it may have opened a dialog."""
        notebook.page.evaluate(
            "([command, args]) => { void window.jupyterapp.commands.execute(command, args) }",
            [command, dict(args or {})],
        )

    def setting(self, plugin: str, **values: Any) -> None:
        """Keep a setting on the server, before a page is opened."""
        place = self.work / "settings" / "segwidgets-lab"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{plugin}.jupyterlab-settings").write_text(json.dumps(values))

    def forget_settings(self) -> None:
        for file in (self.work / "settings" / "segwidgets-lab").glob("*.jupyterlab-settings"):
            file.unlink()


def notice(notebook: Notebook, text: str) -> Locator:
    """A notice in JupyterLab's corner."""
    return notebook.page.locator(".Toastify__toast", has_text=text)


def tracked(home: Path, runs: int) -> None:
    """As many completed runs in the home's tracker: one through the tracker, the others as its rows over again."""
    database_file = home / "mlflow.db"
    tracker = MLflowTracker(f"sqlite:///{database_file}")
    first = tracker.start(experiment="spring", name="other-0", tags={MARK: "0.1", "segwidgets.trial": "north"})
    params = {**recipe_params(Recipe().replace(eps=0.4)), "verdict": "exact", "recipe_digest": "0" * 64}
    metrics = {"clusters": 7.0, "coverage": 0.9, "largest": 0.4, "smallest": 0.03, "silhouette": 0.5}
    tracker.log(first, params=params, metrics=metrics)
    tracker.end(first, "completed")
    with contextlib.closing(sqlite3.connect(database_file)) as database:
        copies = [(uuid.uuid4().hex, f"other-{at}", at * 60_000) for at in range(1, runs)]
        for table in ("runs", "params", "tags", "latest_metrics"):
            columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
            said = {"run_uuid": "?1"} | ({"name": "?2", "start_time": "start_time - ?3"} if table == "runs" else {})
            chosen = ", ".join(said.get(name, f'"{name}"') for name in columns)
            # The names are those of MLflow's own tables.
            order = f"INSERT INTO {table} SELECT {chosen} FROM {table} WHERE run_uuid = '{first}'"  # noqa: S608
            database.executemany(order, copies if table == "runs" else [copy[:1] for copy in copies])
        scores = [(at / runs, uid) for at, (uid, _, _) in enumerate(copies)]
        database.executemany("UPDATE latest_metrics SET value = ?1 WHERE run_uuid = ?2 AND key = 'silhouette'", scores)
        database.commit()


@contextlib.contextmanager
def instance(work: Path, home: Path) -> Iterator[Instance]:
    """Start it; ``home`` is segwidgets' home, where jobs and the tracker's database lie."""
    extensions = work / "labextensions"
    extensions.mkdir(parents=True)
    # The committed build, whatever else is installed.
    (extensions / "segwidgets-lab").symlink_to(ROOT / "segwidgets" / "lab" / "labextension")
    config = work / "config"
    config.mkdir()
    (config / "jupyter_server_config.json").write_text(
        json.dumps({"ServerApp": {"jpserver_extensions": {"segwidgets.lab": True}}})
    )
    variables = {
        "SEGWIDGETS_KERNEL_DIR": str(work / "rapids-kernel"),
        "SEGWIDGETS_HOME": str(home),
        "SEGWIDGETS_PYTHON": sys.executable,
        "SEGWIDGETS_TRACKING_URI": "",
        "MLFLOW_TRACKING_URI": "",
    }
    options = [f"--LabApp.extra_labextensions_path={extensions}"]
    with jupyterlab(work, base=BASE, variables=variables, options=options) as lab:
        yield Instance(lab, work)
