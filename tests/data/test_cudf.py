"""cuDF frames, stood in for by a frame that has what is used of cuDF's interface and holds NumPy arrays.

The stand-in takes no keyword that cuDF does not have (tests/gpu/signatures.json), and its arrays are as unwilling as
CuPy's to become NumPy ones by the way. The same reading of a real frame is tested in tests/gpu.
"""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import segwidgets as sw
from segwidgets.data.errors import DataError

TOLD = json.loads((Path(__file__).parent.parent / "gpu" / "signatures.json").read_text(encoding="utf-8"))["cudf-cu12"]


class Device:
    """An array that is not on the host."""

    def __init__(self, values: Any) -> None:
        self._values = np.asarray(values)

    def __ne__(self, other: object) -> Any:
        return Device(self._values != other)

    __hash__ = None  # type: ignore[assignment]

    def __getitem__(self, rows: Any) -> Device:
        return Device(self._values[rows._values])

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise TypeError("implicit conversion to a NumPy array is not allowed")

    def nonzero(self) -> tuple[Device, ...]:
        return tuple(map(Device, self._values.nonzero()))

    def get(self) -> Any:
        return self._values


class Series:
    """A column as cuDF has it: numbers with a mask beside them, texts, or a pandas series of any other type.

    ``masked``: numbers that may be missing tell pandas' types (Int64), as in newer releases, and not NumPy's.
    """

    masked = False

    def __init__(self, values: pd.Series[Any], gone: list[str]) -> None:
        self._values, self._gone = values, gone
        self.dtype = np.dtype(object) if values.dtype in {object, "str"} else values.dtype
        if not Series.masked and hasattr(values.dtype, "numpy_dtype"):
            self.dtype = values.dtype.numpy_dtype  # cuDF's whole numbers may be missing, too

    def astype(self, dtype: str) -> Series:
        values = pd.Series(self._values.to_numpy(dtype=dtype, na_value=np.nan), dtype="Float64")
        return Series(values.mask(self._values.isna().to_numpy()), self._gone)

    def fillna(self, value: float) -> Series:
        return Series(pd.Series(self._values.to_numpy(dtype=np.float64, na_value=value)), self._gone)

    def to_cupy(self) -> Device:
        if not isinstance(self._values.dtype, np.dtype):
            raise ValueError("column must have no nulls")  # noqa: TRY004 - it is cuDF's
        return Device(self._values.to_numpy())

    def factorize(self) -> tuple[Device, Index]:
        codes, levels = pd.factorize(self._values)
        return Device(codes), Index(pd.Index(levels))

    def to_pandas(self) -> pd.Series[Any]:
        self._gone.append(str(self._values.name))
        return self._values


class Index:
    def __init__(self, index: pd.Index[Any]) -> None:
        self._index = index

    def to_pandas(self) -> pd.Index[Any]:
        return self._index

    def to_arrow(self) -> pa.Array:
        return pa.array(self._index)


class DataFrame:
    """``gone`` names the columns that were turned into pandas ones."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self._frame = frame
        self.columns = frame.columns
        self.index = Index(frame.index)
        self.gone: list[str] = []

    def __len__(self) -> int:
        return len(self._frame)

    def __getitem__(self, label: Any) -> Series:
        return Series(self._frame[label], self.gone)

    def to_pandas(self) -> pd.DataFrame:
        self.gone += map(str, self.columns)
        return self._frame


DataFrame.__module__ = "cudf.core.dataframe"


@pytest.fixture
def customers() -> pd.DataFrame:
    random = np.random.default_rng(0)
    n = 40
    return pd.DataFrame(
        {
            "spend": np.where(random.random(n) < 0.5, 0.0, random.normal(size=n)),
            "visits": pd.array([None if i == 3 else i % 7 for i in range(n)], dtype="Int64"),
            "member": random.random(n) < 0.5,
            "small": random.normal(size=n).astype(np.float32),
            "town": [None if i == 5 else ("Ulm", "Köln", "")[i % 3] for i in range(n)],
            "tier": pd.Categorical(random.choice(["gold", "silver"], n)),
            "since": pd.date_range("2024-01-01", periods=n),
            "empty": pd.Series([None] * n, dtype=object),
        }
    )


@pytest.mark.parametrize("release", sorted(TOLD))
@pytest.mark.parametrize(("kind", "standing"), [("cudf.Series", Series), ("cudf.Index", Index)])
def test_the_stand_in_takes_what_cudf_takes(release: str, kind: str, standing: Any) -> None:
    for name, told in TOLD[release][kind].items():
        if hasattr(standing, name):
            ours = list(inspect.signature(getattr(standing, name)).parameters)
            assert ours == [p["name"] for p in told][: len(ours)]
            assert all("default" in p for p in told[len(ours) :])


def test_a_table_is_the_same_read_from_either_frame(customers: pd.DataFrame) -> None:
    ours, theirs = sw.read(DataFrame(customers)), sw.read(customers)
    assert ours.digest == theirs.digest
    assert ours.columns == theirs.columns
    assert ours.checks == theirs.checks
    assert ours.source == "cuDF DataFrame"


@pytest.mark.parametrize("masked", [False, True])
def test_numbers_and_texts_do_not_go_through_pandas(
    customers: pd.DataFrame, monkeypatch: pytest.MonkeyPatch, masked: bool
) -> None:
    monkeypatch.setattr(Series, "masked", masked)
    frame = DataFrame(customers)
    sw.read(frame)
    assert frame.gone == ["tier", "since"]


def test_missing_values_are_missing(customers: pd.DataFrame) -> None:
    table = sw.read(DataFrame(customers))
    assert table.column("visits").missing == 1
    assert np.isnan(table.values("visits")[3])
    assert table.values("town")[5] is None


def test_a_column_can_hold_the_ids(customers: pd.DataFrame) -> None:
    named = customers.assign(customer=[f"c{i}" for i in range(len(customers))])
    table = sw.read(DataFrame(named), id="customer")
    assert table.ids.tolist() == named["customer"].tolist()
    assert "customer" not in [column.name for column in table.columns]
    assert table.digest == sw.read(named, id="customer").digest


def test_the_index_can_hold_the_ids(customers: pd.DataFrame) -> None:
    named = customers.set_index(pd.Index([f"c{i}" for i in range(len(customers))], name="customer"))
    assert sw.read(DataFrame(named)).digest == sw.read(named).digest
    assert sw.read(DataFrame(named), id="customer").ids[1] == "c1"


def test_ids_can_be_given(customers: pd.DataFrame) -> None:
    given = [f"c{i}" for i in range(len(customers))]
    assert sw.read(DataFrame(customers), id=given).ids.tolist() == given


def test_an_unknown_id_names_the_nearest_column(customers: pd.DataFrame) -> None:
    with pytest.raises(DataError, match=r"id='vists': there is no such column\. Did you mean 'visits'\?"):
        sw.read(DataFrame(customers), id="vists")


def test_transactions_are_summed_up_by_customer() -> None:
    lines = pd.DataFrame({"who": ["a", "a", "b"], "what": ["x", "y", "x"]})
    ours = sw.read(DataFrame(lines), rows="who", columns="what")
    assert ours.digest == sw.read(lines, rows="who", columns="what").digest


def test_reading_imports_no_cudf() -> None:
    code = "import segwidgets.data.cudf, sys; print({'cudf', 'cupy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
