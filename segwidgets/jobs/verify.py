"""Whether a job reproduced what was promoted, and whether what it left is whole."""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import io
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from segwidgets.compute.scores import adjusted_rand_index, coverage
from segwidgets.jobs.spec import Mode
from segwidgets.recipe import Recipe, RecipeError

EXACT = "exact"


class ResultError(ValueError):
    """The files are not a whole result: something is missing, cut short or changed."""


@dataclasses.dataclass(frozen=True)
class StoredResult:
    """A result read back: ``ids`` (n,) object, ``embedding`` (n, c) float32, ``labels`` (n,) int32, in row order.

    ``scores`` and ``manifest`` are what the files of those names hold.
    """

    recipe: Recipe
    ids: npt.NDArray[np.object_]
    embedding: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int32]
    scores: dict[str, Any]
    manifest: dict[str, Any]


def read_result(path: Path) -> StoredResult:
    """Read what `Result.save` wrote.

    Raises:
        ResultError: there is no manifest, or a file that it names is missing or differs from its SHA-256.
    """
    manifest_file = path / "manifest.json"
    if not manifest_file.is_file():
        raise ResultError(f"{path} holds no whole result: manifest.json, which is written last, is missing.")
    try:
        manifest = json.loads(manifest_file.read_text())
        named = dict(manifest["files"])
    except (ValueError, KeyError, TypeError) as error:
        raise ResultError(f"{manifest_file} is damaged: {error!r}.") from None
    content: dict[str, bytes] = {}
    for name in ("embedding.npy", "labels.csv", "scores.json", "recipe.json"):
        try:
            content[name] = (path / name).read_bytes()
        except OSError as error:
            raise ResultError(f"{path / name} cannot be read: {error.strerror}.") from None
        if hashlib.sha256(content[name]).hexdigest() != named.get(name):
            raise ResultError(
                f"{path / name} is damaged: its content is not what manifest.json says. Run the job again."
            )
    rows = list(csv.reader(io.StringIO(content["labels.csv"].decode(), newline="")))[1:]
    try:
        recipe = Recipe.from_json(content["recipe.json"].decode())
    except RecipeError as error:
        raise ResultError(f"{path / 'recipe.json'}: {error}") from None
    return StoredResult(
        recipe=recipe,
        ids=np.array([row[0] for row in rows], dtype=object),
        embedding=np.load(io.BytesIO(content["embedding.npy"]), allow_pickle=False),
        labels=np.array([row[1] for row in rows], dtype=np.int32),
        scores=json.loads(content["scores.json"]),
        manifest=manifest,
    )


def verdict(
    expected: npt.NDArray[np.int32],
    found: npt.NDArray[np.int32],
    *,
    mode: Mode,
    same_embedding: bool,
) -> str:
    """How the job's labels compare with the promoted ones.

    Args:
        expected: (n,) int32, the labels that were promoted; -1 is noise.
        found: (n,) int32, the labels of the job, in the same row order.
        mode: "embedding" or "refit".
        same_embedding: whether the job's embedding is the promoted one, bit by bit.

    Returns:
        "exact" when every label is the same (and, in mode "embedding", the embedding too), else "ARI=…" with the
        adjusted Rand index (Hubert and Arabie 1985; noise is a label of its own) and what differs. The index is cut,
        not rounded: 1 is said only of the same partition.
    """
    same_labels = len(expected) == len(found) and bool(np.array_equal(expected, found))
    if same_labels and (same_embedding or mode == "refit"):
        return EXACT
    if len(expected) != len(found):
        return f"ARI=n/a: {len(found):,} customers instead of {len(expected):,}"
    ari = adjusted_rand_index(expected, found)
    if same_labels:
        said = "the same segments, on an embedding that is not the promoted one"
    elif ari == 1.0:
        said = "the same segments, numbered differently"
    else:
        before, after = int(expected.max(initial=-1)) + 1, int(found.max(initial=-1)) + 1
        said = (
            f"{after} segments instead of {before}" if after != before else f"{after} segments as promoted"
        ) + f", coverage {coverage(found):.1%} instead of {coverage(expected):.1%}"
        if mode == "embedding" and not same_embedding:
            said += "; the embedding is not the promoted one"
    return f"ARI={math.floor(ari * 10_000) / 10_000:g}, {said}"
