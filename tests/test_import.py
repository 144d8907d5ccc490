"""Importing the package is cheap: JupyterLab's server environment does it too."""

from __future__ import annotations

import json
import subprocess
import sys

import segwidgets

HEAVY = ("numpy", "numba", "pandas", "scipy", "sklearn", "mlflow", "boto3", "ipywidgets", "anywidget", "umap")
PROBE = """
import json, sys, time
begin = time.perf_counter()
import segwidgets
print(json.dumps([time.perf_counter() - begin, sorted(sys.modules)]))
"""


def _import_once() -> tuple[float, list[str]]:
    done = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=True)
    seconds, modules = json.loads(done.stdout)
    return seconds, modules


def test_importing_the_package_loads_nothing_heavy() -> None:
    _, modules = _import_once()
    assert not set(HEAVY) & set(modules)


def test_importing_the_package_takes_under_300_ms() -> None:
    # The best of five: what the import costs, not what else the machine was doing.
    assert min(_import_once()[0] for _ in range(5)) < 0.3


def test_every_public_name_is_there() -> None:
    for name in segwidgets.__all__:
        assert getattr(segwidgets, name) is not None


def test_the_lazy_names_are_the_public_names() -> None:
    assert set(segwidgets._HOMES) | {"__version__"} == set(segwidgets.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    assert not hasattr(segwidgets, "Pannel")
