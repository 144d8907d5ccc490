"""How empty a table is, who holds the entries, and that a large sparse one is never made dense."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import segwidgets as sw
from segwidgets.compute.analysis import sparsity
from segwidgets.compute.analysis.sparsity import gini

#: Analyses a sparse table in a process of its own, which is the way to see the most memory that it took.
LARGE = """
import json, resource
import numpy as np
from scipy import sparse
import segwidgets as sw
from segwidgets.compute.analysis import components, correlations, redundant_groups, sparsity
from segwidgets.compute.features import build

most = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
rows, columns, entries = 200_000, 2_000, 1_000_000
rng = np.random.default_rng(0)
at = (rng.integers(rows, size=entries), rng.integers(columns, size=entries))
table = sw.read(sparse.csr_matrix((np.ones(entries), at), shape=(rows, columns)))
begun = most()
redundant_groups(correlations(table))
sparsity(table)
features = build(table, sw.Features())
assert sparse.issparse(features.values)
found = components(features.values, features.names, repeats=1)
print(json.dumps({"megabytes": most() - begun, "components": len(found.explained)}))
"""


def table() -> sw.Table:
    frame = pd.DataFrame(
        {
            "bread": [1.0, 2, 0, 0, 0, 3, 1, 0],
            "milk": [0.0, 0, 0, 0, 0, 0, 1, 0],
            "tea": [0.0, 0, np.nan, 0, 0, 0, 1, 0],
            "caviar": [0.0] * 8,
            "age": [20.0, 30, 0, 50, np.nan, 70, 25, 35],
            "town": list("aabbabab"),
        }
    )
    return sw.read(frame)


def test_shares_of_zeros_leave_missing_values_out() -> None:
    found = sparsity(table())
    by_name = {fill.name: fill for fill in found.columns}
    assert (by_name["bread"].rows, by_name["bread"].zeros) == (4, 0.5)
    assert (by_name["tea"].rows, by_name["tea"].missing) == (1, 1)
    assert by_name["tea"].zeros == pytest.approx(6 / 7)
    assert by_name["age"].zeros == pytest.approx(1 / 7)
    assert "town" not in by_name
    assert found.zeros == pytest.approx((4 + 7 + 6 + 8 + 1) / 38)


def test_popularity_is_told_of_counts() -> None:
    popularity = sparsity(table()).popularity
    assert popularity is not None
    assert (popularity.columns, popularity.entries) == (4, 6)
    assert popularity.nobody == ("caviar",)
    assert (popularity.half, popularity.four_fifths) == (1, 2)
    assert popularity.gini == pytest.approx((-3 * 0 - 1 * 1 + 1 * 1 + 3 * 4) / (4 * 6))
    assert popularity.empty_rows == 4
    assert popularity.a_row[0] == 0
    assert popularity.a_row[-1] == 3


def test_a_table_without_counts_has_no_popularity() -> None:
    found = sparsity(sw.samples.blobs(50))
    assert found.popularity is None
    assert found.zeros == 0.0


def test_gini_of_known_amounts() -> None:
    assert gini(np.array([5, 5, 5])) == 0.0
    assert gini(np.array([0, 0, 0, 8])) == pytest.approx(0.75)
    assert gini(np.array([1, 3])) == pytest.approx(0.25)
    assert gini(np.zeros(3, dtype=np.int64)) == 0.0


def test_a_large_sparse_table_takes_the_memory_of_its_entries() -> None:
    done = subprocess.run([sys.executable, "-c", LARGE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["components"] == 2000
    # Dense it would be 3,200 MB; two matrices of 2,000 x 2,000 features are 64.
    assert told["megabytes"] < 800, told
