"""What dead restores left behind, and environments that nobody needs any more."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from .layout import COMPLETE, Layout, number_of, remove_tree

#: Finished environments that are kept of each kind: the one in use and the one before.
KEEP = 2


def sweep(layout: Layout) -> list[str]:
    """Delete what is half made. Only while holding the lock: nobody else makes anything then."""
    gone: list[Path] = []
    if layout.envs.is_dir():
        gone += [place for place in layout.envs.iterdir() if not (place / COMPLETE).is_file()]
    if layout.pkgs.is_dir():
        gone += [place for place in layout.pkgs.iterdir() if place.name.startswith(".") and place.is_dir()]
    for folder in (layout.wheels, layout.wheels / "bootstrap", layout.wheels / "server"):
        if folder.is_dir():
            gone += [place for place in folder.iterdir() if place.name.startswith(".")]
    if layout.bootstrap.is_dir():
        gone += [place for place in layout.bootstrap.iterdir() if not (place / COMPLETE).is_file()]
    gone += list(layout.top.glob(".*.new"))
    for place in gone:
        remove_tree(place)
    return [place.name for place in gone]


def prune(layout: Layout, used: Iterable[Path]) -> list[str]:
    """Delete finished environments but the newest two of each kind, and never one that is used."""
    kept = {place.resolve() for place in used}
    gone: list[str] = []
    of_kind: dict[bool, list[Path]] = {False: [], True: []}
    for place in layout.envs.glob("*-*"):
        of_kind[place.name.startswith("cpu")].append(place)
    for places in of_kind.values():
        newest = sorted(places, key=_age, reverse=True)
        for place in newest[KEEP:]:
            if place.resolve() not in kept:
                remove_tree(place)
                gone.append(place.name)
    return gone


def _age(env: Path) -> tuple[float, int]:
    try:
        return (env / COMPLETE).stat().st_mtime, number_of(env)
    except OSError:
        return 0.0, number_of(env)
