"""A recipe: every setting of a run in one frozen, checked value that travels as JSON.

The panel's whole state is a recipe, a promoted job is given one, and two runs with the same recipe digest on
the same data digest are the same run. Standard library only and Python 3.10, because JupyterLab's server
environment reads recipes too.
"""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import json
import math
import numbers
from collections.abc import Mapping
from typing import Any, Literal, TypeVar

FORMAT_VERSION = 1

Kind = Literal["count", "number", "category"]

#: Which transforms a group of columns may go through, by kind, in the order they are applied.
TRANSFORMS: dict[str, tuple[str, ...]] = {
    "count": ("log1p", "tfidf", "l2"),
    "number": ("standard", "robust"),
    "category": ("onehot",),
}
METHODS = ("umap", "pca", "tsne", "none")
METRICS = ("euclidean", "cosine", "manhattan", "correlation", "hellinger", "jaccard")
CLUSTERINGS = ("dbscan",)


class RecipeError(ValueError):
    """A setting that cannot be: names the setting, its value, what is allowed and the way out."""


def _number(
    name: str,
    value: object,
    low: float,
    high: float,
    *,
    whole: bool = False,
    open_low: bool = False,
    way_out: str = "",
) -> float:
    """The number as a plain int (``whole``) or float, NumPy's included, so that JSON and digests see one form only.

    Raises RecipeError unless it is finite and within [low, high] (``open_low``: (low, high]).
    """
    if not isinstance(value, bool) and isinstance(value, numbers.Integral if whole else numbers.Real):
        try:
            number = int(value) if isinstance(value, numbers.Integral) and whole else float(value) + 0.0  # no -0.0
        except OverflowError:
            number = math.inf
        if math.isfinite(number) and number <= high and (number > low if open_low else number >= low):
            return number
    kind = "a whole number" if whole else "a number"
    rule = f"{kind} {'above' if open_low else 'from'} {low:g}" + (f" to {high:g}" if math.isfinite(high) else "")
    raise RecipeError(f"{name}={value!r} is not allowed: it must be {rule}." + (f" {way_out}" if way_out else ""))


def _choice(name: str, value: object, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        near = difflib.get_close_matches(str(value), allowed, 1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise RecipeError(f"{name}={value!r} is not allowed: it must be one of {', '.join(allowed)}.{hint}")


def _names(name: str, value: object) -> tuple[str, ...]:
    """A tuple of column names; a bare string is the classic slip and is refused."""
    if isinstance(value, str) or not isinstance(value, (list, tuple)):
        raise RecipeError(f"{name}={value!r} is not allowed: it must be a list of column names.")
    if not all(isinstance(item, str) for item in value):
        raise RecipeError(f"{name} must hold column names only, got {list(value)!r}.")
    return tuple(value)


@dataclasses.dataclass(frozen=True)
class ColumnGroup:
    """Columns that are treated alike, how, and why.

    ``columns`` are names in the table's order. ``transforms`` are applied from left to right and must belong to
    ``kind`` (see ``TRANSFORMS``). ``reason`` is one sentence for the reader of the recipe.
    """

    kind: Kind
    columns: tuple[str, ...]
    transforms: tuple[str, ...]
    reason: str = ""

    def __post_init__(self) -> None:
        _choice("kind", self.kind, tuple(TRANSFORMS))
        if not isinstance(self.reason, str):
            raise RecipeError(f"reason={self.reason!r} is not allowed: it must be a text.")
        object.__setattr__(self, "columns", _names("columns", self.columns))
        object.__setattr__(self, "transforms", _names("transforms", self.transforms))
        for name in self.transforms:
            _choice(f"transform of {self.kind} columns", name, TRANSFORMS[self.kind])
        if not self.columns:
            raise RecipeError(f"a group of {self.kind} columns names no column: leave the group out.")


@dataclasses.dataclass(frozen=True)
class Features:
    """Which columns become features, and how.

    ``plan=None`` lets the data decide; a run records the plan it chose, so that a finished recipe always says it.
    ``columns=None`` means every usable column. ``scaling`` is used for number columns when the plan is chosen.
    ``pca`` keeps that many principal components of the features, None keeps the features themselves.
    """

    columns: tuple[str, ...] | None = None
    exclude: tuple[str, ...] = ()
    scaling: Literal["standard", "robust"] = "standard"
    pca: int | None = None
    plan: tuple[ColumnGroup, ...] | None = None

    def __post_init__(self) -> None:
        if self.columns is not None:
            object.__setattr__(self, "columns", _names("columns", self.columns))
        object.__setattr__(self, "exclude", _names("exclude", self.exclude))
        _choice("scaling", self.scaling, ("standard", "robust"))
        if self.pca is not None:
            pca = _number("pca", self.pca, 2, 10_000, whole=True, way_out="Use None for no PCA.")
            object.__setattr__(self, "pca", pca)
        if self.plan is not None:
            if not isinstance(self.plan, (list, tuple)):
                raise RecipeError(f"plan={self.plan!r} is not allowed: it must be a list of groups of columns.")
            given: tuple[object, ...] = tuple(self.plan)  # JSON brings objects, Python brings groups
            groups = tuple(g if isinstance(g, ColumnGroup) else _build(ColumnGroup, g, "plan") for g in given)
            object.__setattr__(self, "plan", groups)


@dataclasses.dataclass(frozen=True)
class Embedding:
    """How rows become points on a map: UMAP's settings, named as in umap-learn, or another method.

    ``method``: "umap"; "pca", the first principal components; "tsne" (perplexity = n_neighbors / 3); or "none", the
    features as they are. Each reads the settings that it has: PCA n_components alone, "none" no other.
    ``metric=None`` lets the features decide (cosine for counts, euclidean for the rest), ``n_epochs=None`` the method
    and the number of rows; a run records what it took.
    """

    method: Literal["umap", "pca", "tsne", "none"] = "umap"
    n_neighbors: int = 15
    min_dist: float = 0.0
    spread: float = 1.0
    n_components: int = 3
    metric: str | None = None
    n_epochs: int | None = None
    seed: int = 42
    negative_sample_rate: int = 5
    repulsion_strength: float = 1.0

    def __post_init__(self) -> None:
        _choice("method", self.method, METHODS)
        checked = {
            "n_neighbors": _number("n_neighbors", self.n_neighbors, 2, 500, whole=True, way_out="15 is usual."),
            "spread": (spread := _number("spread", self.spread, 0, 100, open_low=True)),
            "min_dist": _number("min_dist", self.min_dist, 0, spread, way_out="It may not exceed spread."),
            "n_components": _number("n_components", self.n_components, 2, 3, whole=True),
            "seed": _number("seed", self.seed, 0, 2**32 - 1, whole=True),
            "negative_sample_rate": _number(
                "negative_sample_rate", self.negative_sample_rate, 1, 100, whole=True, way_out="5 is usual."
            ),
            "repulsion_strength": _number(
                "repulsion_strength", self.repulsion_strength, 0, 100, open_low=True, way_out="1 is usual."
            ),
        }
        if self.metric is not None:
            _choice("metric", self.metric, METRICS)
        if self.n_epochs is not None:
            way_out = "None lets the rows decide."
            checked["n_epochs"] = _number("n_epochs", self.n_epochs, 1, 10_000, whole=True, way_out=way_out)
        for name, value in checked.items():
            object.__setattr__(self, name, value)


@dataclasses.dataclass(frozen=True)
class Clustering:
    """DBSCAN's settings, named as in scikit-learn.

    ``eps=None`` takes the eps that the density profile suggests; a run records the value it took. ``min_samples``
    counts the point itself.
    """

    method: Literal["dbscan"] = "dbscan"
    eps: float | None = None
    min_samples: int = 10

    def __post_init__(self) -> None:
        _choice("method", self.method, CLUSTERINGS)
        if self.eps is not None:
            way_out = "Use None to take the suggested one."
            object.__setattr__(self, "eps", _number("eps", self.eps, 0, math.inf, open_low=True, way_out=way_out))
        object.__setattr__(self, "min_samples", _number("min_samples", self.min_samples, 1, 10_000, whole=True))


_T = TypeVar("_T")
_SECTIONS: dict[str, type[Any]] = {"features": Features, "embedding": Embedding, "clustering": Clustering}


def _fields(cls: type[Any]) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(cls))


def _refuse_unknown(where: str, unknown: set[str], allowed: tuple[str, ...]) -> None:
    for name in sorted(unknown):
        near = difflib.get_close_matches(name, allowed, 1, cutoff=0.5)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise RecipeError(f"{name!r} is not a setting of {where}.{hint} Settings: {', '.join(allowed)}.")


def _build(cls: type[_T], values: object, where: str) -> _T:
    if not isinstance(values, Mapping):
        raise RecipeError(f"{where} must be an object of settings, got {values!r}.")
    _refuse_unknown(where, set(map(str, values)) - set(_fields(cls)), _fields(cls))
    try:
        return cls(**values)
    except TypeError as error:  # a setting without a default is missing
        raise RecipeError(f"{where}: {error}") from None


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Features, embedding and clustering of one run.

    >>> Recipe().replace(n_neighbors=30, eps=0.4).clustering.eps
    0.4
    """

    features: Features = dataclasses.field(default_factory=Features)
    embedding: Embedding = dataclasses.field(default_factory=Embedding)
    clustering: Clustering = dataclasses.field(default_factory=Clustering)

    def __post_init__(self) -> None:
        for name, cls in _SECTIONS.items():
            if not isinstance(getattr(self, name), cls):
                raise RecipeError(f"{name} must be {cls.__name__}(…), got {getattr(self, name)!r}.")

    def replace(self, **changes: Any) -> Recipe:
        """A copy with some settings changed, by section (``clustering=…``) or by bare name (``eps=…``).

        ``method`` stands in two sections, so it is changed through its section only. Raises RecipeError for an
        unknown name (with the nearest right one) or a value out of range.
        """
        owners: dict[str, str] = {}
        for section, cls in _SECTIONS.items():
            owners |= {name: section for name in _fields(cls) if name != "method"}
        _refuse_unknown("a recipe", set(changes) - set(owners) - set(_SECTIONS), (*_SECTIONS, *owners))
        sections = {name: changes.pop(name, getattr(self, name)) for name in _SECTIONS}
        for section in _SECTIONS:
            # All of a section at once: min_dist and spread may only fit together.
            own = {name: value for name, value in changes.items() if owners[name] == section}
            if own:
                sections[section] = dataclasses.replace(sections[section], **own)
        return Recipe(**sections)

    def to_dict(self) -> dict[str, Any]:
        """Plain dicts, lists, numbers and strings, with the format's version."""
        return {"version": FORMAT_VERSION, **dataclasses.asdict(self)}

    def to_json(self, indent: int | None = 2) -> str:
        """The recipe as JSON; `from_json` gives an equal recipe back."""
        return json.dumps(self.to_dict(), indent=indent, ensure_ascii=False, allow_nan=False)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Recipe:
        """The recipe in ``values``; raises RecipeError where it is not one."""
        if not isinstance(values, Mapping):
            raise RecipeError(f"a recipe is an object of settings, got {type(values).__name__}.")
        version = values.get("version", FORMAT_VERSION)
        if version != FORMAT_VERSION:
            raise RecipeError(
                f"recipe version {version!r} cannot be read: this segwidgets reads version {FORMAT_VERSION}. "
                "Upgrade segwidgets, or save the recipe again from the panel."
            )
        given = {key: value for key, value in values.items() if key != "version"}
        _refuse_unknown("a recipe", set(map(str, given)) - set(_SECTIONS), tuple(_SECTIONS))
        return cls(**{name: _build(_SECTIONS[name], value, name) for name, value in given.items()})

    @classmethod
    def from_json(cls, text: str) -> Recipe:
        """The recipe in a JSON text; raises RecipeError where it is not one."""
        try:
            values = json.loads(text)
        except json.JSONDecodeError as error:
            raise RecipeError(f"not a recipe: the text is not JSON (line {error.lineno}: {error.msg}).") from None
        return cls.from_dict(values)

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of the canonical JSON: equal recipes have equal digests, on any machine."""
        text = json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()
