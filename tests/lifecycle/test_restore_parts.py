"""The parts of the restore, each by itself: the lock's reader, pins and wheels, layout, checks, status."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "lifecycle"))

from restoring import checks, kernels, lockfile, sweeping, wheels  # noqa: E402
from restoring.errors import RestoreError  # noqa: E402
from restoring.layout import COMPLETE, Layout, key_of, point, write_if_new, write_whole  # noqa: E402
from restoring.reporting import Report  # noqa: E402
from restoring.run import CPU_ROOTS  # noqa: E402

from segwidgets import kernelstatus  # noqa: E402

# ---- the lock


def test_the_lock_of_this_repository_is_read_as_a_yaml_library_reads_it() -> None:
    text = (ROOT / "conda-lock.yml").read_text()
    theirs = [one for one in yaml.safe_load(text)["package"] if one["manager"] == "conda"]
    ours = lockfile.read(text)
    assert len(ours) == len(theirs) > 100
    for one, other in zip(ours, theirs, strict=True):
        assert (one.name, one.url, one.sha256, one.md5) == (
            other["name"], other["url"], other["hash"]["sha256"], other["hash"]["md5"],
        )  # fmt: skip
        assert one.dependencies == {key: value or "" for key, value in other["dependencies"].items()}
        assert f"{one.name}-{one.version}-{one.build}" in one.url


plain = st.from_regex(r"[a-z_][a-z0-9_.-]{0,12}", fullmatch=True).filter(
    lambda text: text not in {"true", "false", "null", "yes", "no", "on", "off", "y", "n"} and not text.endswith("-")
)
texts = st.one_of(plain, st.from_regex(r"[>=<!~0-9., a-z*'#:\[\]{}&|-]{0,20}", fullmatch=True))
documents = st.recursive(
    texts,
    lambda inner: st.one_of(
        st.dictionaries(plain, inner, max_size=4),
        st.lists(st.dictionaries(plain, texts, min_size=1, max_size=3), max_size=3),
    ),
    max_leaves=20,
)


def as_text(value: Any) -> Any:
    """With every scalar as text, as the reader gives numbers and dates."""
    if isinstance(value, dict):
        return {key: as_text(one) for key, one in value.items()}
    return [as_text(one) for one in value] if isinstance(value, list) else value


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(plain, documents, min_size=1, max_size=4))
def test_what_a_yaml_library_writes_is_read_back_or_refused_and_never_misread(document: dict[str, Any]) -> None:
    written = yaml.safe_dump(document, sort_keys=False, width=10_000)
    try:
        found = lockfile.parse(written)
    except RestoreError:  # a form that conda-lock never writes
        return
    assert found == as_text(document)


@pytest.mark.parametrize(
    ("line", "number"),
    [
        ("a: &x 1", 1),
        ("a: |\n  text", 1),
        ("a: [1, 2]", 1),
        ("a: 1\na: 2", 2),
        ("a:\n\tb: 1", 2),
        ("a: 'b", 1),
        ("just text", 1),
    ],
)
def test_what_conda_lock_never_writes_is_refused_by_its_line(line: str, number: int) -> None:
    with pytest.raises(RestoreError, match=f"line {number} is not as conda-lock writes it"):
        lockfile.parse(line)


ENTRY = """version: 1
package:
- name: foo
  version: '1.0'
  manager: conda
  platform: linux-64
  dependencies: {}
  url: https://example.org/c/linux-64/foo-1.0-h_0.conda
  hash:
    sha256: %s
"""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("version: 2\npackage:\n- name: a", "not a lock of version 1"),
        ("version: 1\npackage: []", "locks nothing for linux-64"),
        (ENTRY % "abc", "does not say how to get 'foo': an address with a sha256 is needed"),
        (ENTRY % ("0" * 64) + (ENTRY % ("0" * 64)).partition("package:\n")[2], "locks foo twice"),
        ("", "not a lock"),
    ],
)
def test_what_is_no_lock_is_refused_with_the_way_out(text: str, words: str) -> None:
    with pytest.raises(RestoreError, match=words) as caught:
        lockfile.read(text)
    assert "make it" in str(caught.value).lower() or "make the lock again" in str(caught.value).lower()


def test_the_cpu_kernel_is_made_of_the_same_lock_without_cuda() -> None:
    packages = lockfile.read((ROOT / "conda-lock.yml").read_text())
    small = {one.name for one in lockfile.reachable(packages, CPU_ROOTS)}
    assert set(CPU_ROOTS) <= small
    assert {"cuml", "cudf"}.isdisjoint(small)
    assert not [name for name in small if name.startswith(("cuda", "libcud", "libcum", "libcuv", "libcub", "rapids"))]
    for one in packages:
        if one.name in small:
            assert {name for name in one.dependencies if not name.startswith("__")} <= small, one.name


def test_the_server_gets_the_versions_that_the_kernel_has() -> None:
    locked = {wheels.normal(one.name): one.version for one in lockfile.read((ROOT / "conda-lock.yml").read_text())}
    pins = wheels.read_pins((ROOT / "lifecycle/server-requirements.txt").read_text())
    assert {pin.name for pin in pins} == {"anywidget", "jupyterlab-widgets"}
    assert all(locked[pin.name] == pin.version for pin in pins)


# ---- pins and wheels


def test_pins_are_read_with_all_their_hashes() -> None:
    one, two = "a" * 64, "b" * 64
    text = (
        f"# said\nFoo_Bar==1.2 \\\n    --hash=sha256:{one} \\\n    --hash=sha256:{two}\n\nbaz==3 --hash=sha256:{one}\n"
    )
    assert wheels.read_pins(text) == (
        wheels.Pin("foo-bar", "1.2", frozenset({one, two})),
        wheels.Pin("baz", "3", frozenset({one})),
    )


@pytest.mark.parametrize("line", ["foo>=1 --hash=sha256:" + "a" * 64, "foo==1", "--index-url https://example.org"])
def test_a_line_that_does_not_pin_is_refused(line: str) -> None:
    with pytest.raises(RestoreError, match="without an exact version and a sha256"):
        wheels.read_pins(line)


def test_a_damaged_wheel_counts_as_missing_and_is_deleted_and_strangers_stay(tmp_path: Path) -> None:
    good, bad, other = tmp_path / "foo-1-py3-none-any.whl", tmp_path / "bar-1-py3-none-any.whl", tmp_path / "own.whl"
    for file in (good, bad, other):
        file.write_bytes(file.name.encode())
    import hashlib

    pins = [
        wheels.Pin("foo", "1", frozenset({hashlib.sha256(good.name.encode()).hexdigest()})),
        wheels.Pin("bar", "1", frozenset({"0" * 64})),
    ]
    assert wheels.missing(pins, tmp_path) == [pins[1]]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["foo-1-py3-none-any.whl", "own.whl"]


def test_what_pip_cannot_fetch_is_tried_again_and_then_told_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    for name in ("PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    requirements = tmp_path / "requirements.txt"
    requirements.write_text(f"no-such-thing==1.0 --hash=sha256:{'0' * 64}\n")
    pauses: list[float] = []
    said: list[str] = []
    with pytest.raises(RestoreError, match=r"1 of 1 packages could not be fetched by pip \(no-such-thing\).*pip\.conf"):
        wheels.fetch(Path(sys.executable), requirements, tmp_path / "wheels", said.append, sleep=pauses.append)
    assert pauses == [2.0, 4.0, 8.0]
    assert len(said) == 3
    assert list((tmp_path / "wheels").iterdir()) == [], "nothing half-fetched lies about"


# ---- files


def test_a_file_is_written_whole_and_only_when_it_changes(tmp_path: Path) -> None:
    place = tmp_path / "a" / "b.json"
    write_if_new(place, "one")
    before = place.stat().st_ino
    write_if_new(place, "one")
    assert place.stat().st_ino == before
    write_if_new(place, "two", 0o755)
    assert (place.read_text(), place.stat().st_mode & 0o777) == ("two", 0o755)
    assert [one.name for one in place.parent.iterdir()] == ["b.json"]


def test_a_link_is_relative_and_moved_at_once(tmp_path: Path) -> None:
    (tmp_path / "envs" / "one").mkdir(parents=True)
    (tmp_path / "envs" / "two").mkdir()
    point(tmp_path / "current", tmp_path / "envs" / "one")
    point(tmp_path / "current", tmp_path / "envs" / "two")
    assert (tmp_path / "current").readlink() == Path("envs/two")


def bundle(tmp_path: Path, **changed: str) -> tuple[Path, Path]:
    content = {"conda-lock.yml": "lock", "requirements.txt": "pins", "w.whl": "wheel", **changed}
    tmp_path.mkdir(parents=True, exist_ok=True)
    for name, text in content.items():
        (tmp_path / name).write_text(text)
    return tmp_path, tmp_path / "w.whl"


def test_the_key_changes_with_all_that_decides_what_an_environment_holds(tmp_path: Path) -> None:
    keys = {
        key_of(*bundle(tmp_path / "a")),
        key_of(*bundle(tmp_path / "b", **{"conda-lock.yml": "other"})),
        key_of(*bundle(tmp_path / "c", **{"requirements.txt": "other"})),
        key_of(*bundle(tmp_path / "d", **{"w.whl": "other"})),
        key_of(*bundle(tmp_path / "e"), "cpu"),
    }
    assert len(keys) == 5
    assert key_of(*bundle(tmp_path / "a")) == key_of(*bundle(tmp_path / "f"))


def environment(layout: Layout, name: str, age: float = 0) -> Path:
    env = layout.envs / name
    env.mkdir(parents=True)
    write_whole(env / COMPLETE, "key")
    os.utime(env / COMPLETE, (age, age))
    return env


def test_a_new_environment_has_a_number_that_none_had(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    assert layout.new("k").name == "k-1"
    environment(layout, "k-1")
    (layout.envs / "k-7").mkdir()
    assert layout.new("k").name == "k-8"
    assert layout.complete("k") == layout.envs / "k-1"
    assert layout.complete("other") is None


def test_old_environments_go_but_two_of_each_kind_and_the_one_in_use(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    oldest = environment(layout, "a-1", 1)
    for age, name in enumerate(("b-1", "c-1", "d-1", "cpua-1", "cpub-1", "cpuc-1"), 2):
        environment(layout, name, age)
    assert sorted(sweeping.prune(layout, [oldest])) == ["b-1", "cpua-1"]
    assert sorted(place.name for place in layout.envs.iterdir()) == ["a-1", "c-1", "cpub-1", "cpuc-1", "d-1"]


def test_what_is_half_made_is_swept_and_what_is_whole_stays(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    environment(layout, "a-1")
    (layout.envs / "b-1" / "bin").mkdir(parents=True)
    (layout.pkgs / ".foo_abc").mkdir(parents=True)
    (layout.pkgs / "foo-1-0").mkdir()
    (layout.wheels / ".pip-12").mkdir(parents=True)
    (tmp_path / ".status.json.12.new").touch()
    assert sorted(sweeping.sweep(layout)) == [".foo_abc", ".pip-12", ".status.json.12.new", "b-1"]
    assert (layout.pkgs / "foo-1-0").is_dir()
    assert layout.complete("a") is not None


# ---- what the machine must have


@pytest.mark.parametrize(
    ("driver", "instance", "words"),
    [
        (
            None,
            "ml.t3.medium",
            r"No NVIDIA GPU answers on this instance ml\.t3\.medium\. The CPU kernel is there; for RAPIDS",
        ),
        (None, "ml.p3.2xlarge", r"notebook-al2023-v1 has no driver for this family.*ml\.g4dn\.xlarge"),
        ("470.82.01", None, "driver 470.82.01 is too old: CUDA 12 needs 535 or newer"),
    ],
)
def test_why_no_rapids_kernel_can_run_is_told_with_the_way_out(driver: str, instance: str, words: str) -> None:
    assert re.search(words, checks._why_no_gpu(driver, instance))


@pytest.mark.parametrize("driver", ["535.161.07", "580.159.04", "1000.1"])
def test_a_driver_that_knows_cuda_12_is_good(driver: str) -> None:
    assert checks._why_no_gpu(driver, "ml.g4dn.xlarge") == ""


def test_too_little_room_is_refused_before_anything_is_fetched(tmp_path: Path) -> None:
    with pytest.raises(
        RestoreError, match=r"GB free, and the restore needs about 1048576\.0 GB\. Delete what is not needed"
    ):
        checks.check_room(Layout(tmp_path), checks.Needs(1 << 50, 0))
    with pytest.raises(RestoreError, match="files more, and the restore needs about"):
        checks.check_room(Layout(tmp_path), checks.Needs(0, 1 << 60))
    checks.check_room(Layout(tmp_path), checks.Needs(1, 1))


def test_a_small_part_of_a_lock_needs_a_small_part_of_the_room() -> None:
    assert checks.needs_of(280, 288).bytes > 5 * checks.needs_of(28, 288).bytes > 0


def test_another_processor_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    with pytest.raises(RestoreError, match=r"for Linux on x86-64, and this is Linux on aarch64\. Take an"):
        checks.check_system()


def test_an_old_glibc_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.libc_ver", lambda: ("glibc", "2.26"))
    with pytest.raises(RestoreError, match=r"glibc 2\.26 is too old: RAPIDS needs 2\.28 or newer"):
        checks.check_system()


# ---- what it says


def test_the_status_is_what_the_packages_reader_reads(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    report = Report(layout, "0123456789abcdef")
    report.phase("installing", driver="550.54", gpu="Tesla T4")
    report.count((3, 10), (30, 100))
    report.tell()
    status = kernelstatus.read(tmp_path)
    assert (status.state, status.phase, status.driver, status.gpu) == ("restoring", "installing", "550.54", "Tesla T4")
    assert status.to_dict()["packages"] == {"done": 3, "all": 10}
    assert "30 %" in status.line()
    report.finish("ready")
    assert kernelstatus.read(tmp_path).state == "ready"
    assert "installing" in layout.log.read_text()


def test_without_sizes_the_packages_tell_how_far_it_is(tmp_path: Path) -> None:
    report = Report(Layout(tmp_path))
    report.count((3, 4), (0, 0))
    assert report.said["fraction"] == 0.75
    assert report.said["seconds_left"] is None


def test_a_clock_that_is_set_does_not_disturb_what_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = Report(Layout(tmp_path))
    steady, wall = [0.0], [1e9]
    monkeypatch.setattr("time.monotonic", lambda: steady[0])
    monkeypatch.setattr("time.time", lambda: wall[0])
    for done in (0, 100, 200):
        report.count((0, 1), (done, 1000))
        steady[0] += 10
        wall[0] -= 5_000
    assert report.said["rate"] == pytest.approx(10.0)
    assert report.said["seconds_left"] == pytest.approx(80)


def test_numbers_alone_are_written_now_and_then_and_a_phase_at_once(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    report = Report(layout)
    report.phase("checking")
    before = layout.status.stat().st_ino
    for done in range(50):
        report.count((done, 100), (0, 0))
    assert layout.status.stat().st_ino == before
    report.phase("pip")
    assert json.loads(layout.status.read_text())["phase"] == "pip"


def test_a_long_log_is_put_aside(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    layout.log.write_bytes(b"x" * 5_000_001)
    Report(layout).log("new")
    assert layout.log.stat().st_size < 100
    assert layout.log.with_suffix(".log.old").exists()


def test_a_volume_that_cannot_be_written_to_does_not_stop_the_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = Report(Layout(Path("/proc/nowhere")))
    report.phase("checking")
    assert "status.json cannot be written" in capsys.readouterr().err


def test_a_kernelspec_starts_the_environments_own_python_and_says_whose_it_is(tmp_path: Path) -> None:
    layout, data = Layout(tmp_path / "k"), tmp_path / "jupyter"
    env = environment(layout, "key-1")
    assert kernels.register(kernels.RAPIDS, env, layout, data) == {"name": "rapids", "env": str(env)}
    said = json.loads((data / "kernels/rapids/kernel.json").read_text())
    assert said["argv"][0] == str(env / "bin/python")
    assert said["env"]["PATH"] == f"{env}/bin:${{PATH}}"
    assert kernels.registered(kernels.RAPIDS, data) == env
    kernels.withdraw(kernels.RAPIDS, data)
    assert kernels.registered(kernels.RAPIDS, data) is None
