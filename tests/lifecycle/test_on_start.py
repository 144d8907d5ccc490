"""on-start comes back at once whatever is broken, hands over to ec2-user, and brings the bundle that was meant."""

# ruff: noqa: S108 - the directories are the simulated machine's

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from segwidgets import kernelstatus

from .instance import SERVER, UID, Instance, SmallVolume, Started, require_namespaces, running
from .parcels import RECORDS, WITH_AWS, Bucket, filled, parcel, told, wait_for_restores, write

LIMIT = 2.0
URI = "s3://bucket/kernel.tar.gz"
KEY = "bucket/kernel.tar.gz"
WRITE_PYTHON = f"printf '#!/bin/sh\\nexec {sys.executable} \"$@\"\\n'"
DIRECTORY = "/home/ec2-user/SageMaker/.rapids-kernel"


@pytest.fixture(autouse=True, scope="module")
def _namespaces() -> None:
    require_namespaces()


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    place = tmp_path / "volume"
    place.mkdir()
    return place


@pytest.fixture
def instance(volume: Path) -> Iterator[Instance]:
    with running(Instance(volume, files=WITH_AWS, hidden=("aws",))) as machine:
        yield machine


@pytest.fixture
def serve() -> Iterator[Callable[[Instance, Bucket], Callable[[], None]]]:
    """Serve a bucket inside an instance until the test is over, or until the answer is called."""
    with ExitStack() as open_ones:

        def serve_it(instance: Instance, bucket: Bucket) -> Callable[[], None]:
            closing = ExitStack()
            closing.callback(bucket.open(instance))
            open_ones.callback(closing.close)
            return closing.close

        yield serve_it


Serve = Callable[[Instance, Bucket], Callable[[], None]]


def at_once(started: Started) -> str:
    """The output of a script that succeeded in time and left nobody waiting for it."""
    assert started.code == 0, started.output
    assert started.seconds < LIMIT, started.output
    assert started.inherited_is_closed(), "a detached process holds a descriptor of the script's caller"
    return started.output


# ---- the detached process


def test_it_returns_at_once_and_the_restore_runs_on_as_ec2_user(instance: Instance, volume: Path) -> None:
    bundle = parcel(program=f"import time\ntime.sleep(1.5)\n{RECORDS}")
    output = at_once(instance.start(filled(write(volume / "b.tar.gz", bundle.content), bundle.sha256)))
    assert "The restore runs in the background (setsid)" in output
    assert told(instance) == []
    (facts,) = wait_for_restores(instance, 1)
    assert (facts["uid"], facts["gid"], facts["umask"], facts["directory"]) == (UID, UID, 0o022, "/")
    assert facts["environment"]["HOME"] == "/home/ec2-user"
    assert facts["environment"]["PATH"].startswith("/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:")
    assert "TEXT" not in facts["environment"]
    log = f"{DIRECTORY}/restore.log"
    assert {facts["open"][number] for number in "012"} == {"/dev/null", log}
    assert [place for place in facts["open"].values() if place.startswith("pipe:")] == []
    assert not facts["terminal"]
    assert facts["python"] == f"{SERVER}/bin/python3"
    assert "restored by one" in instance.log()


def test_systemd_takes_the_restore_where_it_runs(volume: Path) -> None:
    bundle = parcel()
    script = filled(write(volume / "b.tar.gz", bundle.content), bundle.sha256)
    proxy = "export https_proxy='http://proxy.example:3128/?a=${HOME}'\n"
    with running(Instance(volume, systemd=True)) as machine:
        output = at_once(machine.start(script.replace("\nset -u\n", f"\n{proxy}set -u\n")))
        assert "The restore runs in the background (systemd)" in output
        (facts,) = wait_for_restores(machine, 1)
    assert facts["uid"] == UID
    assert re.search(r"system\.slice/run-\w+\.service", facts["cgroup"])
    assert facts["environment"]["HOME"] == "/home/ec2-user"
    assert facts["environment"]["https_proxy"] == "http://proxy.example:3128/?a=${HOME}"
    assert [place for place in facts["open"].values() if place.startswith("pipe:")] == []


def test_a_systemd_that_does_not_answer_keeps_nobody_waiting(instance: Instance, volume: Path) -> None:
    bundle = parcel()
    instance.files = {"/usr/local/sbin/systemd-run": ("755", "#!/bin/sh\nsleep 3; exit 1\n")}
    instance.boot()
    instance.path("/run/systemd/system").mkdir(parents=True)
    started = instance.start(filled(write(volume / "b.tar.gz", bundle.content), bundle.sha256))
    assert "The restore runs in the background (not confirmed yet)" in at_once(started)
    assert wait_for_restores(instance, 1)[0]["uid"] == UID


def test_the_script_may_be_deleted_while_the_restore_runs(instance: Instance, volume: Path) -> None:
    bundle = parcel()
    script = filled(write(volume / "b.tar.gz", bundle.content), bundle.sha256)
    # `start` deletes it as soon as it has returned.
    at_once(instance.start(script))
    assert len(wait_for_restores(instance, 1)) == 1


def test_sagemakers_relative_path_is_not_trusted(instance: Instance, volume: Path) -> None:
    instance.boot()
    trap = instance.path("/tmp/here/bin")
    trap.mkdir(parents=True)
    for name in ("id", "setsid", "date", "tail"):
        (trap / name).write_text("#!/bin/sh\ntouch /tmp/trapped\n")
        (trap / name).chmod(0o755)
    bundle = parcel()
    script = filled(write(volume / "b.tar.gz", bundle.content), bundle.sha256)
    at_once(instance.start(f"cd /tmp/here\n{script}"))
    wait_for_restores(instance, 1)
    assert not instance.path("/tmp/trapped").exists()


def test_root_follows_no_link_that_the_user_has_put_there(instance: Instance) -> None:
    instance.boot()
    roots = instance.path("/var/tmp/of-root")
    roots.mkdir(mode=0o755)
    instance.run(["ln", "-s", "/var/tmp/of-root", "/home/ec2-user/SageMaker/.rapids-kernel"])
    at_once(instance.start())
    at_once(instance.start(filled("", "", "on-create.sh")))
    instance.wait_until_quiet()
    assert roots.stat().st_uid == 0
    assert list(roots.iterdir()) == []


# ---- what is broken, and how it is told


@pytest.mark.parametrize("names", [["status.json"], ["restore.log"], ["status.json", "restore.log", "lock"]])
def test_a_volume_that_hangs_keeps_nobody_waiting(instance: Instance, names: list[str]) -> None:
    instance.boot()
    for name in names:
        # Whoever opens such a file waits for somebody at its other end.
        instance.run(["sh", "-c", f"mkdir -p {DIRECTORY} && mkfifo {DIRECTORY}/{name}"])
    if "status.json" not in names:
        instance.kernel_dir.joinpath("status.json").write_text('{"state": "ready", "phase": "done", "reason": ""}')
    output = at_once(instance.start())
    assert ('The last restore: ready, phase "done"' in output) == ("status.json" not in names)
    assert "The restore runs in the background" in output


def test_no_ec2_user_is_said(volume: Path) -> None:
    with running(Instance(volume)) as machine:
        machine.boot()
        started = machine.start(filled("", "").replace("owner=ec2-user", "owner=nobody-of-that-name"))
        assert "There is no user nobody-of-that-name, so this is no SageMaker notebook instance." in at_once(started)


def test_no_python_is_said_and_retry_heals(volume: Path) -> None:
    bundle = parcel()
    script = filled(write(volume / "b.tar.gz", bundle.content), bundle.sha256)
    with running(Instance(volume, python=False, hidden=("python3*",))) as machine:
        at_once(machine.start(script))
        status = machine.wait_for("failed")
        assert "No Python 3.10 or later with pip was found" in status["reason"]
        assert set(status) == STATUS_FIELDS
        machine.wait_until_quiet()
        # One comes to be there.
        machine.run(["sh", "-c", "grep -o '/[^ ]*bin/python3[^ ]*' /proc/mounts | xargs -r umount"], user=False)
        python = "/home/ec2-user/anaconda3/bin/python3"
        machine.run(["mkdir", "-p", str(Path(python).parent)])
        machine.run(["sh", "-c", f"{WRITE_PYTHON} >{python} && chmod +x {python}"])
        machine.run([f"{DIRECTORY}/retry"])
        assert wait_for_restores(machine, 1)[0]["python"] == sys.executable
        assert machine.status()["state"] == "ready"


def test_an_old_python_is_passed_over(instance: Instance, volume: Path) -> None:
    old = "#!/bin/sh\nexit 1\n"
    instance.files = {"/home/ec2-user/anaconda3/envs/python3/bin/python3": ("755", old)}
    instance.boot()
    instance.run(["sh", "-c", f"rm {SERVER}/bin/python3 && printf '#!/bin/sh\nexit 1\n' >{SERVER}/bin/python3"])
    instance.run(["mkdir", "-p", "/home/ec2-user/anaconda3/bin"])
    python = "/home/ec2-user/anaconda3/bin/python3"
    instance.run(["sh", "-c", f"{WRITE_PYTHON} >{python} && chmod +x {python}"])
    bundle = parcel()
    at_once(instance.start(filled(write(volume / "b.tar.gz", bundle.content), bundle.sha256)))
    assert wait_for_restores(instance, 1)[0]["python"] == sys.executable


def test_a_read_only_volume_is_said_where_there_is_room(volume: Path) -> None:
    bundle = parcel()
    script = filled(write(volume / "b.tar.gz", bundle.content), bundle.sha256)
    with running(Instance(volume, read_only=True)) as machine:
        at_once(machine.start(script))
        machine.wait_until_quiet()
        log = machine.path("/home/ec2-user/rapids-kernel-restore.log").read_text()
        assert "The volume cannot be written to." in log
        assert "Read-only file system" in log
        assert "The bundle could not be had from /home/ec2-user/SageMaker/b.tar.gz" in log
        assert "the volume cannot be written to" in at_once(machine.start(filled("", "", "on-create.sh")))
    with running(Instance(volume)) as machine:
        at_once(machine.start(script))
        assert len(wait_for_restores(machine, 1)) == 1


@pytest.mark.parametrize(("size", "inodes"), [("16k", 0), ("8m", 6)])
def test_a_full_volume_leaves_nothing_half_done_and_room_heals(size: str, inodes: int) -> None:
    small = SmallVolume(size, inodes)
    try:
        with running(Instance(small, files=WITH_AWS, hidden=("aws",))) as machine:
            machine.boot()
            bundle = parcel(program=RECORDS + "#" * 100_000)
            close = Bucket({KEY: bundle.content}).open(machine)
            try:
                at_once(machine.start(filled(URI, bundle.sha256)))
                machine.wait_until_quiet()
                assert told(machine) == []
                assert unpacked(machine) == []
                small.resize("8m")
                at_once(machine.start(filled(URI, bundle.sha256)))
                wait_for_restores(machine, 1)
            finally:
                close()
            assert unpacked(machine) == [bundle.sha256]
    finally:
        small.close()


STATUS_FIELDS = {
    *("version", "state", "phase", "started", "updated", "finished", "packages", "bytes", "rate", "seconds_left"),
    *("fraction", "key", "warm", "kernels", "driver", "gpu", "instance_type", "reason", "log", "pid", "boot"),
}


def unpacked(instance: Instance) -> list[str]:
    """All that lies in the place for bundles, but for the link to the one in use."""
    place = instance.kernel_dir / "bundle"
    return sorted(path.name for path in place.iterdir() if path.name != "current") if place.exists() else []


# ---- the bundle


def test_a_bundle_is_fetched_checked_unpacked_and_never_fetched_again(instance: Instance, serve: Serve) -> None:
    bundle = parcel()
    bucket = Bucket({KEY: bundle.content})
    instance.boot()
    close = serve(instance, bucket)
    at_once(instance.start(filled(URI, bundle.sha256)))
    (facts,) = wait_for_restores(instance, 1)
    assert facts["bundle"] == f"{DIRECTORY}/bundle/{bundle.sha256}"
    assert str((instance.kernel_dir / "bundle/current").readlink()) == bundle.sha256
    assert unpacked(instance) == [bundle.sha256]
    close()
    instance.stop()
    at_once(instance.start(filled(URI, bundle.sha256)))
    assert len(wait_for_restores(instance, 2)) == 2
    assert bucket.requests == [KEY]


def test_a_download_that_breaks_off_or_is_wrong_is_tried_again(instance: Instance, serve: Serve) -> None:
    bundle = parcel()

    def spoil(request: int, content: bytes) -> bytes:
        flipped = bytes([content[0], content[1] ^ 1]) + content[2:]
        return {1: content[: len(content) // 2], 2: flipped}.get(request, content)

    bucket = Bucket({KEY: bundle.content}, spoil)
    instance.boot()
    serve(instance, bucket)
    at_once(instance.start(filled(URI, bundle.sha256)))
    assert instance.wait_for("restoring", phase="fetching")["reason"] == ""
    assert len(wait_for_restores(instance, 1)) == 1
    assert len(bucket.requests) == 3
    assert "it is refused and deleted" in instance.log()
    assert unpacked(instance) == [bundle.sha256]


def test_a_wrong_checksum_is_refused_deleted_and_the_old_bundle_is_used(
    instance: Instance, volume: Path, serve: Serve
) -> None:
    old, new = parcel("old"), parcel("new")
    at_once(instance.start(filled(write(volume / "old.tar.gz", old.content), old.sha256)))
    wait_for_restores(instance, 1)
    at_once(instance.start(filled(write(volume / "new.tar.gz", new.content), "0" * 64)))
    assert wait_for_restores(instance, 2)[1]["bundle"].endswith(old.sha256)
    assert f"has the sha256 {new.sha256}, not {'0' * 64}: it is refused and deleted." in instance.log()
    assert f"Going on with the bundle that lies here: {old.sha256}." in instance.log()
    assert unpacked(instance) == [old.sha256]
    # What was meant comes in the end, and its predecessor stays beside it.
    at_once(instance.start(filled(write(volume / "new.tar.gz", new.content), new.sha256)))
    assert wait_for_restores(instance, 3)[2]["bundle"].endswith(new.sha256)
    assert unpacked(instance) == sorted([old.sha256, new.sha256])


def test_without_network_the_bundle_that_lies_there_is_used(instance: Instance, volume: Path) -> None:
    old = parcel("old")
    at_once(instance.start(filled(write(volume / "old.tar.gz", old.content), old.sha256)))
    wait_for_restores(instance, 1)
    instance.stop()
    at_once(instance.start(filled(URI, "1" * 64)))
    assert wait_for_restores(instance, 2)[1]["bundle"].endswith(old.sha256)
    assert f"The bundle could not be fetched from {URI}. Check the network" in instance.log()
    assert instance.log().count("fatal error") == 4


def test_without_network_and_bundle_it_fails_in_words_the_next_start_tells_them_and_retry_heals(
    instance: Instance, serve: Serve
) -> None:
    bundle = parcel()
    at_once(instance.start(filled(URI, bundle.sha256)))
    status = instance.wait_for("failed")
    assert set(status) == STATUS_FIELDS
    assert status["reason"].startswith(
        f"The bundle could not be had from {URI}, and none that works lies on the volume."
    )
    assert status["kernels"] == {"rapids": None, "cpu": None}
    # The package's one reader takes it as it takes restore.py's.
    read = kernelstatus.read(instance.kernel_dir)
    assert (read.state, read.phase, read.reason) == ("failed", "starting", status["reason"])
    instance.wait_until_quiet()
    assert unpacked(instance) == []
    serve(instance, Bucket({KEY: bundle.content}))
    instance.run([f"{DIRECTORY}/retry"])
    wait_for_restores(instance, 1)
    assert instance.status()["state"] == "ready"


def test_the_next_start_prints_how_the_last_restore_ended(instance: Instance) -> None:
    assert "No restore has run on this volume yet." in at_once(instance.start())
    reason = instance.wait_for("failed")["reason"]
    instance.wait_until_quiet()
    output = at_once(instance.start())
    assert f'The last restore: failed, phase "starting". {reason}\nThe end of its log:\n' in output
    assert output.count(reason) == 2
    instance.wait_until_quiet()
    told_by_restore = {"state": "degraded", "phase": "smoke test", "log": "x", "reason": 'cuml said "no\\\\" and\nleft'}
    for indent in (None, 2):
        instance.kernel_dir.joinpath("status.json").write_text(json.dumps(told_by_restore, indent=indent))
        output = at_once(instance.start())
        assert 'The last restore: degraded, phase "smoke test". cuml said' in output
        instance.wait_until_quiet()
    instance.kernel_dir.joinpath("status.json").write_text("{")
    assert "The last restore: its status.json cannot be read." in at_once(instance.start())


def test_with_no_address_the_bundle_in_use_is_used(instance: Instance, volume: Path) -> None:
    one, two = parcel("one"), parcel("two")
    for bundle in (one, two):
        at_once(instance.start(filled(write(volume / "b.tar.gz", bundle.content), bundle.sha256)))
        wait_for_restores(instance, 1 if bundle is one else 2)
    (instance.kernel_dir / "bundle/current").unlink()
    (instance.kernel_dir / "bundle/current").symlink_to(one.sha256)
    at_once(instance.start(filled("", "")))
    assert wait_for_restores(instance, 3)[2]["bundle"].endswith(one.sha256)


@pytest.mark.parametrize(
    ("uri", "sha256", "words"),
    [
        ("", "", "No bundle lies on the volume, and there is no address to fetch one from."),
        ("https://host/b.tar.gz", "0" * 64, "BUNDLE_URI is 'https://host/b.tar.gz': it must start with s3://"),
        ("s3://bucket/b.tar.gz", "", "BUNDLE_SHA256 is '', not 64 hexadecimal digits: nothing is fetched unchecked."),
        ("s3://bucket/b.tar.gz", "ABC", "BUNDLE_SHA256 is 'ABC', not 64 hexadecimal digits"),
        ("/home/ec2-user/SageMaker/none.tar.gz", "0" * 64, "No such file"),
    ],
)
def test_settings_that_cannot_work_are_said(instance: Instance, uri: str, sha256: str, words: str) -> None:
    at_once(instance.start(filled(uri, sha256)))
    instance.wait_for("failed")
    instance.wait_until_quiet()
    assert words in instance.log()
    assert unpacked(instance) == []


def test_a_damaged_bundle_is_fetched_anew(instance: Instance, volume: Path) -> None:
    bundle = parcel()
    script = filled(write(volume / "b.tar.gz", bundle.content), bundle.sha256)
    at_once(instance.start(script))
    wait_for_restores(instance, 1)
    program = instance.kernel_dir / "bundle" / bundle.sha256 / "restore.py"
    for number, damaged in enumerate(
        [program.read_bytes()[:-20], program.read_bytes().replace(b"ready", b"reedy"), b""]
    ):
        program.write_bytes(damaged)
        at_once(instance.start(script))
        wait_for_restores(instance, 2 + number)
        assert b'"ready"' in program.read_bytes()


def test_a_bundle_whose_restore_does_not_start_is_passed_over_for_the_one_before(
    instance: Instance, volume: Path
) -> None:
    good, broken = parcel("good"), parcel("broken", "import no_such_module")
    at_once(instance.start(filled(write(volume / "good.tar.gz", good.content), good.sha256)))
    wait_for_restores(instance, 1)
    at_once(instance.start(filled(write(volume / "broken.tar.gz", broken.content), broken.sha256)))
    assert wait_for_restores(instance, 2)[1]["bundle"].endswith(good.sha256)
    assert f"Bundle {broken.sha256}: restore.py ended with exit code 1 and told no status." in instance.log()
    assert str((instance.kernel_dir / "bundle/current").readlink()) == good.sha256


def test_a_restore_that_told_its_failure_is_left_at_that(instance: Instance, volume: Path) -> None:
    good, failing = parcel("good"), parcel("failing", f"{RECORDS}\nsys.exit(1)")
    for number, bundle in enumerate([good, failing]):
        at_once(instance.start(filled(write(volume / "b.tar.gz", bundle.content), bundle.sha256)))
        wait_for_restores(instance, number + 1)
    assert [facts["bundle"][-64:] for facts in told(instance)] == [good.sha256, failing.sha256]


def test_three_bundles_are_kept_and_what_killed_starts_left_is_swept(instance: Instance, volume: Path) -> None:
    bundles = [parcel(f"version {number}") for number in range(5)]
    instance.boot()
    left = f"{DIRECTORY}/bundle/.new-999999"
    instance.run(["sh", "-c", f"mkdir -p {left} && echo half >{left}/tar.gz"])
    for number, bundle in enumerate(bundles):
        at_once(instance.start(filled(write(volume / "b.tar.gz", bundle.content), bundle.sha256)))
        wait_for_restores(instance, number + 1)
    assert unpacked(instance) == sorted(bundle.sha256 for bundle in bundles[-3:])
    assert [path.name for path in instance.kernel_dir.glob(".*")] == []


def test_two_starts_at_once_both_return_and_leave_one_bundle(instance: Instance, serve: Serve) -> None:
    bundle = parcel()

    def slowly(_request: int, content: bytes) -> bytes:
        time.sleep(0.3)
        return content

    instance.boot()
    bucket = Bucket({KEY: bundle.content}, slowly)
    serve(instance, bucket)
    begun = [instance.begin(filled(URI, bundle.sha256)) for _ in range(2)]
    for end in begun:
        at_once(end())
    wait_for_restores(instance, 2)
    assert unpacked(instance) == [bundle.sha256]
    assert bucket.requests == [KEY]


def test_a_status_of_a_restore_that_runs_is_not_talked_over(instance: Instance) -> None:
    instance.boot()
    instance.run(["mkdir", "-p", DIRECTORY])
    instance.run(["sh", "-c", f"echo mine >{DIRECTORY}/status.json"])
    instance.run(["sh", "-c", f"setsid flock {DIRECTORY}/lock sleep 60 </dev/null >/dev/null 2>&1 &"])
    end = time.monotonic() + 20
    while "sleep" not in [process.name() for process in instance.processes()]:
        assert time.monotonic() < end
        time.sleep(0.01)
    at_once(instance.start(filled("", "")))
    while "no address to fetch one from" not in instance.log():
        assert time.monotonic() < end
        time.sleep(0.01)
    assert (instance.kernel_dir / "status.json").read_text() == "mine\n"


def test_the_log_is_kept_short(instance: Instance) -> None:
    instance.kernel_dir.mkdir()
    instance.kernel_dir.joinpath("restore.log").write_text("a line\n" * 400_000)
    at_once(instance.start())
    instance.wait_for("failed")
    assert 400_000 < len(instance.log()) < 600_000
    assert "no address to fetch one from" in instance.log()


def test_a_clock_that_jumps_changes_nothing(instance: Instance, volume: Path) -> None:
    bundle, second = parcel("one"), parcel("two")
    script = filled(write(volume / "b.tar.gz", bundle.content), bundle.sha256)
    at_once(instance.start(script))
    wait_for_restores(instance, 1)
    for number, moment in enumerate([0, 4_102_444_800]):
        for place in [instance.kernel_dir, *instance.kernel_dir.rglob("*")]:
            os.utime(place, (moment, moment), follow_symlinks=False)
        at_once(instance.start(script))
        assert len(wait_for_restores(instance, 2 + number)) == 2 + number
    at_once(instance.start(filled(write(volume / "b2.tar.gz", second.content), second.sha256)))
    assert wait_for_restores(instance, 4)[3]["bundle"].endswith(second.sha256)


# ---- the files as they are deployed


def test_windows_line_ends_are_said_and_do_no_harm(instance: Instance, volume: Path) -> None:
    bundle = parcel()
    script = filled(write(volume / "b.tar.gz", bundle.content), bundle.sha256)
    output = at_once(instance.start(script.replace("\n", "\r\n")))
    assert "this script has Windows line ends (CRLF)" in output
    assert "The restore runs in the background" in output
    assert "\r" not in output
    assert len(wait_for_restores(instance, 1)) == 1
    output = at_once(instance.start(filled("", "", "on-create.sh").replace("\n", "\r\n")))
    assert "this script has Windows line ends (CRLF)" in output
    assert "The volume" in output


def test_the_bats_tests_of_the_scripts_pass_in_the_instance(instance: Instance) -> None:
    instance.boot()
    bats = Path(sys.executable).parent / "bats"
    files = sorted(str(path) for path in Path(__file__).parent.glob("*.bats"))
    done = subprocess.run(
        instance.inside([str(bats), *files]), capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("\nok ") >= 8
