"""The embedding engine against umap-learn (and fastumap where it is installed), in one run.

`python tests/benchmarks/bench_embedding.py [rows …]`: the sizes of the growth table; 100,000 rows are compared with the
peers. Compiled code is warm on both sides: each is run on 5,000 rows of the same kind first.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numba
import numpy as np
from sklearn.datasets import load_digits
from sklearn.metrics import adjusted_rand_score

sys.path.insert(0, str(Path(__file__).parent))

from tables import dense_profiles, sparse_customers

from segwidgets.compute import embedding
from segwidgets.compute.density import DensityIndex
from segwidgets.compute.neighbors import neighbors, query
from segwidgets.compute.scores import trustworthiness

N = 100_000
GROWTH = (10_000, 100_000, 1_000_000)
K, MIN_DIST, DIMS, EPOCHS = 15, 0.1, 3, 200
SEEDS = range(5)
KINDS: dict[str, tuple[Callable[[int], Any], str]] = {
    "dense": (dense_profiles, "euclidean"),
    "sparse": (sparse_customers, "cosine"),
}


def timed(work: Callable[[], Any]) -> tuple[Any, float, float]:
    """What ``work`` gives, its wall and its CPU seconds."""
    cpu, wall = time.process_time(), time.perf_counter()
    value = work()
    return value, time.perf_counter() - wall, time.process_time() - cpu


def ours(X: Any, metric: str, seed: int = 0, epochs: int | None = None, dims: int = DIMS) -> Any:
    """The whole way of a session, from features to the layout."""
    n = X.shape[0]
    found = neighbors(X, min(16, n), metric).first(K)
    graph = embedding.fuzzy_graph(found)
    if n > embedding.SAMPLE_ABOVE:
        begin = embedding.first_picture(X, dims, metric, seed).points
    else:
        begin = embedding.spectral_start(graph, dims, seed)
    return embedding.layout(
        graph, begin, min_dist=MIN_DIST, spread=1.0, n_epochs=epochs or embedding.default_epochs(n), seed=seed
    ).points


def umap_learn(X: Any, metric: str, seed: int | None = None, dims: int = DIMS) -> Any:
    import umap

    return umap.UMAP(
        n_components=dims, n_neighbors=K, min_dist=MIN_DIST, metric=metric, random_state=seed,
        n_jobs=1 if seed is not None else -1,
    ).fit_transform(X)  # fmt: skip


def trust(X: Any, points: Any, metric: str) -> float:
    return trustworthiness(X, points, metric=metric, n_neighbors=K, sample=1000, seed=1).value


def preserved(X: Any, points: Any, metric: str, rows: int = 500) -> float:
    """The share of a row's 15 nearest that are among its 15 nearest on the map, over a sample of rows."""
    chosen = np.random.default_rng(0).choice(X.shape[0], min(rows, X.shape[0]), replace=False)
    high, _ = query(X, X[chosen], K + 1, metric)
    low, _ = query(points, points[chosen], K + 1, "euclidean")
    both = [len(set(a) & set(b) - {row}) for a, b, row in zip(high.tolist(), low.tolist(), chosen, strict=True)]
    return float(np.mean(both)) / K


def best_ari(points: Any, truth: Any) -> float:
    """The adjusted Rand index of DBSCAN at the eps that suits it best, of those between the suggested one's thirds."""
    index = DensityIndex(np.ascontiguousarray(points, np.float32), 10, 10)
    eps = index.suggest_eps()
    return max(adjusted_rand_score(truth, index.labels(eps * factor)) for factor in np.geomspace(0.33, 3, 33))


def optimisers() -> str:
    """Both optimisers on the same graph from the same start."""
    from umap.umap_ import simplicial_set_embedding

    X, _ = dense_profiles(N)
    graph = embedding.fuzzy_graph(neighbors(X, 16, "euclidean").first(K))
    begin = embedding.spectral_start(graph, DIMS, 0)
    a, b = embedding.curve(MIN_DIST, 1.0)

    def own(epochs: int = EPOCHS, *, early_stop: bool = False) -> Any:
        return embedding.layout(
            graph, begin, min_dist=MIN_DIST, spread=1.0, n_epochs=epochs, seed=0, early_stop=early_stop
        )

    def theirs(epochs: int, *, parallel: bool) -> Any:
        return simplicial_set_embedding(
            X, graph, DIMS, 1.0, a, b, 1.0, 5, epochs, begin.copy(), np.random.RandomState(0), "euclidean", {},
            densmap=False, densmap_kwds={}, output_dens=False, parallel=parallel,
        )[0]  # fmt: skip

    own(2)
    theirs(2, parallel=True)
    theirs(2, parallel=False)
    cores = numba.get_num_threads()
    done, wall, cpu = timed(own)
    stopped, early_wall, early_cpu = timed(lambda: own(early_stop=True))
    again = own()
    numba.set_num_threads(1)
    single, single_wall, single_cpu = timed(own)
    numba.set_num_threads(cores)
    same = np.array_equal(done.points, single.points) and np.array_equal(done.points, again.points)
    peer, peer_wall, peer_cpu = timed(lambda: theirs(EPOCHS, parallel=True))
    seeded, seeded_wall, seeded_cpu = timed(lambda: theirs(EPOCHS, parallel=False))

    def line(name: str, seconds: float, busy: float, points: Any) -> str:
        return (
            f"| {name} | {seconds:.1f} s | {busy:.1f} s | {seconds / peer_wall:.2f} x | {busy / peer_cpu:.2f} x | "
            f"{trust(X, points, 'euclidean'):.4f} |"
        )

    return "\n".join(
        [
            f"Optimiser alone, {N:,} x 50, {DIMS}-D, {EPOCHS} epochs, same graph and start. Goal: at most 0.25 x.",
            "",
            "| | wall | CPU | wall by umap-learn | CPU by umap-learn | trustworthiness |",
            "| --- | ---: | ---: | ---: | ---: | ---: |",
            line("umap-learn, unseeded, all cores", peer_wall, peer_cpu, peer),
            line("umap-learn, seeded: one core", seeded_wall, seeded_cpu, seeded),
            line(f"ours, seeded, {cores} cores", wall, cpu, done.points),
            line("ours, seeded, one core", single_wall, single_cpu, single.points),
            line(f"ours, stopping once settled ({stopped.epochs} epochs)", early_wall, early_cpu, stopped.points),
            "",
            (
                f"Ours over two runs and 1 and {cores} threads: {'bit-identical' if same else 'DIFFERENT'}. Seeded, "
                f"both on {cores} cores: ours takes {wall / seeded_wall:.2f} x umap-learn's wall seconds."
            ),
        ]
    )


def moves() -> str:
    """A min_dist move on a finished map: how soon something near the new map is there."""
    from segwidgets import Recipe, Session, read
    from segwidgets.cache import Cache

    X, _ = dense_profiles(N)
    lines = [
        "| min_dist move | first preview | trustworthiness | of the full run | full run |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    session = Session(read(X), cache=Cache(disk_bytes=0), backend="cpu")
    recipe = Recipe().replace(min_dist=0.1)
    first = session.run(recipe)
    features = session._stages(session.resolve(recipe), _quiet()).features.values
    for value in (0.0, 0.5):
        moved = recipe.replace(min_dist=value)
        points, seconds, _ = timed(lambda moved=moved: session.nudge(moved, first.embedding))
        full, whole, _ = timed(lambda moved=moved: session.run(moved))
        lines.append(
            f"| 0.1 to {value:g} | {seconds:.2f} s | {trust(features, points, 'euclidean'):.4f} | "
            f"{trust(features, full.embedding, 'euclidean'):.4f} | "
            f"{full.timings['layout']:.1f} s, {whole:.1f} s in all |"
        )
    return "\n".join(lines)


def _quiet() -> Any:
    from segwidgets.run import Run

    return Run(None, None)


def whole_fits() -> str:
    """From features to the map, compiled code warm."""
    lines = [
        f"| whole fit, {N:,} rows | wall | by umap-learn | trustworthiness | neighbours kept | ARI |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for kind, (make, metric) in KINDS.items():
        X, truth = make(N)
        few = make(5_000)[0]
        fits: dict[str, Callable[[Any], Any]] = {
            "umap-learn": lambda rows, metric=metric: umap_learn(rows, metric),
            "ours": lambda rows, metric=metric: ours(rows, metric),
        }
        try:
            import fastumap

            if kind == "dense":
                fits["fastumap"] = lambda rows: np.asarray(
                    fastumap.umap_project(rows, DIMS, n_neighbors=K, min_dist=MIN_DIST)
                )
        except ImportError:
            pass
        base = 0.0
        for name, fit in fits.items():
            fit(few)
            points, wall, _ = timed(lambda fit=fit, X=X: fit(X))
            base = base or wall
            lines.append(
                f"| {kind}, {name} | {wall:.1f} s | {base / wall:.1f} x faster | {trust(X, points, metric):.4f} | "
                f"{preserved(X, points, metric):.3f} | {best_ari(points, truth):.3f} |"
            )
    return "\n".join(lines)


GROW = """
import json, re, sys, time
import bench_embedding as bench
from segwidgets.compute import embedding
from segwidgets.compute.neighbors import neighbors
make, metric = bench.KINDS[sys.argv[1]]
bench.ours(make(3000)[0], metric, epochs=5)
X, _ = make(int(sys.argv[2]))
seconds, last = {}, time.perf_counter()
def stamp(name):
    global last
    seconds[name] = time.perf_counter() - last
    last = time.perf_counter()
large = X.shape[0] > embedding.SAMPLE_ABOVE
if large:
    begin = embedding.first_picture(X, bench.DIMS, metric, 0).points
    stamp("first picture")
found = neighbors(X, 16, metric)
stamp("neighbours")
graph = embedding.fuzzy_graph(found.first(bench.K))
stamp("graph")
if not large:
    begin = embedding.spectral_start(graph, bench.DIMS, 0)
    stamp("start")
done = embedding.layout(graph, begin, min_dist=bench.MIN_DIST, spread=1.0,
                        n_epochs=embedding.default_epochs(X.shape[0]), seed=0)
stamp("layout")
# Of this process alone: what getrusage tells counts the one that started it.
peak = int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) / 2**20
print(json.dumps({"seconds": seconds, "peak": peak, "epochs": done.epochs, "method": found.method,
                  "recall": None if found.recall is None else found.recall.value,
                  "trust": bench.trust(X, done.points, metric)}))
"""


def growth(sizes: Sequence[int] = GROWTH) -> str:
    """Ours over the rows, each in a process of its own."""
    lines = [
        "| rows | whole | first picture | neighbours | layout | search | recall | trustworthiness | peak memory |",
        "| --- | ---: | ---: | ---: | ---: | --- | ---: | ---: | ---: |",
    ]
    for kind in KINDS:
        for n in sizes:
            done = subprocess.run(
                [sys.executable, "-c", GROW, kind, str(n)],
                cwd=Path(__file__).parent,
                check=False,
                capture_output=True,
                text=True,
            )
            if done.returncode:
                raise RuntimeError(done.stderr)
            seen = json.loads(done.stdout.splitlines()[-1])
            at = {name: f"{value:.1f} s" for name, value in seen["seconds"].items()}
            recall = "exact" if seen["recall"] is None else f"{seen['recall']:.3f}"
            lines.append(
                f"| {kind}, {n:,} | {sum(seen['seconds'].values()):.1f} s | {at.get('first picture', '')} | "
                f"{at['neighbours']} | {at['layout']}, {seen['epochs']} epochs | {seen['method']} | {recall} | "
                f"{seen['trust']:.4f} | {seen['peak']:.1f} GB |"
            )
    return "\n".join(lines)


def quality() -> str:
    """Means over five seeds, beside umap-learn's."""
    digits = load_digits()
    sets: dict[str, tuple[Any, Any, str]] = {
        "digits, 1,797 x 64": (digits.data.astype(np.float32), digits.target, "euclidean"),
        "dense profiles, 5,000 x 50": (*dense_profiles(5_000), "euclidean"),
        "sparse customers, 5,000 x 300": (*sparse_customers(5_000), "cosine"),
        "dense profiles, 25,000 x 50": (*dense_profiles(25_000), "euclidean"),
    }
    lines = [
        "| mean of five seeds (worst) | trustworthiness | umap-learn | kept | umap-learn | ARI | umap-learn |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, (X, truth, metric) in sets.items():
        seen: list[list[float]] = []
        for seed in SEEDS:
            row: list[float] = []
            maps = (ours(X, metric, seed), umap_learn(X, metric, seed))
            for score in (
                lambda p, X=X, metric=metric: trust(X, p, metric),
                lambda p, X=X, metric=metric: preserved(X, p, metric),
                lambda p, truth=truth: best_ari(p, truth),
            ):
                row += [score(points) for points in maps]
            seen.append(row)
        cells = [f"{statistics.mean(column):.4f} ({min(column):.4f})" for column in zip(*seen, strict=True)]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def run(sizes: Sequence[int] = GROWTH) -> str:
    """Everything, as Markdown."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return "\n\n".join([optimisers(), moves(), whole_fits(), growth(sizes), quality()])


if __name__ == "__main__":
    sys.stdout.write(run(tuple(map(int, sys.argv[1:])) or GROWTH) + "\n")
