"""Trials on a real Dask cluster of this machine."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from distributed import Client, LocalCluster

import segwidgets as sw
from segwidgets.data.errors import MissingExtraError
from segwidgets.result import Progress

SPACE: dict[str, Any] = {"eps": (0.2, 3.0), "min_samples": [3, 5, 10]}


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, memory_limit=0) as cluster,
        Client(cluster) as connected,
    ):
        yield connected


def test_dask_finds_what_this_process_finds_and_every_trial_is_tracked(
    client: Client, session: sw.Session, recipe: sw.Recipe
) -> None:
    said: list[Progress] = []
    made = sw.sweep(
        session, SPACE, 5, recipe=recipe, client=client, name="cloudy", experiment="dasked", progress=said.append
    )
    assert [one.number for one in made.trials] == [0, 1, 2, 3, 4]
    assert not any(one.error for one in made.trials)
    again = session.run(made.trials[1].recipe)
    assert again.metrics()["coverage"] == made.trials[1].metrics["coverage"]
    board = sw.leaderboard(experiment="dasked")
    assert set(board["name"]) == {f"cloudy-{number}" for number in range(5)}
    assert set(board["status"]) == {"completed"}
    assert said[-1].overall == 1.0


def test_the_address_of_a_scheduler_is_enough_and_a_misfit_is_a_failed_trial(
    client: Client, session: sw.Session, recipe: sw.Recipe
) -> None:
    made = sw.sweep(session, {"n_neighbors": [450]}, 1, recipe=recipe, client=client.scheduler.address)
    assert "n_neighbors=450 is not allowed" in made.trials[0].error
    assert client.nthreads()  # the caller's own client is still there


def test_a_cancelled_sweep_leaves_nothing_running(client: Client, slow: tuple[sw.Session, sw.Recipe]) -> None:
    stop = threading.Event()
    timer = threading.Timer(4.0, stop.set)
    timer.start()
    with pytest.raises(sw.Cancelled):
        sw.sweep(slow[0], {"seed": [1, 2, 3]}, 4, recipe=slow[1], client=client, experiment="dask-ended", cancel=stop)
    end = time.monotonic() + 20
    while any(client.processing().values()):
        assert time.monotonic() < end
        time.sleep(0.2)
    assert set(sw.leaderboard(experiment="dask-ended")["status"]) == {"stopped"}


@pytest.mark.parametrize(("client", "words"), [(7, "must be a distributed.Client"), ("nowhere", "no Dask scheduler")])
def test_what_is_no_cluster_is_refused(session: sw.Session, client: Any, words: str) -> None:
    with pytest.raises((ValueError, RuntimeError), match=words):
        sw.sweep(session, SPACE, 1, client=client)


def test_without_dask_the_message_is_the_command(session: sw.Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    with pytest.raises(MissingExtraError, match=r'pip install "segwidgets\[dask\]"'):
        sw.sweep(session, SPACE, 1, client="tcp://127.0.0.1:8786")
