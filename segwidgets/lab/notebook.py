"""A new notebook with the panel in it: which kernel runs it, what stands in it, and where it is put."""

from __future__ import annotations

import os
import pprint
import secrets
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segwidgets.lab.refused import RefusedError

if TYPE_CHECKING:
    from segwidgets.kernelstatus import KernelStatus
    from segwidgets.recipe import Recipe

RAPIDS, CPU = "rapids", "segwidgets-cpu"
NAME = "Segmentation.ipynb"
#: Names that are tried; a link that leads nowhere is taken, though Jupyter does not see it.
_TRIES = 10

_READ = """\
import segwidgets as sw

# Your own customers: sw.read("customers.parquet", id="customer_id"), or a DataFrame, CSV, .npz, s3://…
table = sw.samples.blobs()  # a sample to try things on
table"""
_PANEL = "panel = sw.Panel(table)\npanel"
_RECIPE = """\
# The settings of the run.
recipe = sw.Recipe.from_dict(
{values}
)
panel = sw.Panel(table, recipe=recipe)
panel"""
_COMPARE = """\
names = {names!r}
sw.leaderboard(limit=5_000).set_index("name").reindex(names).T"""
_MOVED = """\
import pandas as pd

before, after = (sw.Job.load(name).result() for name in names)
labels = [pd.Series(one.labels, index=one.ids, name=name) for one, name in zip((before, after), names)]
pd.crosstab(*(one for _, one in pd.concat(labels, axis=1, join="inner").items()))"""


def kernel(wanted: str | None, status: KernelStatus, registered: Collection[str], default: str) -> tuple[str, str]:
    """The kernel of a new notebook, and a note where it is not the one that was meant.

    Args:
        wanted: its name; None for the best there is.
        status: how the kernel's restore stands.
        registered: the names of all kernelspecs.
        default: the server's own choice, where none of ours is registered.
    """
    restored = status.state not in {"none", "unreadable"}
    # A kernelspec may outlive the environment behind it: the restore knows.
    there = {
        RAPIDS: RAPIDS in registered and (not restored or bool(status.kernels.get("rapids"))),
        CPU: CPU in registered and (not restored or bool(status.kernels.get("cpu"))),
    }
    order = (CPU, RAPIDS) if wanted == CPU else (RAPIDS, CPU)
    chosen = next((name for name in order if there[name]), default)
    if chosen == (wanted or RAPIDS) or (wanted is None and not restored):
        return chosen, ""
    called = {RAPIDS: "the RAPIDS kernel", CPU: "the CPU kernel"}.get(chosen, f"the kernel {chosen}")
    if (wanted or RAPIDS) == CPU:
        return chosen, f"The CPU kernel is not there, so this notebook runs on {called}."
    if status.state == "restoring":
        return chosen, f"The RAPIDS kernel is not ready yet, so this notebook runs on {called}."
    return chosen, f"The RAPIDS kernel is not there, so this notebook runs on {called}."


def content(
    spec: Mapping[str, Any], name: str, recipe: Recipe | None, compare: Sequence[str] | None, note: str
) -> dict[str, Any]:
    """The notebook, as nbformat 4.5 has it.

    Args:
        spec: the kernelspec (``display_name``, ``language``).
        name: the kernelspec's name.
        recipe: where the panel starts; None for its own defaults.
        compare: the names of two runs that are set side by side.
        note: stands under the heading.
    """
    said = "# Segmentation\n\nPut your own table into the first cell, then run all cells (Run, Run All Cells)."
    if recipe is not None and (recipe.features.plan or recipe.features.columns):
        said += "\n\nThe settings below name columns: read the table that they were made on."
    cells = [_cell("markdown", f"{said}\n\n{note}".strip()), _cell("code", _READ)]
    if recipe is None:
        cells.append(_cell("code", _PANEL))
    else:
        # A literal of plain values: no text in a recipe can end it and be run.
        values = pprint.pformat(recipe.to_dict(), width=100, compact=True, sort_dicts=False, indent=1)
        cells.append(_cell("code", _RECIPE.format(values="    " + values.replace("\n", "\n    "))))
    if compare is not None:
        cells += [
            _cell("markdown", "## Two runs side by side"),
            _cell("code", _COMPARE.format(names=list(compare))),
            _cell(
                "markdown",
                "Who moved: rows are the segments of the first, columns those of the second, -1 is noise. Both must be "
                "jobs that were promoted from here, on the same customers.",
            ),
            _cell("code", _MOVED),
        ]
    kernelspec = {
        "name": name,
        "display_name": str(spec.get("display_name", name)),
        "language": str(spec.get("language", "python")),
    }
    return {
        "cells": cells,
        "metadata": {"kernelspec": kernelspec, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def _cell(kind: str, source: str) -> dict[str, Any]:
    cell: dict[str, Any] = {"id": secrets.token_hex(4), "cell_type": kind, "metadata": {}, "source": source}
    return {**cell, "execution_count": None, "outputs": []} if kind == "code" else cell


def folder(path: object, root: Path | None) -> str:
    """The folder as Jupyter's contents take it; RefusedError unless it lies under the server's root.

    Args:
        path: relative to the root, "" for the root itself.
        root: the root on this machine; None where the contents lie elsewhere.
    """
    if not isinstance(path, str) or len(path) > 4_096 or path.startswith("/") or "\\" in path or "\0" in path:
        raise _outside(path)
    parts = [part for part in path.split("/") if part]
    if {".", ".."} & set(parts):
        raise _outside(path)
    if root is not None and not Path(os.path.realpath(root.joinpath(*parts))).is_relative_to(os.path.realpath(root)):
        raise _outside(path)
    return "/".join(parts)


def _outside(path: object) -> RefusedError:
    return RefusedError(
        400,
        "path",
        f"path={str(path)[:200]!r} is not allowed: it must be a folder inside JupyterLab's root, such as "
        "work/customers, or empty for the root itself.",
    )


async def put(contents: Any, folder: str, root: Path | None, notebook: Mapping[str, Any]) -> str:
    """Save a notebook under a name that nothing has; returns its path.

    Args:
        contents: Jupyter's contents manager.
        folder: as `folder` gave it.
        root: the root on this machine; None where the contents lie elsewhere.
        notebook: as `content` gave it.
    """
    from jupyter_server.utils import ensure_async

    for _ in range(_TRIES):
        name = str(await ensure_async(contents.increment_filename(NAME, folder)))
        path = f"{folder}/{name}".lstrip("/")
        claimed = root / path if root is not None else None
        if claimed is not None:
            try:
                claimed.open("x").close()  # from here on nobody else can take the name
            except FileExistsError:  # somebody was quicker
                continue
            except OSError as error:
                raise RefusedError(
                    403, "path", f"{path} cannot be written: {error.strerror}. Choose another folder."
                ) from None
        try:
            model = {"type": "notebook", "format": "json", "content": notebook}
            saved = await ensure_async(contents.save(model, path))
        except BaseException:
            if claimed is not None and claimed.stat().st_size == 0:
                claimed.unlink()
            raise
        return str(saved["path"])
    raise RefusedError(
        409, "path", f"No free name for {NAME} was found in {folder or 'the root'}. Choose another folder."
    )
