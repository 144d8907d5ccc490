"""Several trackers that are told the same."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence

from segwidgets.tracking import address
from segwidgets.tracking.base import State, Tracker, TrackingError, noted


def run_ids(run_id: str | None) -> dict[str, str]:
    """The runs in the id that `Several.start` gave, by address; empty where it is another tracker's."""
    try:
        found = json.loads(run_id or "")
    except ValueError:
        return {}
    return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}


class Several:
    """A `Tracker` that tells several. One that fails does not stop the others.

    A call raises TrackingError only where it reached none of them; ``errors`` holds, by address, what went wrong with
    the ones that failed. A tracker that has failed is left alone for the rest of the run, so that its time-outs keep
    nobody waiting: whoever settles the job asks ``members`` one by one.

    Args:
        members: the trackers.
        errors: what is known to have gone wrong already, by address.
    """

    def __init__(self, members: Sequence[Tracker], errors: Mapping[str, str] | None = None) -> None:
        self.members = tuple(members)
        self.errors: dict[str, str] = dict(errors or {})
        self.uri = ",".join(member.uri for member in self.members)

    @classmethod
    def at(cls, addresses: Sequence[str]) -> Several:
        """The trackers at these addresses that can be opened; raises TrackingError where none can."""
        members: list[Tracker] = []
        errors: dict[str, str] = {}
        for single in addresses:
            with noted(single, errors):
                members.append(address.tracker(single))
        if not members:
            raise TrackingError("; ".join(errors.values()))
        return cls(members, errors)

    def _each(self, ids: Mapping[str, str], call: Callable[[Tracker, str], None]) -> None:
        """Call every member that has a run and has not failed; raises where none is left."""
        reached = False
        for member in self.members:
            if member.uri in ids and member.uri not in self.errors:
                with noted(member.uri, self.errors):
                    call(member, ids[member.uri])
                    reached = True
        if not reached:
            raise TrackingError("; ".join(self.errors.values()) or f"run {dict(ids)} is of no tracker at {self.uri}")

    def start(
        self, *, experiment: str, name: str, tags: Mapping[str, str], trial: str = "", at: float | None = None
    ) -> str:
        """Begin a run everywhere; its id is a JSON object of the ids by address."""
        ids: dict[str, str] = {}
        for member in self.members:
            with noted(member.uri, self.errors):
                ids[member.uri] = member.start(experiment=experiment, name=name, tags=tags, trial=trial, at=at)
        if not ids:
            raise TrackingError("; ".join(self.errors.values()))
        return json.dumps(ids)

    def find(self, *, experiment: str, name: str) -> str | None:
        """The ids of the runs that were begun under this name, or None where nobody knows one."""
        ids: dict[str, str] = {}
        asked = False
        for member in self.members:
            with noted(member.uri, self.errors):
                found = member.find(experiment=experiment, name=name)
                asked = True
                ids |= {member.uri: found} if found else {}
        if not asked:
            raise TrackingError("; ".join(self.errors.values()))
        return json.dumps(ids) if ids else None

    def log(
        self,
        run_id: str,
        *,
        params: Mapping[str, str] | None = None,
        metrics: Mapping[str, float] | None = None,
        tags: Mapping[str, str] | None = None,
        documents: Mapping[str, str | bytes] | None = None,
        links: Mapping[str, str] | None = None,
        step: int = 0,
    ) -> None:
        """Add to the run everywhere."""
        self._each(
            run_ids(run_id),
            lambda member, own: member.log(
                own, params=params, metrics=metrics, tags=tags, documents=documents, links=links, step=step
            ),
        )

    def end(self, run_id: str, state: State, reason: str | None = None, *, at: float | None = None) -> None:
        """End the run everywhere."""
        self._each(run_ids(run_id), lambda member, own: member.end(own, state, reason, at=at))
