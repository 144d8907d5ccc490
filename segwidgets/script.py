"""The Python that repeats a result without a widget."""

from __future__ import annotations

from segwidgets.compute.features import resolve
from segwidgets.data import Table
from segwidgets.recipe import Clustering, Embedding, Features, Recipe

_MEMORY = "table = …  # it was made in memory ({source}): make it here as it was made there"


def code(recipe: Recipe, table: Table) -> str:
    """A script that reads the table, runs the recipe and gives the customers with their segments.

    Only settings that differ from the defaults are named; what the data decided (metric, epochs, eps) is among them, so
    that the script gives the same segments wherever it runs.

    Args:
        recipe: a finished run's, as ``panel.recipe`` or ``result.recipe`` gives it.
        table: what it ran on. A table that was made in memory is left for the reader to make.
    """
    lines = ["import segwidgets as sw", ""]
    lines.append(f"table = {table.call}" if table.call else _MEMORY.format(source=table.source))
    changes = {
        name: value
        for section, default in ((recipe.embedding, Embedding()), (recipe.clustering, Clustering()))
        for name, value in vars(section).items()
        if value != getattr(default, name) and name != "method"
    }
    if recipe.features in {Features(), resolve(table, Features())} and recipe.embedding.method == "umap":
        settings = ", ".join(f"{name}={value!r}" for name, value in changes.items())
        lines.append(f"recipe = sw.Recipe().replace({settings})" if settings else "recipe = sw.Recipe()")
    else:
        # Groups of columns are long, and exact: as the recipe itself writes them.
        lines.append(f"recipe = sw.Recipe.from_json({recipe.to_json()!r})")
    lines += ["result = sw.Session(table).run(recipe)", "customers = result.to_frame()  # id, segment (-1: noise)"]
    return "\n".join(lines) + "\n"
