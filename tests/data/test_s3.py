"""s3:// against a live moto server over HTTP."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from segwidgets.data import DataError, read

BUCKET = "lake"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3(server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """A boto3 client, with the environment that s3fs finds the server by."""
    import boto3
    import s3fs

    for name, value in {
        "AWS_ENDPOINT_URL": server,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_MAX_ATTEMPTS": "1",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    s3fs.S3FileSystem.clear_instance_cache()
    client = boto3.client("s3")
    client.create_bucket(Bucket=BUCKET)
    yield client
    for item in client.list_objects_v2(Bucket=BUCKET).get("Contents", []):
        client.delete_object(Bucket=BUCKET, Key=item["Key"])
    client.delete_bucket(Bucket=BUCKET)
    client.close()
    s3fs.S3FileSystem.clear_instance_cache()


@pytest.fixture
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame({"customer": [f"k{i}" for i in range(20)], "n": rng.poisson(1, 20), "x": rng.normal(size=20)})


def upload(client: object, path: Path, key: str) -> str:
    client.put_object(Bucket=BUCKET, Key=key, Body=path.read_bytes())  # type: ignore[attr-defined]
    return f"s3://{BUCKET}/{key}"


def test_files_on_s3_hold_the_same_as_the_frame(s3: object, frame: pd.DataFrame, tmp_path: Path) -> None:
    wanted = read(frame, id="customer").digest
    frame.to_csv(tmp_path / "a.csv.gz", index=False)
    frame.to_parquet(tmp_path / "a.parquet")
    for name in ("a.csv.gz", "a.parquet"):
        table = read(upload(s3, tmp_path / name, f"in/{name}"), id="customer")
        assert table.digest == wanted
        assert table.source == f"s3://{BUCKET}/in/{name}"


def test_matrices_parts_and_lines_on_s3_are_read(s3: object, frame: pd.DataFrame, tmp_path: Path) -> None:
    matrix = sparse.random(30, 5, density=0.2, format="csr", random_state=0)
    sparse.save_npz(tmp_path / "m.npz", matrix)
    assert read(upload(s3, tmp_path / "m.npz", "m.npz")).digest == read(matrix).digest
    for part in range(2):
        frame.iloc[part * 10 : part * 10 + 10].to_parquet(tmp_path / f"{part}.parquet", index=False)
        upload(s3, tmp_path / f"{part}.parquet", f"parts.parquet/part-{part}.parquet")
    assert read(f"s3://{BUCKET}/parts.parquet", id="customer").digest == read(frame, id="customer").digest
    lines = read(f"s3://{BUCKET}/parts.parquet", rows="customer", columns="n", values="x")
    assert lines.digest == read(frame, rows="customer", columns="n", values="x").digest


def test_a_file_written_after_a_failed_read_is_found(s3: object, frame: pd.DataFrame, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"s3://{BUCKET}/late.csv does not exist"):
        read(f"s3://{BUCKET}/late.csv")
    frame.to_csv(tmp_path / "late.csv", index=False)
    upload(s3, tmp_path / "late.csv", "late.csv")
    assert len(read(f"s3://{BUCKET}/late.csv")) == 20


def test_buckets_that_are_not_there_and_keys_that_are_missing_are_refused(
    s3: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DataError, match=r"s3://no-such-bucket/a\.csv does not exist"):
        read("s3://no-such-bucket/a.csv")


def test_a_server_that_cannot_be_reached_is_named(s3: object) -> None:
    options = {"endpoint_url": "http://127.0.0.1:9", "config_kwargs": {"retries": {"max_attempts": 0}}}
    with pytest.raises(DataError, match=rf"s3://{BUCKET}/a\.csv cannot be re"):
        read(f"s3://{BUCKET}/a.csv", storage_options=options)


def test_without_s3fs_the_command_that_installs_it_is_named() -> None:
    code = (
        "import sys; sys.modules['s3fs'] = None\n"
        "from segwidgets.data import read\n"
        "try:\n    read('s3://lake/a.csv')\n"
        "except ImportError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert 'pip install "segwidgets[aws]"' in done.stdout
