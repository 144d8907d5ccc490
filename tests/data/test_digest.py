from __future__ import annotations

import io
import math
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from scipy import sparse

from segwidgets.data import read

NUMBERS = st.one_of(
    st.sampled_from([0.0, 0.0, 0.0, -0.0, 1.0, 2.0]),
    st.floats(allow_nan=True, allow_infinity=False, allow_subnormal=True),
)
#: What CSV can hold: no text that reads as a number, a bool or nothing, no lone surrogates.
WORDS = st.one_of(st.none(), st.text(st.sampled_from("abcé|,\"' \nß日"), max_size=5).map(lambda text: "t" + text))


@st.composite
def numeric_tables(draw: Any) -> tuple[np.ndarray, list[str], list[str]]:
    n, d = draw(st.integers(1, 8)), draw(st.integers(1, 4))
    values = np.array(draw(st.lists(NUMBERS, min_size=n * d, max_size=n * d)), dtype=np.float64).reshape(n, d)
    names = draw(
        st.lists(st.text(st.sampled_from("abxyzé_ "), min_size=1, max_size=4), min_size=d, max_size=d, unique=True)
    )
    assume("id" not in names)
    return values, names, [f"c{i}" for i in range(n)]


@settings(max_examples=40, deadline=None)
@given(numeric_tables())
@example((np.array([[0.1 + 0.2, -0.0], [math.nan, 5e-324]]), ["a", "b"], ["c0", "c1"]))
def test_the_same_numbers_have_the_same_digest_from_any_source(case: tuple[np.ndarray, list[str], list[str]]) -> None:
    values, names, ids = case
    frame = pd.DataFrame(values, columns=names).assign(id=ids)
    wanted = read(frame, id="id").digest
    assert read(values, columns=names, id=ids).digest == wanted
    assert read(np.asfortranarray(values), columns=names, id=ids).digest == wanted
    for form in (sparse.csr_matrix, sparse.csc_matrix, sparse.coo_array):
        assert read(form(values), columns=names, id=ids).digest == wanted
    sparse_frame = pd.DataFrame.sparse.from_spmatrix(sparse.csc_matrix(values), columns=names, index=ids)
    assert read(sparse_frame).digest == wanted
    assert read(frame.astype(dict.fromkeys(names, object)), id="id").digest == wanted
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / name for name in ("a.csv", "a.parquet", "a.npz", "table")]
        frame.to_csv(paths[0], index=False)
        frame.to_parquet(paths[1])
        sparse.save_npz(paths[2], sparse.csr_matrix(values))
        assert read(paths[0], id="id").digest == wanted
        assert read(paths[1], id="id").digest == wanted
        assert read(paths[2], columns=names, id=ids).digest == wanted
        read(values, columns=names, id=ids).save(paths[3])
        assert read(paths[3]).digest == wanted


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(WORDS, st.integers(0, 3)), min_size=1, max_size=8))
def test_the_same_texts_have_the_same_digest_from_any_source(rows: list[tuple[str | None, int]]) -> None:
    frame = pd.DataFrame({"word": pd.Series([w for w, _ in rows], dtype=object), "n": [n for _, n in rows]})
    wanted = read(frame).digest
    assert read(frame.assign(word=frame["word"].astype("category"))).digest == wanted
    assert read(frame.assign(word=frame["word"].astype("string"))).digest == wanted
    buffer = io.BytesIO()
    frame.to_parquet(buffer)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "a.parquet").write_bytes(buffer.getvalue())
        frame.to_csv(Path(folder, "a.csv"), index=False)
        assert read(Path(folder, "a.parquet")).digest == wanted
        assert read(Path(folder, "a.csv")).digest == wanted


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 30), st.integers(2, 8))
def test_transactions_have_the_digest_of_their_table(seed: int, n: int, d: int) -> None:
    rng = np.random.default_rng(seed)
    counts = rng.poisson(0.7, (n, d))
    counts[np.arange(n), np.arange(n) % d] += 1  # whoever has no line is not there
    counts[np.arange(d) % n, np.arange(d)] += 1
    names = [f"p{j}" for j in range(d)]
    rows, columns = np.nonzero(counts)
    lines = pd.DataFrame({"who": rows, "what": np.array(names)[columns], "n": counts[rows, columns]})
    wanted = read(counts, columns=names).digest
    assert read(lines, rows="who", columns="what", values="n").digest == wanted
    single = lines.loc[lines.index.repeat(lines["n"])].sample(frac=1, random_state=seed)
    assert read(single, rows="who", columns="what").digest == wanted


def test_all_of_the_content_counts() -> None:
    base = pd.DataFrame({"a": [1.0, 0.0, 2.0], "b": ["x", None, "y"]})
    variants = [
        base,
        base.assign(a=[1.0, 0.0, np.nextafter(2.0, 3.0)]),
        base.assign(a=[1.0, np.nan, 2.0]),
        base.assign(b=["x", "y", "y"]),
        base.assign(b=["x", None, "z"]),
        base[["b", "a"]],
        base.rename(columns={"a": "A"}),
        base.iloc[::-1].reset_index(drop=True),
        base.set_axis(["p", "q", "r"]),
        base.assign(c=[0.0, 0.0, 0.0]),
        base[["a"]],
    ]
    assert len({read(frame).digest for frame in variants}) == len(variants)


def test_neighbouring_strings_are_not_confused() -> None:
    one = read(np.eye(2), id=["ab", "c"], columns=["x", "yz"])
    other = read(np.eye(2), id=["a", "bc"], columns=["xy", "z"])
    assert one.digest != other.digest


def test_all_ways_to_write_nan_and_zero_are_one() -> None:
    odd_nan = np.frombuffer(np.uint64(0xFFF8_0000_0000_0123).tobytes(), dtype=np.float64)[0]
    assert read(np.array([[odd_nan, -0.0, 1.0]])).digest == read(np.array([[np.nan, 0.0, 1.0]])).digest


def test_the_digest_is_the_same_on_any_machine() -> None:
    frame = pd.DataFrame({"count": [0, 0, 3], "spend": [1.5, np.nan, -2.0], "region": ["süd", None, "nord"]})
    digest = read(frame.set_index(pd.Index(["a", "b", "c"]))).digest
    assert digest == "2f1009e8829454713f30524a08d3d036c45f423adcca59ce3553e1e3b7dcbaa1"
