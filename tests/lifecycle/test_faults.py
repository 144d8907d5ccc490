"""The whole of it on a simulated instance: on-start, a real restore from a real channel, real kernels, real faults.

After every fault two things hold: each registered kernel stands on a finished environment and runs a cell, and the next
start heals.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from segwidgets import kernelstatus

from .instance import KERNELS, Instance, SmallVolume, Started, require_namespaces, running
from .site import RAPIDS, Site

LIMIT = 2.0
WARM = 5.0
BOTH = {"rapids", "segwidgets-cpu"}


@pytest.fixture(autouse=True, scope="module")
def _namespaces() -> None:
    require_namespaces()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    require_namespaces()
    return Site(tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="module")
def finished(site: Site) -> Iterator[SmallVolume]:
    """A volume on which the first bundle is restored; copied, never used."""
    with volume() as place, running(site.instance(place)) as machine:
        machine.boot()
        with site.serving(machine):
            machine.start(site.script(machine, "first"))
            settle(machine, "ready")
        machine.stop()
        yield place


@pytest.fixture
def bare(site: Site) -> Iterator[Instance]:
    """A new instance: its volume is empty."""
    with volume() as place, running(site.instance(place)) as machine:
        machine.boot()
        yield machine


@pytest.fixture
def cold(site: Site, finished: SmallVolume) -> Iterator[Instance]:
    """An instance whose volume has py-rattler and nothing else."""
    with with_rattler(site, finished) as machine:
        yield machine


@contextlib.contextmanager
def with_rattler(site: Site, finished: SmallVolume, inodes: int = 0) -> Iterator[Instance]:
    with volume(inodes) as place, running(site.instance(place)) as machine:
        machine.boot()
        machine.run(["mkdir", "-p", "/home/ec2-user/SageMaker/.rapids-kernel/wheels"])
        for name in ("bootstrap", "wheels/bootstrap"):
            copy(finished.path / ".rapids-kernel" / name, machine.kernel_dir / name)
        yield machine


@pytest.fixture
def warm(site: Site, finished: SmallVolume) -> Iterator[Instance]:
    """An instance after a stop: the volume has everything, the rest nothing."""
    with volume() as place, running(site.instance(place)) as machine:
        copy(finished.path / ".rapids-kernel", place.path / ".rapids-kernel")
        machine.boot()
        yield machine


@contextlib.contextmanager
def volume(inodes: int = 0) -> Iterator[SmallVolume]:
    """A volume in memory, large enough and quickly gone."""
    place = SmallVolume("3g", inodes)
    try:
        yield place
    finally:
        place.close()


def copy(original: Path, to: Path) -> None:
    subprocess.run(["cp", "-a", str(original), str(to)], check=True)


def at_once(started: Started) -> Started:
    assert started.code == 0, started.output
    assert started.seconds < LIMIT, started.output
    assert started.inherited_is_closed(), "a detached process holds a descriptor of the script's caller"
    return started


def settle(instance: Instance, *states: str) -> dict[str, object]:
    """Wait for the end of the restore; what it says then, which must be one of these states."""
    instance.wait_until_quiet()
    status = instance.status()
    assert status["state"] in states, f"{status}\n{instance.log()}"
    return status


def heals(instance: Instance, script: str, *, whole: bool = True) -> None:
    """The next start brings both kernels, on finished environments."""
    at_once(instance.start(script))
    settle(instance, "ready")
    assert instance.registered_are_whole() == BOTH
    left = [place.name for place in (instance.kernel_dir / "pkgs").glob(".*") if place.is_dir()]
    assert not left, f"what was half-unpacked lies about: {left}"


# ---- without a fault


def test_a_first_start_ends_with_both_kernels_and_the_next_with_the_same_ones(site: Site, bare: Instance) -> None:
    """The CPU kernel comes first; after a stop both are back in seconds, without network, and nothing has changed."""
    cold = bare
    with site.serving(cold) as server:
        at_once(cold.start(site.script(cold, "first")))
        while not cold.kernels():
            assert cold.processes(), cold.log()
            time.sleep(0.01)
        assert set(cold.kernels()) == {"segwidgets-cpu"}
        settle(cold, "ready")
    assert cold.registered_are_whole() == BOTH
    assert cold.run_cell("rapids", "import cuml, cudf; print(cuml.__version__)") == RAPIDS
    assert len(server.requests) == len(set(server.requests)), "something was fetched twice"
    before = trees(cold)
    # The best of three, and of a machine on which others are at work no more than its share.
    limit = WARM * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
    seconds = [after_a_stop(site, cold)]
    while min(seconds) >= limit and len(seconds) < 3:
        seconds.append(after_a_stop(site, cold))
    assert min(seconds) < limit, f"{seconds}, not {limit}\n{cold.log()}"
    assert cold.registered_are_whole() == BOTH
    assert trees(cold) == before


def after_a_stop(site: Site, instance: Instance) -> float:
    """Stop and start without a network; the seconds from on-start to the registered RAPIDS kernel."""
    instance.stop()
    instance.boot()
    script = site.script(instance, "first")
    began = time.monotonic()
    at_once(instance.start(script))
    while "rapids" not in instance.kernels():
        assert instance.processes(), instance.log()
        time.sleep(0.01)
    seconds = time.monotonic() - began
    assert settle(instance, "ready")["warm"] is True
    return seconds


def trees(instance: Instance) -> dict[str, tuple[int, int]]:
    """Every file of environments and caches, by inode and size; what Python compiles for itself left out."""
    top = instance.kernel_dir
    return {
        str(place.relative_to(top)): (place.lstat().st_ino, place.lstat().st_size)
        for part in ("envs", "pkgs", "wheels")
        for place in (top / part).rglob("*")
        if not place.is_dir() and "__pycache__" not in place.parts
    }


# ---- the network


def test_without_network_a_cold_start_registers_nothing_and_says_so(site: Site, cold: Instance) -> None:
    script = site.script(cold, "first")
    at_once(cold.start(script))
    status = settle(cold, "failed")
    assert status["reason"]
    assert cold.kernels() == {}
    assert str(status["reason"]) in at_once(cold.start(script)).output
    cold.wait_until_quiet()
    with site.serving(cold):
        heals(cold, script)


def test_a_server_that_drops_connections_is_asked_again(site: Site, cold: Instance) -> None:
    script = site.script(cold, "first")
    with site.serving(cold) as server:
        server.spoil = lambda number, _path, content: content[: len(content) // 2] if number % 4 == 1 else content
        heals(cold, script)


def test_a_server_that_dies_on_the_way_costs_the_rest_only(site: Site, cold: Instance) -> None:
    script = site.script(cold, "first")
    with site.serving(cold) as server:
        server.spoil = lambda number, _path, content: content if number <= 12 else b""
        at_once(cold.start(script))
        settle(cold, "failed", "degraded")
        assert cold.registered_are_whole() <= {"segwidgets-cpu"}
        had = set(server.requests[:12])
    with site.serving(cold) as server:
        heals(cold, script)
    assert not had & set(server.requests), "what had come was fetched again"


def test_two_starts_at_once_on_a_slow_network_restore_once(site: Site, cold: Instance) -> None:
    script = site.script(cold, "first")
    with site.serving(cold) as server:
        server.rate = site.size / 4
        for end in [cold.begin(script) for _ in range(2)]:
            at_once(end())
        cold.wait_for("restoring", phase="downloading")
        at_once(cold.start(script))
        settle(cold, "ready")
        assert cold.registered_are_whole() == BOTH
    assert len(server.requests) == len(set(server.requests)), "two starts fetched the same"


def test_a_damaged_download_is_never_installed(site: Site, cold: Instance) -> None:
    script = site.script(cold, "first")
    with site.serving(cold) as server:
        for damage in ("truncated", "bit-flipped"):
            server.spoil = spoils("/cuml-", damage)
            at_once(cold.start(script))
            assert "cuml" in str(settle(cold, "degraded")["reason"])
            assert set(cold.kernels()) == {"segwidgets-cpu"}
        assert cold.registered_are_whole() == {"segwidgets-cpu"}
        server.spoil = Site.untouched
        heals(cold, script)


def spoils(name: str, damage: str) -> Callable[[int, str, bytes], bytes]:
    return lambda _number, path, content: damaged(content, damage) if name in path else content


def damaged(content: bytes, how: str) -> bytes:
    middle = len(content) // 2
    if how == "truncated":
        return content[:middle]
    return content[:middle] + bytes([content[middle] ^ 0x10]) + content[middle + 1 :]


# ---- the volume


def test_a_damaged_cache_is_not_installed_from(site: Site, warm: Instance) -> None:
    whole = {}
    for name, damage in (("cudf", "truncated"), ("ipykernel", "bit-flipped")):
        (place,) = (warm.kernel_dir / "pkgs").glob(f"{name}-*/**/{name}/__init__.py")
        whole[name] = place.read_bytes()
        place.write_bytes(damaged(whole[name], damage))
    with site.serving(warm):
        heals(warm, site.script(warm, "changed"))
    env = Path(str(warm.status()["kernels"]["rapids"]["env"]))
    for name, content in whole.items():
        (place,) = warm.path(env).glob(f"lib/python*/site-packages/{name}/__init__.py")
        assert place.read_bytes() == content


@pytest.mark.parametrize("short_of", ["bytes", "inodes"])
def test_a_volume_with_too_little_room_is_refused_before_anything_is_fetched(site: Site, short_of: str) -> None:
    size, inodes = {"bytes": ("250m", 0), "inodes": ("1g", 900)}[short_of]
    small = SmallVolume(size, inodes)
    try:
        with running(site.instance(small)) as machine:
            machine.boot()
            with site.serving(machine) as server:
                at_once(machine.start(site.script(machine, "first")))
                reason = str(settle(machine, "failed")["reason"])
            assert ("GB free" if short_of == "bytes" else "files more") in reason
            assert "give it a larger volume" in reason
            assert machine.kernels() == {}
            assert not [path for path in server.requests if path.endswith(".conda")]
    finally:
        small.close()


@pytest.mark.parametrize("short_of", ["bytes", "inodes"])
def test_a_volume_that_fills_on_the_way_leaves_no_half_built_kernel_and_room_heals(
    site: Site, finished: SmallVolume, short_of: str
) -> None:
    with with_rattler(site, finished, inodes=40_000) as cold, site.serving(cold) as server:
        filler = cold.kernel_dir.parent / "filler"

        def fill(number: int, _path: str, content: bytes) -> bytes:
            if number == 6:
                fill_with(filler, short_of)
            return content

        server.spoil = fill
        script = site.script(cold, "first")
        at_once(cold.start(script))
        settle(cold, "failed", "degraded")
        assert "rapids" not in cold.kernels()
        assert cold.registered_are_whole() <= {"segwidgets-cpu"}
        shutil.rmtree(filler)
        heals(cold, script)


def fill_with(place: Path, what: str) -> None:
    """Take all bytes, or all inodes, that a volume has left."""
    place.mkdir()
    with contextlib.suppress(OSError):
        if what == "bytes":
            with (place / "large").open("wb") as file:
                while True:
                    file.write(bytes(1 << 24))
        for number in itertools.count():
            (place / str(number)).touch()


def test_a_read_only_volume_registers_nothing_that_does_not_run(site: Site, warm: Instance) -> None:
    warm.stop()
    warm.read_only = True
    warm.boot()
    at_once(warm.start(site.script(warm, "first")))
    warm.wait_until_quiet()
    warm.registered_are_whole()
    warm.stop()
    warm.read_only = False
    warm.boot()
    heals(warm, site.script(warm, "first"))


def test_clocks_that_jump_and_a_status_of_another_boot_change_nothing(site: Site, warm: Instance) -> None:
    script = site.script(warm, "first")
    before = trees(warm)
    for moment in (0, 4_102_444_800):
        status = {**warm.status(), "state": "restoring", "phase": "pip", "updated": moment, "started": moment}
        status |= {"boot": "00000000-0000-0000-0000-000000000000", "pid": 1, "finished": None}
        (warm.kernel_dir / "status.json").write_text(json.dumps(status))
        for place in [warm.kernel_dir, *warm.kernel_dir.rglob("*")]:
            os.utime(place, (moment, moment), follow_symlinks=False)
        shutil.rmtree(warm.path(KERNELS), ignore_errors=True)
        heals(warm, script)
        assert warm.status()["started"] > 1_700_000_000
    assert trees(warm) == before


# ---- the process


#: Those that take long enough to be caught in; what lies between them is a matter of milliseconds.
PHASES = ("checking", "bootstrap", "downloading", "installing cpu", "cpu kernel", "pip", "smoke test", "server")


def test_killed_at_every_phase_in_turn_it_leaves_nothing_half_built_and_goes_on(site: Site, bare: Instance) -> None:
    script = site.script(bare, "first")
    with site.serving(bare):
        for phase in PHASES:
            for _ in range(3):
                at_once(bare.start(script))
                caught = reached(bare, phase)
                bare.kill(signal.SIGKILL)
                bare.wait_until_quiet()
                if caught:
                    break
                # It was passed too quickly to be seen: again, from before it.
                shutil.rmtree(bare.kernel_dir / "envs")
            assert caught, f"never seen at {phase}:\n{bare.log()}"
            bare.registered_are_whole()
        heals(bare, script)


def reached(instance: Instance, phase: str) -> bool:
    """Wait until the restore is at a phase; False where it ended without having been seen there."""
    while True:
        status = instance.status()
        if status.get("state") == "restoring" and status.get("phase") == phase:
            return True
        if not instance.processes():
            return False
        time.sleep(0.002)


def test_a_restore_that_alone_is_killed_is_told_and_the_next_start_heals(site: Site, cold: Instance) -> None:
    script = site.script(cold, "first")
    with site.serving(cold) as server:
        server.rate = site.size / 4
        at_once(cold.start(script))
        cold.wait_for("restoring", phase="downloading")
        cold.kill(signal.SIGKILL, only="restore.py")
        cold.wait_until_quiet()
        assert kernelstatus.read(cold.kernel_dir).state == "failed"
        server.rate = 0
        heals(cold, script)


# ---- another lock


def test_a_changed_lock_brings_a_new_kernel_and_fetches_only_what_changed(site: Site, warm: Instance) -> None:
    old = warm.status()["kernels"]["rapids"]["env"]
    with site.serving(warm) as server:
        heals(warm, site.script(warm, "changed"))
    assert {path.rsplit("/", 1)[1].split("-")[0] for path in server.requests if path.endswith(".conda")} == {"cuml"}
    assert warm.status()["kernels"]["rapids"]["env"] != old
    assert warm.path(old).exists(), "the one before is kept"


@pytest.mark.parametrize(("bundle", "says"), [("missing", "cuml"), ("broken", "ImportError: broken on purpose")])
def test_a_broken_new_lock_leaves_the_old_kernel_and_the_next_good_one_heals(
    site: Site, warm: Instance, bundle: str, says: str
) -> None:
    """A package that the channel has not; one that installs and does not import."""
    old = warm.status()["kernels"]["rapids"]["env"]
    with site.serving(warm):
        at_once(warm.start(site.script(warm, bundle)))
        status = settle(warm, "degraded")
        assert says in str(status["reason"])
        assert warm.registered_are_whole() == BOTH
        assert warm.run_cell("rapids", "import cuml; print(cuml.__version__)") == RAPIDS
        assert warm.status()["kernels"]["rapids"]["env"] == old
        heals(warm, site.script(warm, "changed"))


def test_a_package_whose_checksum_is_not_the_locks_is_never_installed(site: Site, cold: Instance) -> None:
    with site.serving(cold):
        at_once(cold.start(site.script(cold, "wrong")))
        assert "hash mismatch" in str(settle(cold, "degraded")["reason"])
        assert cold.registered_are_whole() == {"segwidgets-cpu"}
        heals(cold, site.script(cold, "first"))


def test_a_package_that_is_cached_under_another_checksum_is_not_taken_for_it(site: Site, warm: Instance) -> None:
    old = warm.status()["kernels"]["rapids"]["env"]
    with site.serving(warm):
        at_once(warm.start(site.script(warm, "wrong")))
        settle(warm, "degraded")
    assert warm.status()["kernels"]["rapids"]["env"] == old


def test_a_lock_that_cannot_be_read_leaves_the_old_kernel(site: Site, warm: Instance) -> None:
    at_once(warm.start(site.script(warm, "unreadable")))
    settle(warm, "degraded")
    assert warm.registered_are_whole() == BOTH
