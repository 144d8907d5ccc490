"""What would be wrong with a lock: said in sentences, one a problem, before an instance finds out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomllib
import yaml  # type: ignore[import-untyped,unused-ignore]
from conda_half import Package, distributions
from names import normalised
from packaging.requirements import Requirement
from pip_half import Pinned, applying, extras_wanted
from rattler import BuildString, MatchSpec, NoArchType, PackageRecord
from rattler_conda import HOST
from sources import Records

OWN_EXTRAS = ("aws", "ipyvolume", "samples")
"""What the kernel has of segwidgets beside its dependencies."""

UNDECLARED = {"sagemaker-experiments": ("setuptools<82",)}
"""What a distribution imports and its metadata leaves out: pkg_resources, which setuptools 82 no longer has."""


@dataclass(frozen=True)
class Halves:
    """A lock as it lies in the repository."""

    packages: Mapping[str, Package]
    records: Records
    virtual: Mapping[str, str]
    asked: tuple[str, ...]
    pins: Mapping[str, Pinned]
    metadata: Mapping[str, Mapping[str, Any]]
    own: tuple[str, ...]

    @property
    def python(self) -> str:
        """The version of Python that the conda half has."""
        return self.packages["python"].version


def virtual_versions(file: Path) -> dict[str, str]:
    """The virtual packages of linux-64: name and `version[ build]`."""
    return dict(yaml.safe_load(file.read_text())["subdirs"]["linux-64"]["packages"])


def own_requirements(pyproject: Path) -> tuple[str, ...]:
    """What segwidgets requires in the kernel."""
    project = tomllib.loads(pyproject.read_text())["project"]
    return (
        *project["dependencies"],
        *(text for extra in OWN_EXTRAS for text in project["optional-dependencies"][extra]),
    )


def conda_specs(environment: Path) -> tuple[str, ...]:
    """What environment.yml asks for."""
    return tuple(entry for entry in yaml.safe_load(environment.read_text())["dependencies"] if isinstance(entry, str))


def problems(halves: Halves) -> Iterator[str]:
    """Everything that is wrong."""
    yield from conda_problems(halves)
    yield from pip_problems(halves)


def conda_problems(halves: Halves) -> Iterator[str]:
    """Each package as the channel has it; each dependency, builds included, met by a locked or a virtual package."""
    installed = {name: _virtual(name, text) for name, text in halves.virtual.items()}
    for package in halves.packages.values():
        record = halves.records.get(package.url)
        if record is None:
            yield f"{package.name}: the kept index has no record of {package.url}"
        else:
            yield from _altered(package, record)
            installed[package.name] = _record(record, package.url)
    for spec in halves.asked:
        yield from _unmet("environment.yml", spec, installed)
    for package in halves.packages.values():
        yield from _unfit(package, halves.records.get(package.url, {}), installed)


def _altered(package: Package, record: Mapping[str, Any]) -> Iterator[str]:
    if not package.url.startswith(f"{HOST}/"):
        yield f"{package.name}: {package.url} is not under {HOST}"
    for kind, locked in (("sha256", package.sha256), ("md5", package.md5)):
        if not locked or locked != record.get(kind):
            yield f"{package.name}: its {kind} is {locked or 'missing'} in the lock, {record.get(kind)} in the index"


def _unfit(package: Package, record: Mapping[str, Any], installed: Mapping[str, PackageRecord]) -> Iterator[str]:
    who = f"{package.name} {package.version}"
    for name, version in package.dependencies.items():
        yield from _unmet(who, f"{name} {version}".strip(), installed)
    for spec in record.get("depends", []):
        yield from _unmet(who, spec, installed)
    for spec in record.get("constrains", []):
        limit = MatchSpec(spec)
        present = installed.get(_name(limit))
        if present is not None and not limit.matches(present):
            yield f"{who} allows only {spec}, and the lock has {_told(present)}"


def _unmet(who: str, spec: str, installed: Mapping[str, PackageRecord]) -> Iterator[str]:
    wanted = MatchSpec(spec)
    present = installed.get(_name(wanted))
    if present is None:
        yield f"{who} needs {spec}, which is not in the lock"
    elif not wanted.matches(present):
        yield f"{who} needs {spec}, and the lock has {_told(present)}"


def _name(spec: MatchSpec) -> str:
    return str(spec).split()[0].rpartition("::")[2].partition("[")[0]


def _told(record: PackageRecord) -> str:
    return f"{record.name.normalized} {record.version} {record.build}"


def _record(entry: Mapping[str, Any], url: str) -> PackageRecord:
    return PackageRecord(
        entry["name"],
        entry["version"],
        BuildString(entry["build"]),
        int(entry["build_number"]),
        url.rsplit("/", 2)[1],
        noarch=NoArchType("python") if entry.get("noarch") == "python" else None,
    )


def _virtual(name: str, text: str) -> PackageRecord:
    version, _, build = text.partition(" ")
    return PackageRecord(name, version, BuildString(build or "0"), 0, "linux-64")


def pip_problems(halves: Halves) -> Iterator[str]:
    """No name in both halves, and each requirement of the pip half and of segwidgets met by one of them."""
    conda = distributions(halves.packages)
    for name in sorted({*map(normalised, halves.packages), *conda} & halves.pins.keys()):
        yield f"{name} stands in both halves: pip would install a second copy over conda's"
    for name, pin in halves.pins.items():
        if not pin.hashes:
            yield f"{name}=={pin.version} has no hash in requirements.txt"
    recorded = {name: entry["version"] for name, entry in halves.metadata.items()}
    pinned = {name: pin.version for name, pin in halves.pins.items()}
    if recorded != pinned:
        yield f"the kept metadata is not that of requirements.txt: they differ in {_difference(recorded, pinned)}"
    present = {**conda, **pinned}
    requires = {
        **{name: (*entry["requires"], *UNDECLARED.get(name, ())) for name, entry in halves.metadata.items()},
        "segwidgets": halves.own,
    }
    wanted = extras_wanted(requires, halves.python)
    for name, texts in requires.items():
        for requirement in applying(texts, halves.python, wanted.get(name, ())):
            yield from _missing(name, requirement, present)


def _missing(who: str, requirement: Requirement, present: Mapping[str, str]) -> Iterator[str]:
    version = present.get(normalised(requirement.name))
    if version is None:
        yield f"{who} requires {requirement}, which is in neither half"
    elif not requirement.specifier.contains(version, prereleases=True):
        yield f"{who} requires {requirement}, and there is {requirement.name} {version}"


def _difference(one: Mapping[str, str], other: Mapping[str, str]) -> str:
    return ", ".join(sorted(name for name, _ in set(one.items()) ^ set(other.items())))
