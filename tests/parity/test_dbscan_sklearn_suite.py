"""scikit-learn's own DBSCAN tests, from the installed package, on our class and function.

All of them apply. Each runs twice: as users get it, and with the density engine from the first row on, because many of
those tests have fewer rows than the engine is otherwise asked for.
"""

from __future__ import annotations

import importlib.util
import types
from collections.abc import Callable
from typing import Any

import pytest
import sklearn.cluster
import sklearn.cluster.tests

from segwidgets.compute import dbscan as ours

_ENGINES: list[str] = []


class DBSCAN(ours.DBSCAN):
    """Ours, and it keeps book of who did the work."""

    def fit(self, X: Any, y: None = None, sample_weight: Any = None) -> DBSCAN:
        super().fit(X, y, sample_weight)
        _ENGINES.append(self.engine_)
        return self


def _dbscan(X: Any, *args: Any, **kwargs: Any) -> Any:
    found = ours.dbscan(X, *args, **kwargs)
    _ENGINES.append("function")
    return found


def _their_tests() -> types.ModuleType:
    """The module, run with our names in the place of those that it imports."""
    spec = importlib.util.find_spec("sklearn.cluster.tests.test_dbscan")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sklearn.cluster, "DBSCAN", DBSCAN)
        patch.setattr(sklearn.cluster, "dbscan", _dbscan)
        spec.loader.exec_module(module)
    return module


_MODULE = _their_tests()
_TESTS: dict[str, Callable[..., None]] = {
    name: test for name, test in vars(_MODULE).items() if name.startswith("test_") and callable(test)
}
globals().update(_TESTS)


@pytest.fixture
def global_random_seed() -> int:
    """What scikit-learn's conftest gives its tests by default."""
    return 42


@pytest.fixture(autouse=True, params=[ours._FEW_ROWS, 0], ids=["as it is", "engine from the first row"])
def _few_rows(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ours, "_FEW_ROWS", request.param)


def test_their_module_has_our_names_in_it() -> None:
    assert _MODULE.DBSCAN is DBSCAN
    assert _MODULE.dbscan is _dbscan
    assert len(_TESTS) >= 20


def test_the_engine_did_the_euclidean_ones() -> None:
    _ENGINES.clear()
    _TESTS["test_dbscan_feature"]()
    assert _ENGINES == ["function", "density"]
