"""What a local run leaves on disk about itself, so that the truth is told of a run that cannot speak any more.

A job folder holds, beside the channels and the results:

- ``job.json``: the launcher's record (name, experiment, parameters, tracking address, first process);
- ``status.json``: the job's own word on how far it is, and how it ended;
- ``record.json``: what the tracker is told at the end;
- ``output/failure``: why it failed, as SageMaker has it;
- ``stop``: somebody asked for it to be stopped;
- ``settled``: the addresses of the trackers that know how it ended, one a line; an empty one: all know.

A process that is killed writes none of these. So whoever looks next *settles* the job: its process is gone, therefore
it failed, and its run in the tracker is ended with the reason.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import json
import logging
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from segwidgets import storage
from segwidgets.tracking import address, process
from segwidgets.tracking.base import State, Tracker, TrackingError
from segwidgets.tracking.several import Several, run_ids

_log = logging.getLogger(__name__)

#: Seconds without a sign of life after which a job of another machine (or of an earlier boot) counts as gone.
SILENCE = 900.0
#: SageMaker keeps this many characters of the failure file.
FAILURE_LIMIT = 1024


@dataclasses.dataclass(frozen=True)
class Ledger:
    """The records in the job folder ``path``."""

    path: Path

    @property
    def failure_file(self) -> Path:
        """Why it failed: the reason in the first line, the traceback below."""
        return self.path / "output" / "failure"

    def _read(self, name: str) -> dict[str, Any]:
        try:
            value = json.loads((self.path / name).read_text())
        except (OSError, ValueError):
            return {}
        return value if isinstance(value, dict) else {}

    def _write(self, name: str, values: dict[str, Any]) -> None:
        storage.write_atomic(self.path / name, json.dumps(values, indent=2, sort_keys=True))

    @property
    def job(self) -> dict[str, Any]:
        """The launcher's record; empty in a container, which has no launcher of ours."""
        return self._read("job.json")

    @property
    def status(self) -> dict[str, Any]:
        """The job's last word on itself; empty before its first."""
        return self._read("status.json")

    @property
    def record(self) -> dict[str, Any]:
        """What the tracker is told at the end; empty before it."""
        return self._read("record.json")

    def write_job(self, values: dict[str, Any]) -> None:
        """Write the launcher's record, whole or not at all."""
        self._write("job.json", values)

    def write_status(self, values: dict[str, Any]) -> None:
        """Write the job's word on itself, whole or not at all."""
        self._write("status.json", values)

    def write_record(self, values: dict[str, Any]) -> None:
        """Write what the tracker is to be told, whole or not at all."""
        self._write("record.json", values)

    @property
    def addresses(self) -> tuple[str, ...]:
        """The trackers that the launcher named; none in a container."""
        return address.parts(str(self.job.get("tracking_uri", "")))

    @property
    def told(self) -> frozenset[str]:
        """The addresses of the trackers that know how the job ended, as far as they were told one by one."""
        try:
            return frozenset((self.path / "settled").read_text().split("\n")) - {""}
        except OSError:
            return frozenset()

    @property
    def settled(self) -> bool:
        """Whether every tracker of the job knows how it ended."""
        told = self.told
        if not told:
            return (self.path / "settled").exists()
        return told.issuperset(self.addresses)

    def mark_settled(self, *told: str) -> None:
        """The trackers at these addresses know, besides those that did; without an address: all know."""
        known = self.told | set(told)
        if told and not known.issuperset(self.addresses):
            storage.write_atomic(self.path / "settled", "\n".join(sorted(known)))
        else:
            (self.path / "settled").open("w").close()  # an empty file has a place on a full disk too

    @property
    def stop_asked(self) -> bool:
        """Whether somebody asked for the job to be stopped."""
        return (self.path / "stop").exists()

    def ask_stop(self) -> None:
        """Write down that the job is being stopped, before its process is told."""
        (self.path / "stop").touch()

    @property
    def reason(self) -> str | None:
        """Why the job did not complete, in one line; None while it runs and when it completed."""
        if self.failure_file.exists():
            with contextlib.suppress(OSError):
                return self.failure_file.read_text(errors="replace").partition("\n")[0].strip() or "no reason was given"
        status = self.status
        if status.get("state") == "completed" or self.alive():
            return None
        return str(status.get("reason") or self._obituary())

    def _obituary(self) -> str:
        """What can be said of a job that said nothing itself."""
        stage = self.status.get("stage")
        where = f" while it was at {stage!r}" if stage else " before it had begun"
        if self.stop_asked:
            return f"stopped on request{where}; the process was killed"
        lines = self.log_tail()
        said = f"; its log ends with: {lines[-1]}" if lines else ""
        return (
            f"the process ended without a word{where}: it was killed (signal 9, or out of memory), or the machine "
            f"was stopped{said}"
        )

    def log_tail(self, lines: int = 20) -> list[str]:
        """The last lines of what the job printed, empty ones left out."""
        try:
            with (self.path / "log.txt").open("rb") as file:
                file.seek(0, os.SEEK_END)
                file.seek(max(0, file.tell() - 65_536))
                text = file.read().decode(errors="replace")
        except OSError:
            return []
        return [line.rstrip() for line in text.splitlines() if line.strip()][-lines:]

    def figures(self) -> dict[str, bytes]:
        """The pictures in the output by file name; the record holds texts only."""
        return {file.name: file.read_bytes() for file in sorted((self.path / "output/data/figures").glob("*.png"))}

    def process(self) -> dict[str, Any]:
        """The process of the job as far as it is known: its own word, else the launcher's."""
        return self.status.get("process") or self.job.get("process") or {}

    @property
    def elsewhere(self) -> bool:
        """Whether it runs where no process can be looked at: only what is written down tells how it stands."""
        return self.job.get("target") == "sagemaker"

    def alive(self) -> bool:
        """Whether the job's process still runs; of one that runs elsewhere, whether nobody has seen its end."""
        if self.elsewhere:
            return "ended" not in self.status
        known = self.process()
        pid = known.get("pid")
        if not isinstance(pid, int):
            return False
        if known.get("boot", "") == process.boot_id():
            return process.started(pid) == known.get("started")
        # Another machine on the same volume, or this one after a restart: only a sign of life can tell.
        return time.time() - self._last_sign() < SILENCE

    def _last_sign(self) -> float:
        """When the job, or its launcher, last wrote something (seconds since 1970)."""
        newest = 0.0
        for name in ("status.json", "job.json"):
            with contextlib.suppress(OSError):
                newest = max(newest, (self.path / name).stat().st_mtime)
        return newest

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Held by whoever tells the tracker, so that two do not at once; freed by the system when the holder dies."""
        with (self.path / "lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def state(self) -> State:
        """How the job stands. A job whose process vanished is written down as failed (or stopped) by this look.

        A job that has ended counts as running until it has told its tracker, so that whoever waits for it finds
        it in the leaderboard as well.
        """
        alive = self.alive()  # before its word is read: a process that is gone says nothing new
        said = self.status.get("state", "running")
        if self.elsewhere:
            return said if said in {"completed", "failed", "stopped"} else "running"
        if said in {"completed", "failed", "stopped"}:
            return "running" if alive and not self.settled else said
        return "running" if alive else self._bury()

    def _bury(self) -> State:
        state: State = "stopped" if self.stop_asked else "failed"
        reason, ended = self.reason or self._obituary(), self._last_sign()
        # On a full disk the truth is told all the same, and written down by a later look.
        with contextlib.suppress(OSError):
            if not self.failure_file.exists():
                self.write_failure(reason)
            self.write_status({**self.status, "state": state, "reason": reason, "ended": ended})
        return state

    def write_failure(self, reason: str, details: str = "") -> None:
        """Write the failure file: the reason in one line, then as much of the details' end as there is room for."""
        first = " ".join(reason.split())[: FAILURE_LIMIT - 1]
        room = FAILURE_LIMIT - len(first) - 1
        storage.write_atomic(self.failure_file, f"{first}\n{details[-room:] if room > 0 else ''}")

    def tell(
        self,
        tracker: Tracker,
        *,
        state: State | None = None,
        record: dict[str, Any] | None = None,
        reason: str | None = None,
    ) -> None:
        """Tell the tracker, or each of several, how an ended job ended, unless it knows.

        ``state``, ``record`` and ``reason`` are given by the job itself, which still runs while it tells and may have a
        full disk; anybody else reads them from the files.

        Raises:
            TrackingError: one of them could not be told; the others were, and are not told again.
        """
        errors: list[str] = []
        with self.lock():
            if self.settled:
                return
            ended = state or self.state()
            if ended == "running":
                return
            for member in members_of(tracker):
                if member.uri not in self.told:
                    try:
                        self._tell(member, ended, record or self.record, reason)
                    except TrackingError as error:
                        errors.append(str(error))
                    else:
                        self.mark_settled(member.uri)
        if errors:
            raise TrackingError("; ".join(errors))

    def _tell(self, tracker: Tracker, ended: State, said: dict[str, Any], reason: str | None) -> None:
        job = self.job
        experiment = said.get("experiment") or job.get("experiment") or "segwidgets"
        name = said.get("name") or job.get("name") or self.path.name
        run_id = (
            _own(said.get("run_id") or self.status.get("run_id"), tracker, alone=len(self.addresses) < 2)
            or tracker.find(experiment=experiment, name=name)
            or tracker.start(
                experiment=experiment,
                name=name,
                tags=said.get("tags") or job.get("tags") or {},
                trial=said.get("trial") or job.get("trial") or "",
                at=self.status.get("begun") or job.get("created"),
            )
        )
        tracker.log(
            run_id,
            params={**job.get("params", {}), **said.get("params", {})},
            metrics=said.get("metrics", {}),
            documents={**self.figures(), **said.get("documents", {})},
            links={**job.get("links", {}), **said.get("links", {})},
        )
        why = None if ended == "completed" else reason or self.reason
        tracker.end(run_id, ended, why, at=self.status.get("ended"))


def members_of(tracker: Tracker) -> tuple[Tracker, ...]:
    """The single trackers in a tracker."""
    return tracker.members if isinstance(tracker, Several) else (tracker,)


def _own(run_id: str | None, tracker: Tracker, *, alone: bool) -> str | None:
    """The id of the tracker's run, out of an id that the job began with; None where it has begun none there."""
    ids = run_ids(run_id)
    return ids.get(tracker.uri) if ids or not alone else run_id


def unsettled(root: Path) -> list[Ledger]:
    """The job folders under ``root`` that a tracker may still have to be told of."""
    if not root.is_dir():
        return []
    folders = (Ledger(path) for path in sorted(root.iterdir()) if not path.name.startswith("."))
    return [ledger for ledger in folders if (ledger.path / "job.json").exists() and not ledger.settled]


def settle(root: Path, tracker: Tracker) -> None:
    """Tell the tracker of every job under ``root`` that ended without its knowing, if it is one of that job's."""
    for ledger in unsettled(root):
        for member in members_of(tracker):
            if member.uri in ledger.addresses:
                _try_to_tell(ledger, member)


def settle_near(ledger: Ledger) -> None:
    """Tell those of an ended job's trackers that are files of this machine, so that nothing makes a look wait."""
    for single in ledger.addresses:
        if address.is_local(single) and single not in ledger.told and not ledger.settled:
            try:
                tracker = address.tracker(single)
            except TrackingError as error:
                _log.warning("the tracker could not be told how %s ended: %s", ledger.path.name, error)
            else:
                _try_to_tell(ledger, tracker)


def _try_to_tell(ledger: Ledger, tracker: Tracker) -> None:
    try:
        ledger.tell(tracker)
    except (TrackingError, OSError) as error:
        _log.warning("the tracker could not be told how %s ended: %s", ledger.path.name, error)
