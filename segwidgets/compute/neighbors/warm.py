"""Every kernel of the package, called once in the smallest size that reaches it."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from segwidgets.compute.neighbors import approximate, cost, exact
from segwidgets.compute.neighbors.rows import COSINE, EUCLIDEAN, MANHATTAN, prepare
from segwidgets.compute.neighbors.table import Neighbors
from segwidgets.compute.progress import no_tick


def warm_up() -> None:
    """Compile, or load, what any later call needs; a minute where nothing was compiled yet, else a moment."""
    n, k = 130, 3
    random = np.random.default_rng(0)
    X = np.asarray(random.random((n, 4)) + 0.1, np.float32)
    own = np.arange(n, dtype=np.int32)
    for code, table in ((EUCLIDEAN, X), (MANHATTAN, X), (COSINE, sp.csr_matrix(X))):
        rows = prepare(table, code)
        exact.nearest(code, rows, rows, k, own, no_tick)
        if code != MANHATTAN:
            begin = None
            for _ in range(2):
                search = approximate.Search(code, rows, k, 0, begin)
                work = cost.Effort(width=k + 1, trees=2, leaf=40, sample=4, rounds=2)
                index, near = search.run(work, no_tick)
                begin = Neighbors(
                    np.hstack([own[:, None], index]), np.pad(near, ((0, 0), (1, 0))), exact=False, method=""
                )
