"""What a conda package is called on the Python side, where the two names differ by more than dashes and case.

Of the packages in conda-lock.yml each that needs Python is taken to install one distribution of its own name; here are
those that install another. A name that stands on no side does no harm: nothing asks for it.
"""

from __future__ import annotations

import re

DISTRIBUTIONS = {
    "brotli-python": "brotli",
    "dask-core": "dask",
    "importlib_resources": "importlib-resources",
    "matplotlib-base": "matplotlib",
    "mlflow-ui": "mlflow",
    "msgpack-python": "msgpack",
    "pyarrow-core": "pyarrow",
    "python-build": "build",
    "python-graphviz": "graphviz",
    "python-kubernetes": "kubernetes",
    "python-tzdata": "tzdata",
    "pytables": "tables",
    "sagemaker-python-sdk": "sagemaker",
}


def normalised(name: str) -> str:
    """A name as pip compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def distribution(conda_name: str) -> str:
    """The normalised name of the distribution that this conda package installs, if it installs any."""
    return normalised(DISTRIBUTIONS.get(conda_name, conda_name))


def look_up_table() -> dict[str, dict[str, str]]:
    """The same in the form that conda-lock reads, so that it fetches none."""
    return {
        pypi: {"conda_name": conda, "pypi_name": pypi}
        for conda, pypi in DISTRIBUTIONS.items()
        if conda not in {"mlflow-ui", "pyarrow-core"}
    }
