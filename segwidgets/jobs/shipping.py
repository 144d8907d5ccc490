"""What a SageMaker job is given, in S3: uploaded once per content, found again by its digest."""

from __future__ import annotations

import dataclasses
import json
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from segwidgets import storage
from segwidgets.aws import AWSError, explained
from segwidgets.jobs.spec import SWEEP, JobSpec
from segwidgets.jobs.store import stored_table

if TYPE_CHECKING:
    from segwidgets.aws import Cloud
    from segwidgets.data import Table
    from segwidgets.jobs.settings import SageMakerSettings
    from segwidgets.result import Result

#: Told how many bytes are up, of how many.
Told = Callable[[int, int], None]


@dataclasses.dataclass(frozen=True)
class Parcel:
    """One input channel: where it lies under the prefix, what it is, and how many bytes.

    ``place`` names the content by its digest where it can be shared between jobs.
    """

    channel: str
    place: str
    words: str
    bytes: int
    shared: bool = False


def parcels(spec: JobSpec, table: Table, result: Result | None, sweep: str = "") -> list[Parcel]:
    """What the job will be given, before anything is uploaded.

    Without a ``result`` there is nothing to compare with; ``sweep`` is the text of a sweep's description.
    """
    own = Parcel(
        "recipe", f"jobs/{spec.name}/recipe", "the recipe and the job's description", _recipe_bytes(spec) + len(sweep)
    )
    shared = [("table", f"tables/{table.digest}", f"{table.n_rows:,} rows", table_bytes(table))]
    if result is not None:
        shared.append(("expected", f"labels/{spec.label_digest}", "the labels to compare with", result.labels.nbytes))
    if result is not None and spec.mode == "embedding":
        shared.append(("embedding", f"embeddings/{spec.embedding_digest}", "the map", result.embedding.nbytes))
    return [own, *(Parcel(*one, shared=True) for one in shared)]


def _recipe_bytes(spec: JobSpec) -> int:
    return len(spec.recipe.to_json()) + len(spec.to_json())


def table_bytes(table: Table) -> int:
    """About how many bytes a stored table takes: 12 a number that is not zero, 4 a text, and the customers' names."""
    numbers = round(table.density * table.n_rows * len(table.columns)) * 12
    return numbers + 4 * table.n_rows + sum(len(str(one)) + 4 for one in table.ids)


def addresses(settings: SageMakerSettings, found: list[Parcel]) -> dict[str, str]:
    """The S3 address of each channel. The slash at the end keeps a longer name from being taken for it."""
    return {one.channel: f"s3://{settings.bucket}/{settings.prefix}/{one.place}/" for one in found}


def ship(
    cloud: Cloud,
    settings: SageMakerSettings,
    spec: JobSpec,
    table: Table,
    result: Result | None,
    *,
    sweep: str = "",
    told: Told = lambda _done, _all: None,
) -> dict[str, str]:
    """Upload what S3 does not hold yet; returns the address of each channel.

    A content counts as held once its marker is there, which is written last: an upload that was cut off is done again.
    A marker names the key it was encrypted with, so that a team that changes keys uploads anew.

    Raises:
        AWSError: the bucket or the key refuses, or the network fails.
        OSError: the table cannot be stored.
    """
    bucket = _Bucket(cloud, settings)
    found = parcels(spec, table, result, sweep)
    whole, done = sum(one.bytes for one in found), 0
    for one in found:
        base = done
        if not (one.shared and bucket.holds(one.place)):
            with tempfile.TemporaryDirectory(dir=storage.home()) as work:
                files = _files(one.channel, Path(work), spec, table, result, sweep)
                bucket.put(one.place, files, lambda up, base=base: told(min(base + up, whole), whole))  # type: ignore[misc]
        done += one.bytes
        told(done, whole)
    return addresses(settings, found)


def _files(channel: str, work: Path, spec: JobSpec, table: Table, result: Result | None, sweep: str) -> dict[str, Path]:
    """The files of a channel, by name."""
    if channel == "table":
        place = stored_table(table)
        return {path.name: path for path in sorted(place.iterdir()) if path.is_file()}
    if channel == "recipe":
        (work / "recipe.json").write_text(spec.recipe.to_json())
        (work / "spec.json").write_text(spec.to_json())
        if sweep:
            (work / SWEEP).write_text(sweep)
    elif result is None:
        raise ValueError(f"channel={channel!r} is made of a result, and there is none.")
    elif channel == "expected":
        _save(work / "labels.npy", result.labels)
    else:
        _save(work / "embedding.npy", result.embedding)
    return {path.name: path for path in sorted(work.iterdir())}


def _save(path: Path, array: npt.NDArray[Any]) -> None:
    # Straight from the array's memory: no copy of a map of millions of rows.
    np.save(path, array, allow_pickle=False)


class _Bucket:
    """The bucket of a job, under its prefix."""

    def __init__(self, cloud: Cloud, settings: SageMakerSettings) -> None:
        self._client = cloud.client("s3")
        self._bucket, self._prefix, self._key = settings.bucket, settings.prefix, settings.kms_key

    def _marker(self, place: str) -> str:
        return f"{self._prefix}/complete/{place}.json"

    def holds(self, place: str) -> bool:
        """Whether the content is there, whole, and under the key that is asked for."""
        try:
            with explained(f"s3://{self._bucket} was looked at"):
                body = self._client.get_object(Bucket=self._bucket, Key=self._marker(place))["Body"].read()
        except AWSError as error:
            if error.code in {"NoSuchKey", "404", "NotFound"}:
                return False
            raise
        try:
            said = json.loads(body)
        except ValueError:
            return False
        return isinstance(said, dict) and said.get("kms_key") == self._key

    def put(self, place: str, files: Mapping[str, Path], told: Callable[[int], None]) -> None:
        """Upload files, the marker last."""
        from boto3.s3.transfer import TransferConfig

        extra = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": self._key} if self._key else {}
        up = 0

        def more(count: int) -> None:
            nonlocal up
            up += count
            told(up)

        config = TransferConfig(max_concurrency=4)
        for name, path in files.items():
            with explained(f"{name} was uploaded to s3://{self._bucket}"):
                self._client.upload_file(
                    str(path),
                    self._bucket,
                    f"{self._prefix}/{place}/{name}",
                    ExtraArgs=extra,
                    Callback=more,
                    Config=config,
                )
        marker = json.dumps(
            {"kms_key": self._key, "files": {name: path.stat().st_size for name, path in files.items()}}
        )
        with explained(f"s3://{self._bucket} was written"):
            self._client.put_object(Bucket=self._bucket, Key=self._marker(place), Body=marker.encode(), **extra)
