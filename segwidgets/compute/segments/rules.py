"""A shallow decision tree that says in the table's own units who is in which segment, and how far to trust it."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from segwidgets.compute.progress import Tick, no_tick
from segwidgets.compute.scores.estimate import checked_labels
from segwidgets.compute.wording import readable
from segwidgets.data.table import SPARSE_BELOW

if TYPE_CHECKING:
    from segwidgets.data import Table

#: Questions in a row, at most: more than a person keeps in mind is no explanation.
DEPTH = 4
#: Parts of the rows; each is predicted by a tree that has not seen it.
FOLDS = 5
#: Rows a leaf has at least: a rule about fewer says something of persons.
LEAF = 20
#: Rows that trees learn from at most, a sample of more.
MOST_ROWS = 100_000
_LEVELS = 50
#: Ways to a segment that are told in words at most.
_PATHS = 3


@dataclasses.dataclass(frozen=True)
class Rule:
    """The rule of a segment, as a tree over all rows has it.

    ``text``: one line a path to the segment, those of most rows first, the conditions joined by " and "; empty where no
    path ends in the segment. ``paths``: how many rows, of whatever segment, each of them leads to. ``precision`` and
    ``recall``: on rows that the tree had not seen; precision is None where it said the segment of no row.
    """

    segment: int
    text: tuple[str, ...]
    paths: tuple[int, ...]
    size: int
    precision: float | None
    recall: float


@dataclasses.dataclass(frozen=True)
class Explanation:
    """The segmentation in rules, and their fidelity by cross-validation.

    ``accuracy``: the share of rows for which a tree that had not seen them says their segment; ``baseline``: of
    always saying the largest. ``coverage``: the share of the table's rows that it speaks of, which leaves out noise
    and segments of too few rows (``left_out``). ``rows``: learned from. ``imputed``: columns with missing values,
    taken as their median.
    """

    rules: tuple[Rule, ...]
    accuracy: float
    baseline: float
    coverage: float
    depth: int
    folds: int
    rows: int
    left_out: tuple[int, ...]
    imputed: tuple[str, ...]

    def public(self, floor: int) -> Explanation:
        """Without the rules of segments, and without single paths, of fewer than ``floor`` rows: they tell of persons.

        The fidelity stays that of all rules.
        """
        shown = []
        for rule in self.rules:
            if rule.size >= floor:
                kept = [at for at, many in enumerate(rule.paths) if many >= floor]
                text = tuple(rule.text[at] for at in kept)
                shown.append(dataclasses.replace(rule, text=text, paths=tuple(rule.paths[at] for at in kept)))
        return dataclasses.replace(self, rules=tuple(shown))

    @property
    def text(self) -> str:
        """All of it in lines."""
        told = f"{self.accuracy:.0%} of the rows are told right by at most {self.depth} questions"
        by_chance = f"always saying the largest segment: {self.baseline:.0%}"
        lines = [f"{told} (on rows that the rules were not made from; {by_chance})."]
        for rule in self.rules:
            more = f" or {len(rule.text) - _PATHS} smaller rules" if len(rule.text) > _PATHS else ""
            said = (" or ".join(rule.text[:_PATHS]) or "no rule of its own") + more
            right = "" if rule.precision is None else f"right {rule.precision:.0%}, "
            lines.append(f"segment {rule.segment}: {said} ({right}finds {rule.recall:.0%})")
        return "\n".join(lines)


@dataclasses.dataclass(frozen=True)
class _Asked:
    """What a column of the tree's input is: a number, a count, or a level of a category."""

    column: str
    level: str | None
    whole: bool
    counted: bool = False


def explain(
    table: Table,
    labels: npt.ArrayLike,
    *,
    depth: int = DEPTH,
    folds: int = FOLDS,
    leaf: int = LEAF,
    smallest: int = FOLDS,
    seed: int = 0,
    tick: Tick = no_tick,
) -> Explanation:
    """Explain segments by a decision tree (Breiman and others 1984; scikit-learn's) on the table's columns.

    Args:
        table: the rows; sparse ones stay sparse.
        labels: (n,) whole numbers, -1 for noise, of which nothing is said.
        depth: questions in a row at most.
        folds: parts of the rows in the cross-validation.
        leaf: rows that a rule speaks of at least; a smaller segment has no rule of its own.
        smallest: rows of a segment that is explained, at least; and no fewer than there are folds.
        seed: of the sample, the folds and ties.
        tick: called with the share done; may raise `Cancelled`.

    Raises:
        ValueError: fewer than two segments have that many rows, or an argument is out of range.
    """
    for name, value, low in (("depth", depth, 1), ("folds", folds, 2), ("leaf", leaf, 1), ("smallest", smallest, 1)):
        if isinstance(value, bool) or int(value) != value or value < low:
            raise ValueError(f"{name}={value!r} is not allowed: it is a whole number from {low}.")
    from sklearn.model_selection import StratifiedKFold
    from sklearn.tree import DecisionTreeClassifier

    given = np.maximum(checked_labels(labels, table.n_rows), -1)
    rows = np.flatnonzero(given >= 0)
    if len(rows) > MOST_ROWS:
        rows = np.sort(np.random.default_rng(seed).choice(rows, MOST_ROWS, replace=False))
    numbers, sizes = np.unique(given[rows], return_counts=True)
    enough = max(folds, smallest)
    kept = numbers[sizes >= enough]
    if len(kept) < 2:
        raise ValueError(
            f"{len(kept)} segments have at least {enough} rows: rules tell two or more apart. Take another eps, or "
            "fewer folds."
        )
    rows = rows[np.isin(given[rows], kept)]
    truth = given[rows]
    X, asked, imputed = _columns(table, rows)
    if not asked:
        raise ValueError(f"table {table.name!r} has no usable column, so there is nothing to ask about.")
    size = np.array([(truth == segment).sum() for segment in kept])
    tree = DecisionTreeClassifier(max_depth=depth, min_samples_leaf=leaf, random_state=seed)
    told = np.empty_like(truth)
    parts = StratifiedKFold(folds, shuffle=True, random_state=seed)
    for done, (learn, test) in enumerate(parts.split(np.zeros(len(truth)), truth)):
        tick(done / (folds + 1))
        told[test] = tree.fit(X[learn], truth[learn]).predict(X[test])
    tick(folds / (folds + 1))
    tree.fit(X, truth)
    paths = _paths(tree, asked)
    ranked = {int(one): sorted(paths.get(int(one), []), key=lambda path: (-path[0], path[1])) for one in kept}
    rules = tuple(
        Rule(
            int(segment),
            tuple(text for _, text in ranked[int(segment)]),
            tuple(rows_there for rows_there, _ in ranked[int(segment)]),
            int(many),
            float((truth[told == segment] == segment).mean()) if (told == segment).any() else None,
            float((told[truth == segment] == segment).mean()),
        )
        for segment, many in zip(kept, size, strict=True)
    )
    tick(1.0)
    return Explanation(
        rules=rules,
        accuracy=float((told == truth).mean()),
        baseline=float(size.max() / len(truth)),
        coverage=float(np.isin(given, kept).mean()),
        depth=int(tree.get_depth()),
        folds=folds,
        rows=len(rows),
        left_out=tuple(int(one) for one in numbers[sizes < enough]),
        imputed=imputed,
    )


def _columns(table: Table, rows: npt.NDArray[np.intp]) -> tuple[Any, list[_Asked], tuple[str, ...]]:
    """The rows' columns in their own units, levels as 0 and 1; a CSR matrix where the table is sparse."""
    blocks: list[Any] = []
    asked: list[_Asked] = []
    imputed: list[str] = []
    names = [column.name for column in table.columns if column.usable and column.kind != "category"]
    if names:
        matrix = table.block(names)[rows].tocsc()
        for at, name in enumerate(names):
            part = slice(matrix.indptr[at], matrix.indptr[at + 1])
            entries = matrix.data[part]
            gone = np.isnan(entries)
            if gone.any():
                known = np.sort(entries[~gone])
                zeros = len(rows) - len(entries)
                entries[gone] = _median(known, zeros)
                imputed.append(name)
            whole = bool((entries == np.rint(entries)).all())
            asked.append(_Asked(name, None, whole, counted=table.column(name).kind == "count"))
        blocks.append(matrix)
    for column in table.columns:
        if not column.usable or column.kind != "category":
            continue
        texts = table.texts(column.name)
        codes = texts.codes[rows]
        often = np.bincount(codes[codes >= 0], minlength=len(texts.levels))
        shown = np.argsort(-often, kind="stable")[:_LEVELS]
        place = np.full(len(texts.levels) + 1, -1)
        place[shown] = np.arange(len(shown))
        home = place[codes]  # -1, missing, finds the last entry
        there = np.flatnonzero(home >= 0)
        blocks.append(sparse.csc_matrix((np.ones(len(there)), (there, home[there])), (len(rows), len(shown))))
        asked += [_Asked(column.name, texts.levels[level], whole=True) for level in shown.tolist()]
    if not blocks:
        return None, asked, ()
    joined = sparse.hstack(blocks, format="csr")
    dense = joined.nnz >= SPARSE_BELOW * joined.shape[0] * joined.shape[1]
    return (joined.toarray() if dense else joined), asked, tuple(imputed)


def _median(known: npt.NDArray[np.float64], zeros: int) -> float:
    """Of sorted entries and some zeros besides."""
    below = int(np.searchsorted(known, 0.0))
    total = len(known) + zeros
    if not total:
        return 0.0

    def at(place: int) -> float:
        if place < below:
            return float(known[place])
        return 0.0 if place < below + zeros else float(known[place - zeros])

    return (at((total - 1) // 2) + at(total // 2)) / 2


def _paths(tree: Any, asked: list[_Asked]) -> dict[int, list[tuple[int, str]]]:
    """By segment: rows and words of each way through the tree that ends in it."""
    inner = tree.tree_
    found: dict[int, list[tuple[int, str]]] = {}

    def only(node: int) -> int | None:
        """The segment that every way on from here ends in: the last questions may change nothing."""
        if inner.feature[node] < 0:
            return int(tree.classes_[int(np.argmax(inner.value[node][0]))])
        left, right = only(int(inner.children_left[node])), only(int(inner.children_right[node]))
        return left if left == right else None

    def walk(node: int, bounds: dict[int, tuple[float, float]]) -> None:
        feature = int(inner.feature[node])
        segment = only(node)
        if segment is not None:
            text = " and ".join(_said(asked[at], *bound) for at, bound in bounds.items()) or "all rows"
            found.setdefault(segment, []).append((int(inner.n_node_samples[node]), text))
            return
        low, high = bounds.get(feature, (-math.inf, math.inf))
        threshold = float(inner.threshold[node])
        walk(int(inner.children_left[node]), {**bounds, feature: (low, min(high, threshold))})
        walk(int(inner.children_right[node]), {**bounds, feature: (max(low, threshold), high)})

    walk(0, {})
    return found


def _said(asked: _Asked, low: float, high: float) -> str:
    """A column above ``low`` and at most ``high``, in words."""
    if asked.level is not None:
        return f"{asked.column} is {asked.level}" if low >= 0 else f"{asked.column} is not {asked.level}"
    if asked.whole:
        least, most = (math.floor(low) + 1 if math.isfinite(low) else low), (
            math.floor(high) if math.isfinite(high) else high
        )  # fmt: skip
        if asked.counted and most == 0:
            return f"no {asked.column}"
        if asked.counted and least == 1 and math.isinf(high):
            return f"some {asked.column}"
        if least == most:
            return f"{asked.column} is {least:,}"
        above, below = f"at least {least:,}", f"at most {most:,}"
    else:
        above, below = f"above {readable(low)}", f"at most {readable(high)}"
    if math.isinf(low):
        return f"{asked.column} {below}"
    return f"{asked.column} {above}" if math.isinf(high) else f"{asked.column} {above} and {below}"
