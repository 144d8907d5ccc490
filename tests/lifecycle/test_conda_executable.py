"""The conda that conda-lock is handed answers a lock's two calls as conda would, and refuses the others in words."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from .locking import HOST, conda, write_channel

DRY_RUN = ("create", "--prefix", "/nowhere", "--dry-run", "--json", "--override-channels")


def record(name: str, version: str, *depends: str) -> dict[str, Any]:
    """A record of a channel, with figures that are its own."""
    digest = hashlib.sha256(f"{name} {version}".encode()).hexdigest()
    entry: dict[str, Any] = {
        "name": name,
        "version": version,
        "build": "0",
        "build_number": 0,
        "depends": list(depends),
    }
    return entry | {"subdir": "linux-64", "md5": digest[:32], "sha256": digest, "size": 1}


@pytest.fixture
def channels(tmp_path: Path) -> Path:
    """Two channels: `inner` has lib 1 and app, `outer` has lib 2."""
    folder = tmp_path / "a snapshot"
    inner = {"lib-1-0.conda": record("lib", "1"), "app-1-0.conda": record("app", "1", "lib", "__cuda >=12")}
    write_channel(folder, "inner", "linux-64", inner)
    write_channel(folder, "inner", "noarch", {})
    write_channel(folder, "outer", "linux-64", {"lib-2-0.conda": record("lib", "2")})
    write_channel(folder, "outer", "noarch", {})
    return folder


@pytest.fixture
def machine(tmp_path: Path) -> str:
    """The address of conda-lock's channel of made-up packages: a machine with a driver for CUDA 12.2."""
    place = tmp_path / "conda-lock-fake-repodata-x" / "linux-64"
    place.mkdir(parents=True)
    driver = {"name": "__cuda", "version": "12.2", "build": "0", "build_string": "", "build_number": 0, "depends": []}
    (place / "repodata.json").write_text(json.dumps({"packages": {"__cuda-12.2-0.tar.bz2": driver}}))
    return place.parent.as_uri()


def test_it_tells_its_version_and_who_answers() -> None:
    ended = conda("--version")
    assert ended.returncode == 0
    assert ended.stdout.startswith("conda 2")
    assert "py-rattler" in ended.stdout


def test_a_dry_run_names_public_addresses_and_never_the_folder(channels: Path, machine: str) -> None:
    ended = conda(*DRY_RUN, "--channel", "inner", "--channel", machine, "app", channels=channels)
    assert ended.returncode == 0, ended.stderr
    answer = json.loads(ended.stdout)
    fetched = {action["name"]: action for action in answer["actions"]["FETCH"]}
    assert answer["success"] is True
    assert fetched["app"]["url"] == f"{HOST}/inner/linux-64/app-1-0.conda"
    assert fetched["app"]["depends"] == ["lib", "__cuda >=12"]
    assert fetched["app"]["sha256"] == record("app", "1", "lib", "__cuda >=12")["sha256"]
    assert fetched["app"]["md5"]
    assert sorted(fetched) == ["app", "lib"], "a virtual package is nothing to download"
    assert channels.name not in ended.stdout
    assert "file:" not in ended.stdout


def test_the_first_channel_that_has_a_name_is_the_only_one_asked_for_it(channels: Path) -> None:
    chosen = {}
    for order in (["inner", "outer"], ["outer", "inner"]):
        words = [word for channel in order for word in ("--channel", channel)]
        ended = conda(*DRY_RUN, *words, "lib", channels=channels)
        chosen[order[0]] = json.loads(ended.stdout)["actions"]["FETCH"][0]["version"]
    assert chosen == {"inner": "1", "outer": "2"}


def test_what_needs_a_driver_is_not_solved_for_a_machine_without_one(channels: Path) -> None:
    ended = conda(*DRY_RUN, "--channel", "inner", "app", channels=channels)
    assert ended.returncode == 1
    assert "__cuda" in json.loads(ended.stdout)["message"]


def test_a_name_that_is_nowhere_is_told_by_name(channels: Path) -> None:
    ended = conda(*DRY_RUN, "--channel", "inner", "no-such-package", channels=channels)
    assert ended.returncode == 1
    assert "no-such-package" in json.loads(ended.stdout)["message"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("install", "numpy"), "'install'"),
        (("create", "--prefix", "p", "--file", "explicit.txt"), "--dry-run"),
        (("create", "--prefix", "p", "--json", "--override-channels", "--channel", "inner", "lib"), "--dry-run"),
        ((*DRY_RUN, "lib"), "--channel"),
        ((*DRY_RUN, "--channel", "inner", "--channel-priority", "flexible", "lib"), "--channel-priority"),
        ((), "command"),
    ],
)
def test_any_other_call_is_refused_with_what_is_answered(words: tuple[str, ...], told: str, channels: Path) -> None:
    ended = conda(*words, channels=channels)
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert told in ended.stderr
    assert "conda-lock makes a lock" in ended.stderr
    assert "use conda, mamba or pixi" in ended.stderr


@pytest.mark.parametrize("text", ["/somewhere", "no-address=/tmp", f"{HOST}=/no/such/folder"])
def test_a_channel_map_that_cannot_be_meant_is_refused_with_its_form(text: str) -> None:
    ended = conda(*DRY_RUN, "--channel", "inner", "lib", channels=text)
    assert ended.returncode == 2
    assert "CHANNEL_MAP" in ended.stderr
    assert repr(text.rpartition("=")[2]) in ended.stderr or repr(text) in ended.stderr


def test_a_channel_that_the_snapshot_lacks_is_told_with_those_it_has(channels: Path) -> None:
    ended = conda(*DRY_RUN, "--channel", "outer", "--channel", "bioconda", "lib", channels=channels)
    assert ended.returncode == 2
    assert "'bioconda'" in ended.stderr
    assert "inner, outer" in ended.stderr
