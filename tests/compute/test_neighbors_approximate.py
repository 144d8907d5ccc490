"""The approximate search, how it is chosen, and what is known of its recall."""

from __future__ import annotations

import subprocess
import sys
import time

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from segwidgets.compute.neighbors import METRICS, Neighbors, approximate, cost, neighbors, plan, warm_up
from segwidgets.compute.progress import Cancelled

STORAGES = {"dense": lambda X: X, "sparse": sp.csr_matrix}
storages = pytest.mark.parametrize("storage", STORAGES)


def rows(seed: int, n: int = 2000) -> np.ndarray:
    """Customers of 12 segments, each with a taste of its own; some bought nothing."""
    random = np.random.default_rng(seed)
    taste = random.gamma(0.3, 2, (12, 20))
    X = random.poisson(taste[random.integers(0, 12, n)]) * random.random((n, 20))
    X[::40] = 0
    return X.astype(np.float32)


@pytest.fixture
def descent_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make looking at all pairs seem so dear that it is never done."""
    monkeypatch.setitem(cost.CONSTANTS, "pairs", 1e9)
    monkeypatch.setattr(cost, "PATIENCE", -np.inf)


@pytest.fixture
def gives_up_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin with next to no effort, so that the first attempts fail."""
    monkeypatch.setattr(cost, "effort", lambda k, **_: cost.Effort(k, 2, 20, 2, 1))


def found_share(found: Neighbors, exact: Neighbors) -> float:
    """The recall over all rows, the row itself not counted."""
    return float((found.distances[:, 1:] <= exact.distances[:, -1:]).mean())


@pytest.mark.parametrize("metric", METRICS)
@storages
def test_the_recall_that_is_told_is_that_of_all_rows(metric: str, storage: str, request: pytest.FixtureRequest) -> None:
    X = STORAGES[storage](rows(0))
    exact = neighbors(X, 10, metric)
    request.getfixturevalue("descent_only")
    found = neighbors(X, 10, metric)
    assert not found.exact
    assert "descent" in found.method
    assert found.recall is not None
    assert found.recall.value >= 0.95
    assert found.recall.n_sampled == 400
    assert abs(found.recall.value - found_share(found, exact)) < 0.02
    assert found.recall.low <= found_share(found, exact) + 0.01


@pytest.mark.parametrize("metric", METRICS)
@storages
def test_what_is_found_is_at_the_distance_that_is_told(
    metric: str, storage: str, request: pytest.FixtureRequest
) -> None:
    X = STORAGES[storage](rows(1, n=700))
    whole = neighbors(X, 700, metric)
    every = np.empty((700, 700), np.float32)
    np.put_along_axis(every, whole.indices.astype(int), whole.distances, axis=1)
    request.getfixturevalue("descent_only")
    found = neighbors(X, 8, metric)
    np.testing.assert_array_equal(found.distances, np.take_along_axis(every, found.indices.astype(int), axis=1))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000), st.integers(2, 12), st.sampled_from(METRICS), st.sampled_from(sorted(STORAGES)))
def test_each_row_comes_first_and_none_twice(seed: int, k: int, metric: str, storage: str) -> None:
    random = np.random.default_rng(seed)
    X = STORAGES[storage](rows(seed, n=300)[random.integers(0, 40, 300)])  # heavy duplicates, blanks among them
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cost, "PATIENCE", -np.inf)
        found = neighbors(X, k, metric, floor=0.0)
    assert not found.exact
    assert (found.indices[:, 0] == np.arange(300)).all()
    assert all(len(set(line)) == k for line in found.indices.tolist())
    assert found.indices.min() >= 0
    assert found.indices.max() < 300
    assert (np.diff(found.distances, axis=1) >= 0).all()


def test_blank_rows_have_the_first_rows_as_neighbours(descent_only: None) -> None:
    found = neighbors(rows(2), 4, "cosine")
    assert found.indices[40].tolist() == [40, 0, 1, 2]
    assert found.distances[40].tolist() == [0, 1, 1, 1]


@storages
def test_neither_threads_nor_chance_change_the_result(storage: str) -> None:
    program = (
        "import numpy, scipy.sparse, hashlib\n"
        "from segwidgets.compute.neighbors import cost, neighbors\n"
        "cost.PATIENCE = -float('inf')\n"
        "X = numpy.random.default_rng(0).poisson(.5, (3000, 30)).astype('float32')\n"
        f"rows = scipy.sparse.csr_matrix(X) if {storage == 'sparse'} else X\n"
        "found = neighbors(rows, 9, 'cosine', floor=0)\n"
        "print(found.exact, hashlib.sha256(found.indices.tobytes() + found.distances.tobytes()).hexdigest())\n"
    )
    results = set()
    for threads in ("1", "3", "3"):
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={"NUMBA_NUM_THREADS": threads, "PATH": ""},
            capture_output=True,
            text=True,
            check=True,
        )
        results.add(done.stdout)
    assert len(results) == 1
    assert results.pop().startswith("False")


def test_another_seed_is_another_search(descent_only: None, gives_up_late: None) -> None:
    X = rows(3)
    one, same, other = (neighbors(X, 10, "euclidean", seed=seed, floor=0) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.indices, same.indices)
    assert (one.indices != other.indices).any()


def test_the_floor_makes_it_try_harder(descent_only: None, gives_up_late: None) -> None:
    X = rows(4)
    lazy = neighbors(X, 10, "euclidean", floor=0.0)
    eager = neighbors(X, 10, "euclidean", floor=0.95)
    assert lazy.recall is not None
    assert eager.recall is not None
    assert lazy.recall.value < 0.9
    assert eager.recall.value >= 0.95


def test_what_effort_cannot_reach_is_searched_exactly(gives_up_late: None, monkeypatch: pytest.MonkeyPatch) -> None:
    X = rows(4)
    expected = neighbors(X, 10, "euclidean")
    monkeypatch.setattr(cost, "PATIENCE", -np.inf)
    nothing = np.zeros((2000, 9), np.int32), np.full((2000, 9), np.inf, np.float32)
    monkeypatch.setattr(approximate.Search, "run", lambda *_: nothing)
    found = neighbors(X, 10, "euclidean")
    assert found.exact
    assert found.recall is None
    np.testing.assert_array_equal(found.indices, expected.indices)


@storages
def test_a_search_may_start_from_a_smaller_table(
    storage: str, descent_only: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    X = STORAGES[storage](rows(5))
    small = neighbors(X, 8, "cosine")
    monkeypatch.setattr(cost, "effort", lambda k, **_: cost.Effort(k + 4, 2, 20, 4, 1))
    without, found = (neighbors(X, 24, "cosine", begin=begin, floor=0) for begin in (None, small))
    assert without.recall is not None
    assert found.recall is not None
    assert found.recall.value > without.recall.value
    assert (found.distances[:, 7] <= small.distances[:, 7]).all()


def test_a_table_of_other_rows_is_no_beginning() -> None:
    X = rows(5, n=100)
    with pytest.raises(ValueError, match="begin is of 50 rows and X has 100"):
        neighbors(X, 8, "cosine", begin=neighbors(X[:50], 5, "cosine"))


@pytest.mark.parametrize("floor", [-0.1, 1.5])
def test_a_floor_that_is_no_share_is_refused(floor: float) -> None:
    with pytest.raises(ValueError, match="from 0 to 1"):
        neighbors(rows(5, n=100), 8, "cosine", floor=floor)


@pytest.mark.parametrize("metric", METRICS)
def test_few_rows_are_searched_exactly(metric: str) -> None:
    assert plan(rows(6), 15, metric).exact
    assert plan(sp.csr_matrix(rows(6)), 15, metric).exact


def test_many_rows_are_searched_approximately() -> None:
    dense = np.broadcast_to(np.float32(1), (400_000, 50))
    chosen = plan(dense, 15, "euclidean")
    assert not chosen.exact
    assert chosen.exact_seconds > chosen.approximate_seconds > 0


def test_the_choice_follows_the_data_and_not_the_count_of_rows() -> None:
    n, width = 150_000, 2000
    thin = sp.csr_matrix((np.ones(3 * n), np.arange(3 * n) % width, np.arange(0, 3 * n + 1, 3)), shape=(n, width))
    heavy = sp.csr_matrix((np.ones(30 * n), np.arange(30 * n) % 400, np.arange(0, 30 * n + 1, 30)), shape=(n, width))
    assert plan(thin, 90, "cosine").exact
    assert plan(thin, 90, "cosine").exact_seconds < plan(heavy, 90, "cosine").exact_seconds
    wide, narrow = (np.broadcast_to(np.float32(1), (40_000, p)) for p in (600, 5))
    assert plan(narrow, 15, "euclidean").exact
    assert not plan(wide, 15, "euclidean").exact


def test_the_second_try_that_a_million_sparse_rows_need_is_part_of_the_price(monkeypatch: pytest.MonkeyPatch) -> None:
    few = sp.csr_matrix(rows(6, n=500))
    once = plan(few, 15, "cosine").approximate_seconds
    monkeypatch.setattr(cost, "SECOND_TRY", 400)
    assert plan(few, 15, "cosine").approximate_seconds > 2 * once


def test_a_plan_is_refused_as_the_search_is() -> None:
    with pytest.raises(ValueError, match="2 to 100"):
        plan(rows(5, n=100), 101, "cosine")


@storages
@pytest.mark.parametrize("moment", [0.05, 0.12, 0.3, 0.5])
def test_a_raising_tick_stops_the_search(storage: str, moment: float, descent_only: None) -> None:
    def tick(done: float) -> None:
        if done > moment:
            raise Cancelled

    with pytest.raises(Cancelled):
        neighbors(STORAGES[storage](rows(7, n=6000)), 10, "cosine", tick=tick)


@storages
def test_progress_is_told_often_and_runs_from_0_to_1(storage: str, descent_only: None) -> None:
    X = STORAGES[storage](rows(8, n=20_000))
    neighbors(X, 10, "cosine")  # compiled
    told: list[float] = []
    pauses, last = [], time.perf_counter()

    def tick(done: float) -> None:
        nonlocal last
        now = time.perf_counter()
        pauses.append(now - last)
        last = now
        told.append(done)

    neighbors(X, 10, "cosine", tick=tick)
    assert told == sorted(told)
    assert (told[0], told[-1]) == (0, 1)
    assert np.quantile(pauses, 0.9) < 0.5


def test_warming_up_takes_no_arguments_and_leaves_nothing() -> None:
    assert warm_up() is None
