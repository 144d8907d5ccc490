"""What a command reads: a table, a recipe, and the progress that it shows meanwhile."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segwidgets.compute.backend import NAMES
from segwidgets.recipe import METHODS

if TYPE_CHECKING:
    from segwidgets.data import Table
    from segwidgets.layer import Layer
    from segwidgets.recipe import Recipe
    from segwidgets.result import Progress

#: The sample tables by the word they are asked for with.
SAMPLES = {"trips": "shopping_trips", "households": "households", "blobs": "blobs"}


def table_of(options: argparse.Namespace) -> Table:
    """The table that SOURCE names."""
    from segwidgets.data import read, samples

    reading = {name: getattr(options, name) for name in ("id", "rows", "columns", "values")}
    given = {name: value for name, value in reading.items() if value is not None}
    # A file of that name is meant when there is one.
    if options.source in SAMPLES:  # also beside a result of that name, which `run trips --out trips` leaves
        if given:
            raise ValueError(f"--{next(iter(given))} says how to read a file, and {options.source!r} is a sample.")
        table: Table = getattr(samples, SAMPLES[options.source])()
        return table
    return read(options.source, **given)


def _setting(text: str) -> tuple[str, Any]:
    """``name=value``, the value as JSON where it is JSON, else as text."""
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise argparse.ArgumentTypeError(f"{text!r} is not name=value, such as eps=0.4")
    try:
        return name.strip(), json.loads(value)
    except json.JSONDecodeError:
        return name.strip(), value.strip()


def recipe_of(options: argparse.Namespace) -> Recipe:
    """The recipe of --recipe, --method and --set."""
    from segwidgets.recipe import Recipe

    recipe = Recipe.from_json(options.recipe.read_text()) if options.recipe else Recipe()
    if options.method is not None:
        recipe = recipe.replace(embedding=dataclasses.replace(recipe.embedding, method=options.method))
    return recipe.replace(**dict(options.set))


def layer_of(path: Path) -> Layer:
    """The layer in a file of JSON; raises ValueError where there is none."""
    from segwidgets.layer import Layer

    try:
        return Layer.from_dict(json.loads(path.read_text()))
    except (KeyError, TypeError, AttributeError, json.JSONDecodeError) as error:
        raise ValueError(f"{path} holds no layer ({error}): write one as Layer.to_dict gives it.") from None


@contextlib.contextmanager
def bar(*, quiet: bool) -> Iterator[Callable[[Progress], None]]:
    """A progress bar on stderr over the whole run, named by its stage."""
    from tqdm import tqdm

    form = "{desc:<26} {percentage:3.0f}%|{bar}| {elapsed}"
    with tqdm(total=1.0, bar_format=form, file=sys.stderr, desc="Reading the rows", disable=quiet) as shown:

        def show(now: Progress) -> None:
            shown.set_description_str(now.message, refresh=False)
            shown.update(max(0.0, now.overall - shown.n))

        yield show
        shown.set_description_str("Done", refresh=False)
        shown.update(max(0.0, 1.0 - shown.n))


def positive(text: str) -> int:
    """A whole number from 1."""
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1")
    return int(text)


def share(text: str) -> float:
    """A share from 0 to 1, or in per cent."""
    try:
        value = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a share from 0 to 1, such as 0.15 or 15%")
    return value


def segment_range(text: str) -> tuple[int, int]:
    """A range of whole numbers, or one of them."""
    low, dots, high = text.partition("..")
    if not (low.isdigit() and (high if dots else low).isdigit() and int(low) <= int(high or low)):
        raise argparse.ArgumentTypeError(f"{text!r} is not a range of whole numbers, such as 4..9, or one of them")
    return int(low), int(high or low)


def parser() -> argparse.ArgumentParser:
    """The arguments of every command that reads a table."""
    source = argparse.ArgumentParser(add_help=False)
    source.add_argument(
        "source",
        metavar="SOURCE",
        help="a file, an s3:// address, or a sample: " + ", ".join(SAMPLES) + " (a file of such a name: ./trips)",
    )
    source.add_argument("--id", metavar="COL", help="the column that names the customer")
    source.add_argument("--rows", metavar="COL", help="transactions: the column that names the customer")
    source.add_argument("--columns", metavar="COL", help="transactions: the column that becomes the columns")
    source.add_argument("--values", metavar="COL", help="transactions: the column that is summed")
    source.add_argument("--recipe", metavar="FILE", type=Path, help="a recipe as JSON; the defaults without it")
    source.add_argument(
        "--set", metavar="NAME=VALUE", type=_setting, action="append", default=[], help="one setting, such as eps=0.4"
    )
    source.add_argument("--method", choices=METHODS, help="how rows become points; the recipe's, else umap")
    source.add_argument("--backend", choices=NAMES, default="auto", help="what computes: auto takes a GPU that answers")
    source.add_argument("--quiet", action="store_true", help="no progress bar")
    source.add_argument("--json", action="store_true", help="for machines")
    return source
