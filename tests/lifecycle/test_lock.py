"""The lock is complete and its halves fit; and what is wrong with one is said before an instance finds out."""

from __future__ import annotations

import json
import re
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml
from packaging.version import Version

from .locking import FILES, HOST, ROOT, SHARED, copied, lock, locked, snapshot

REQUIREMENTS = (ROOT / "lifecycle/requirements.txt").read_text()
BOOTSTRAP = (ROOT / "lifecycle/bootstrap.txt").read_text()


def pins(text: str) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", text, flags=re.MULTILINE))


def test_the_lock_is_fresh_complete_fits_and_comes_out_the_same_again() -> None:
    """Byte for byte, from the records kept beside the tests; the whole snapshot, where it is at hand, is solved too."""
    ended = lock("--check", *(("--snapshot", str(SHARED)) if SHARED.is_dir() else ()))
    assert ended.returncode == 0, ended.stderr
    assert "complete" in ended.stdout


def test_the_kept_records_leave_something_to_choose() -> None:
    """Else a solver that takes whatever there is would pass for one that chooses."""
    kept = json.loads((ROOT / "tests/lifecycle/channel.json").read_text())
    packages = locked()
    others = [record for path, record in kept.items() if f"{HOST}/{path}" != packages[record["name"]]["url"]]
    newer = {
        record["name"] for record in others if Version(record["version"]) > Version(packages[record["name"]]["version"])
    }
    assert {"python", "numpy", "pandas", "scikit-learn", "packaging", "rich"} <= newer
    assert any(record["name"] == "cuml" and "cuda13" in record["build"] for record in others)
    assert (ROOT / "tests/lifecycle/channel.json").stat().st_size < 200_000


def test_the_kernel_has_the_release_of_rapids_that_the_jobs_container_has() -> None:
    dockerfile = (ROOT / "segwidgets/jobs/container/Dockerfile").read_text()
    base = re.search(r"^ARG BASE=rapidsai/base:(\d+\.\d+)-cuda(\d+)-py(\d+\.\d+)$", dockerfile, flags=re.MULTILINE)
    assert base is not None
    release, cuda, python = base.groups()
    packages = locked()
    for name in ("cuml", "cudf", "libcuml", "rmm"):
        assert packages[name]["version"].startswith(f"{release}."), name
        assert f"-cuda{cuda}_" in packages[name]["url"], name
    assert packages["cuda-version"]["version"].startswith(f"{cuda}.")
    assert packages["python"]["version"].startswith(f"{python}.")


def test_the_lock_holds_conda_packages_for_linux_by_public_address_and_hash() -> None:
    for name, package in locked().items():
        assert package["manager"] == "conda", name
        assert package["platform"] == "linux-64", name
        assert re.fullmatch(
            rf"{HOST}/(rapidsai|conda-forge)/(linux-64|noarch)/[^/]+\.(conda|tar\.bz2)", package["url"]
        ), name
        assert re.fullmatch("[0-9a-f]{64}", package["hash"]["sha256"]), name
        assert re.fullmatch("[0-9a-f]{32}", package["hash"]["md5"]), name


def test_the_locks_metadata_is_the_same_on_every_machine() -> None:
    """No path, no time, no name of who made it."""
    metadata = yaml.safe_load((ROOT / "conda-lock.yml").read_text())["metadata"]
    assert metadata.keys() == {"content_hash", "channels", "platforms", "sources"}
    assert metadata["sources"] == ["environment.yml"]
    assert [channel["url"] for channel in metadata["channels"]] == ["rapidsai", "conda-forge"]


@pytest.mark.parametrize("text", [REQUIREMENTS, BOOTSTRAP], ids=["requirements", "bootstrap"])
def test_what_pip_installs_has_hashes_and_no_addresses(text: str) -> None:
    assert "://" not in text
    entries = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
    assert entries
    for entry in entries:
        assert re.fullmatch(r"[a-z0-9-]+==\S+( \\\n    --hash=sha256:[0-9a-f]{64})+\n", entry), entry


def test_the_pip_half_is_all_that_was_asked_of_it() -> None:
    asked = re.findall(
        r"^[a-z0-9_-]+", (ROOT / "lifecycle/requirements.in").read_text(), flags=re.MULTILINE | re.IGNORECASE
    )
    assert {name.replace("_", "-") for name in asked} <= pins(REQUIREMENTS).keys()


def test_the_restore_is_started_with_the_py_rattler_that_the_tests_ran() -> None:
    assert pins(BOOTSTRAP) == {"py-rattler": version("py-rattler")}


def test_a_changed_environment_makes_the_lock_stale(tmp_path: Path) -> None:
    root = copied(tmp_path)
    environment = root / "environment.yml"
    environment.write_text(environment.read_text().replace("- tqdm >=4.66", "- tqdm >=4.67"))
    ended = lock("--check", root=root)
    assert ended.returncode == 1
    assert "environment.yml or virtual-packages.yml has changed" in ended.stderr
    assert "`make lock`" in ended.stderr


def test_an_edited_lock_is_told_from_one_that_conda_lock_made(tmp_path: Path) -> None:
    root = copied(tmp_path)
    file = root / "conda-lock.yml"
    file.write_text(file.read_text().replace("category: main", "category: dev", 1))
    ended = lock("--check", root=root)
    assert ended.returncode == 1
    assert "this one was edited" in ended.stderr


def test_every_flaw_of_a_conda_half_is_told_with_the_package(tmp_path: Path) -> None:
    root = copied(tmp_path)
    content = yaml.safe_load((root / "conda-lock.yml").read_text())
    packages = {entry["name"]: entry for entry in content["package"]}
    content["package"].remove(packages["psygnal"])
    packages["numpy"]["hash"]["sha256"] = "0" * 64
    del packages["tqdm"]["hash"]["md5"]
    packages["scipy"]["url"] = packages["scipy"]["url"].replace(HOST, "https://elsewhere.example")
    # The same version of another build: only the build string tells that it is for CUDA 13.
    kept = json.loads((root / "tests/lifecycle/channel.json").read_text())
    other = next(path for path, record in kept.items() if record["name"] == "cuml" and "cuda13" in record["build"])
    packages["cuml"].update(url=f"{HOST}/{other}", hash={kind: kept[other][kind] for kind in ("md5", "sha256")})
    packages["setuptools"]["version"] = "83.0.0"
    (root / "conda-lock.yml").write_text(yaml.safe_dump(content, sort_keys=False))
    machine = root / "virtual-packages.yml"
    machine.write_text(machine.read_text().replace('"2.34"', '"2.26"'))

    told = lock("--check", root=root).stderr
    assert "anywidget 0.9.21 needs psygnal >=0.8.1, which is not in the lock" in told
    assert re.search(r"numpy: its sha256 is 0{64} in the lock, [0-9a-f]{64} in the index", told)
    assert re.search(r"tqdm: its md5 is missing in the lock, [0-9a-f]{32} in the index", told)
    assert "scipy: the kept index has no record of https://elsewhere.example/" in told
    assert re.search(r"cuml \S+ needs cuda-version >=13,<14.0a0, and the lock has cuda-version 12", told)
    assert "sagemaker-experiments requires setuptools<82, and there is setuptools 83.0.0" in told
    assert re.search(r"cudf \S+ needs __glibc >=2.28,<3.0.a0, and the lock has __glibc 2.26", told)


def test_every_flaw_of_a_pip_half_is_told_with_the_package(tmp_path: Path) -> None:
    root = copied(tmp_path)
    digest = "1" * 64
    requirements = REQUIREMENTS.replace("pyyaml==", "pyyamml==")
    # Another spelling, and another name: conda's python-dateutil and matplotlib-base.
    for name in ("matplotlib==3.11.0", "python-dateutil==2.9.0"):
        requirements += f"{name} \\\n    --hash=sha256:{digest}\n"
    requirements += "unhashed==1\n"
    (root / "lifecycle/requirements.txt").write_text(requirements)
    project = root / "pyproject.toml"
    project.write_text(
        project.read_text().replace('"anywidget>=0.9.18"', '"anywidget>=99"').replace('"ipyvue<3"', '"ipyvue<1"')
    )

    told = lock("--check", root=root).stderr
    assert "matplotlib stands in both halves" in told
    assert "python-dateutil stands in both halves" in told
    assert "unhashed==1 has no hash" in told
    assert "the kept metadata is not that of requirements.txt" in told
    assert re.search(r"sagemaker requires pyyaml\S+, which is in neither half", told, flags=re.IGNORECASE)
    assert "segwidgets requires anywidget>=99, and there is anywidget 0.9.21" in told
    assert "segwidgets requires ipyvue<1, and there is ipyvue 1." in told


def test_a_lock_that_cannot_be_made_says_why_and_leaves_the_old_one(tmp_path: Path) -> None:
    root = copied(tmp_path / "root")
    environment = root / "environment.yml"
    environment.write_text(environment.read_text().replace("cuml 26.02.*", "cuml 99.02.*"))
    before = {name: (root / name).read_bytes() for name in FILES}
    ended = lock("--snapshot", str(snapshot(tmp_path / "snapshot")), root=root)
    assert ended.returncode == 1
    assert "could not solve environment.yml" in ended.stderr
    assert "cuml 99.02" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert {name: (root / name).read_bytes() for name in FILES} == before
    assert not list(root.rglob("*.new"))


def test_a_half_that_is_missing_is_told_by_its_file(tmp_path: Path) -> None:
    root = copied(tmp_path)
    (root / "lifecycle/requirements.txt").unlink()
    ended = lock("--check", root=root)
    assert ended.returncode == 1
    assert f"{root / 'lifecycle/requirements.txt'} is missing. Run `make lock`" in ended.stderr


def test_a_snapshot_that_is_none_is_refused_with_what_one_holds(tmp_path: Path) -> None:
    ended = lock("--snapshot", str(tmp_path))
    assert ended.returncode == 1
    assert str(tmp_path) in ended.stderr
    assert "repodata.json" in ended.stderr
    assert "make lock SNAPSHOT=" in ended.stderr
