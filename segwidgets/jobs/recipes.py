"""The recipe of any tracked run: from its job's folder, from SageMaker, or from an MLflow that keeps it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from segwidgets.jobs.job import Job
from segwidgets.jobs.layout import Layout
from segwidgets.recipe import Recipe, RecipeError
from segwidgets.tracking import address
from segwidgets.tracking.base import TrackingError

#: What is looked for, and what belongs to it where it is known: names of segments, and the table they stand on.
Found = dict[str, Any]


class UnknownRecipeError(ValueError):
    """A run whose settings cannot be found; the message says where was looked."""


def in_folder(path: Path) -> Found:
    """The recipe in a job's folder, with names and the table's digest; UnknownRecipeError where there is none."""
    channel = Layout(path).channel("recipe")
    try:
        recipe = Recipe.from_json((channel / "recipe.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UnknownRecipeError(f"the folder of {path.name} has no recipe.json: set its values by hand.") from None
    except RecipeError as error:
        raise UnknownRecipeError(f"the recipe of {path.name} cannot be read: {error}") from None
    try:
        spec = json.loads((channel / "spec.json").read_text(encoding="utf-8"))
        digest, names = str(spec["table_digest"]), dict(spec.get("names", {}))
    except (OSError, ValueError, TypeError, KeyError):
        digest, names = "", {}
    return {"recipe": recipe.to_dict(), "names": names, "table_digest": digest}


def recipe_of(name: str, *, tracking_uri: str | None = None) -> Found:
    """The recipe of the run of this name.

    Args:
        name: the job's name, as the leaderboard shows it.
        tracking_uri: where it may be tracked; the default address otherwise.

    Returns:
        ``recipe`` as a dict; ``names`` of segments by row and ``table_digest``, empty where nobody knows them.

    Raises:
        UnknownRecipeError: no job's folder and no tracker has it; what went wrong with each stands in the message.
    """
    try:
        return in_folder(Job.load(name).path)
    except ValueError:
        pass
    failed: list[str] = []
    for found in _elsewhere(name, address.resolved(tracking_uri), failed):
        return found
    told = f" ({'; '.join(failed)})" if failed else ""
    raise UnknownRecipeError(
        f"the recipe of {name} is neither on this machine nor in its trackers{told}: open the panel where it was "
        "promoted, or set its values by hand."
    )


def _elsewhere(name: str, uri: str, failed: list[str]) -> Iterator[Found]:
    from segwidgets.aws import AWSError

    for part in address.parts(uri):
        try:
            if part.startswith(address.EXPERIMENTS):
                yield in_folder(Job.attach(name, region=part.removeprefix(address.EXPERIMENTS) or None).path)
                continue
            from segwidgets.tracking.mlflow import MLflowTracker

            text, digest = MLflowTracker(part).recipe(name)
            if text is not None:
                yield {"recipe": Recipe.from_json(text).to_dict(), "names": {}, "table_digest": digest}
        except (ValueError, AWSError, TrackingError, OSError) as error:
            failed.append(f"{part}: {error}")
