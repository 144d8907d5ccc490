"""The simulated instance is one: alone, with SageMaker's user and PATH, and forgetful."""

# ruff: noqa: S108 - the directories are the simulated machine's

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from .instance import ROOT_PATH, UID, Instance, SmallVolume, require_namespaces, running


@pytest.fixture(autouse=True, scope="module")
def _namespaces() -> None:
    require_namespaces()


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[Instance]:
    (tmp_path / "volume").mkdir()
    with running(Instance(tmp_path / "volume")) as machine:
        machine.boot()
        yield machine


def test_a_script_runs_as_root_with_sagemakers_path_and_an_empty_environment(instance: Instance) -> None:
    started = instance.start('id -u; echo "$PATH"; compgen -e | sort | tr "\\n" " "')
    assert started.output.splitlines()[:2] == ["0", ROOT_PATH]
    # bash sets the others by itself.
    assert set(started.output.splitlines()[2].split()) - {"_", "OLDPWD"} == {"PATH", "PWD", "SHLVL"}


def test_the_scripts_caller_sees_the_end_of_the_output_and_the_exit_code(instance: Instance) -> None:
    started = instance.start("echo out; echo error >&2; exit 3")
    assert (started.output, started.code) == ("out\nerror\n", 3)
    assert started.seconds < 10


def test_a_process_that_keeps_the_pipe_keeps_the_caller(instance: Instance) -> None:
    assert instance.start("sleep 1 & exit 0").seconds >= 1
    started = instance.start("setsid sleep 1 </dev/null >/dev/null 2>&1 & exit 0")
    assert not started.inherited_is_closed(within=0.3)


def test_there_is_an_ec2_user_that_owns_home_and_volume(instance: Instance) -> None:
    assert instance.run(["id", "-un"]).strip() == "ec2-user"
    instance.run(["touch", "/home/ec2-user/new", "/home/ec2-user/SageMaker/new"])
    assert instance.run(["sh", "-c", "touch /usr/new 2>&1 || true"]).strip().endswith("Permission denied")
    assert (instance.kernel_dir.parent / "new").stat().st_uid == UID


def test_a_stop_takes_all_but_the_volume(instance: Instance) -> None:
    places = [
        "/home/ec2-user/lost",
        "/tmp/lost",
        "/run/lost",
        "/var/tmp/lost",
        "/usr/local/sbin/lost",
        "/home/ec2-user/SageMaker/kept",
    ]
    instance.run(["touch", *places], user=False)
    before = instance.run(["cat", "/proc/sys/kernel/random/boot_id"])
    instance.run(["sh", "-c", "sleep 1000 </dev/null >/dev/null 2>&1 &"])
    (sleeper,) = instance.processes()
    instance.stop()
    assert not sleeper.is_running()
    instance.boot()
    left = [place for place in places if instance.path(place).exists()]
    assert left == ["/home/ec2-user/SageMaker/kept"]
    assert instance.run(["cat", "/proc/sys/kernel/random/boot_id"]) != before
    assert not Path("/tmp/lost").exists(), "the machine's own /tmp was written to"


def test_it_sees_no_process_and_no_network_of_this_machine(instance: Instance) -> None:
    assert not instance.path(f"/proc/{os.getpid()}/root").exists() or os.getpid() < 50
    devices = instance.run(["cat", "/proc/net/dev"]).splitlines()[2:]
    assert [line.split(":")[0].strip() for line in devices if "lo" in line or "eth" in line or "en" in line] == ["lo"]
    tried = instance.run(
        ["python3", "-c", "import socket; socket.create_connection(('192.0.2.1', 80), 2)"], user=True, check=False
    )
    assert tried == ""


def test_this_process_can_serve_inside(instance: Instance) -> None:
    with instance.listener(8080) as listener:
        code = "import socket; s = socket.create_connection(('127.0.0.1', 8080)); print(s.recv(9).decode())"
        listener.settimeout(20)
        started = instance.begin(f'/home/ec2-user/anaconda3/envs/JupyterSystemEnv/bin/python3 -c "{code}"')
        connection, _ = listener.accept()
        connection.sendall(b"hello")
        connection.close()
        assert started().output == "hello\n"


def test_the_volume_can_be_read_only_or_small(tmp_path: Path) -> None:
    with running(Instance(tmp_path, read_only=True)) as machine:
        machine.boot()
        assert "Read-only" in machine.run(["sh", "-c", "touch /home/ec2-user/SageMaker/new 2>&1 || true"])
    small = SmallVolume("1m")
    try:
        with running(Instance(small)) as machine:
            machine.boot()
            fill = "head -c 5m /dev/zero 2>&1 >/home/ec2-user/SageMaker/file || true"
            assert "No space left" in machine.run(["sh", "-c", fill])
            machine.stop()
            machine.boot()
            assert (small.path / "file").stat().st_size == 1 << 20
            small.resize("8m")
            assert machine.run(["sh", "-c", fill]) == ""
    finally:
        small.close()


def test_systemd_can_be_the_first_process(tmp_path: Path) -> None:
    with running(Instance(tmp_path, systemd=True)) as machine:
        made = tmp_path / "by-systemd"
        program = "touch /home/ec2-user/SageMaker/by-systemd"
        started = machine.start(f"systemd-run --quiet --collect --uid=ec2-user {program}")
        assert (started.output, started.code) == ("", 0)
        end = time.monotonic() + 20
        while not made.exists():
            assert time.monotonic() < end, "systemd started nothing"
            time.sleep(0.01)
        assert made.stat().st_uid == UID
