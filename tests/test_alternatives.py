"""Methods side by side on a session: known answers, one map for all scores, refusals in words, cancelling."""

from __future__ import annotations

import json
import threading
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.cluster import HDBSCAN
from sklearn.datasets import make_moons
from sklearn.metrics import adjusted_rand_score, calinski_harabasz_score, silhouette_score

import segwidgets as sw
from segwidgets import alternatives
from segwidgets.alternatives import Entry, MethodsOfRecipe
from segwidgets.compute.density import DensityIndex
from segwidgets.compute.methods import again, count_curve
from segwidgets.compute.stability.agreement import adjusted_rand
from segwidgets.compute.stability.samples import sample, scaled
from segwidgets.result import Progress
from segwidgets.session import Session

PLAIN = sw.Recipe(embedding=sw.Embedding(method="none"))
PCA = sw.Recipe(embedding=sw.Embedding(method="pca"))
METHODS = ["dbscan", "hdbscan", "kmeans", "gmm"]
QUICK: dict[str, Any] = {"repeats": 0, "counts": ()}


def by_method(found: MethodsOfRecipe, space: str = "map") -> dict[str, Entry]:
    return {one.row.method: one for one in found.entries if one.space == space}


@pytest.fixture(scope="module")
def blobs() -> Session:
    return Session(sw.samples.blobs(600))


@pytest.fixture(scope="module")
def of_blobs(blobs: Session) -> MethodsOfRecipe:
    return sw.compare_methods(blobs, PCA, spaces=("map", "features"), repeats=2, counts=range(2, 9))


@pytest.fixture(scope="module")
def truth_of_moons() -> Any:
    return make_moons(500, noise=0.05, random_state=0)


@pytest.fixture(scope="module")
def of_moons(truth_of_moons: Any) -> MethodsOfRecipe:
    return sw.compare_methods(Session(sw.read(truth_of_moons[0])), PLAIN.replace(eps=0.3), k=2, **QUICK)


@pytest.fixture(scope="module")
def sparse() -> Session:
    rng = np.random.default_rng(0)
    kind = rng.integers(3, size=300)
    counts = rng.poisson(np.where(np.arange(60) // 20 == kind[:, None], 0.8, 0.02))
    return Session(sw.read(sp.csr_matrix(counts)))


def test_all_methods_find_the_blobs_on_the_map_and_in_the_features(of_blobs: MethodsOfRecipe) -> None:
    truth = sw.samples.blob_centers(600)
    assert [(one.space, one.row.method) for one in of_blobs.entries] == [
        (space, method) for space in ("map", "features") for method in METHODS
    ]
    for one in of_blobs.entries:
        assert one.error == ""
        assert one.row.clusters == 5
        assert adjusted_rand_score(truth, one.found.labels) > 0.95, one.row.name
        assert one.row.stability is not None
        assert one.row.stability > 0.95


def test_the_curve_is_that_of_the_map(of_blobs: MethodsOfRecipe) -> None:
    own, direct = of_blobs.curve, count_curve(of_blobs.result.embedding, range(2, 9))
    assert own is not None
    assert own.lowest_bic == 5
    assert (own.k, own.elbow) == (direct.k, direct.elbow)
    assert own.inertia == pytest.approx(direct.inertia, rel=1e-4)
    assert own.bic == pytest.approx(direct.bic, rel=1e-4)


def test_on_moons_dbscan_is_right_and_the_silhouette_prefers_kmeans(
    of_moons: MethodsOfRecipe, truth_of_moons: Any
) -> None:
    found, truth = by_method(of_moons), truth_of_moons[1]
    ari = {method: adjusted_rand_score(truth, one.found.labels) for method, one in found.items()}
    assert ari["dbscan"] == 1.0
    assert ari["dbscan"] > max(ari["kmeans"], ari["gmm"]) + 0.3
    dense, centred = found["dbscan"].row, found["kmeans"].row
    assert dense.silhouette is not None
    assert centred.silhouette is not None
    assert centred.silhouette.value > dense.silhouette.value
    assert dense.dbcv is not None
    assert centred.dbcv is not None
    assert dense.dbcv.value > centred.dbcv.value
    assert any(note.startswith("Silhouette favours round segments") for note in of_moons.notes)


def test_dbscan_on_the_map_is_the_recipe_s_own_cut(of_moons: MethodsOfRecipe, of_blobs: MethodsOfRecipe) -> None:
    for found in (of_moons, of_blobs):
        own = by_method(found)["dbscan"]
        assert adjusted_rand_score(found.result.labels, own.found.labels) == 1.0
        assert own.found.settings["eps"] == found.result.recipe.clustering.eps


def test_elsewhere_eps_is_what_that_space_suggests(of_blobs: MethodsOfRecipe, blobs: Session) -> None:
    own = blobs.run(PLAIN)
    assert by_method(of_blobs, "features")["dbscan"].found.settings["eps"] == own.recipe.clustering.eps
    assert adjusted_rand_score(own.labels, by_method(of_blobs, "features")["dbscan"].found.labels) == 1.0


def test_scores_are_scikit_learn_s_on_the_recipe_s_map_whatever_the_space(of_blobs: MethodsOfRecipe) -> None:
    points = of_blobs.result.embedding
    for one in of_blobs.entries:
        kept = one.found.labels >= 0
        assert one.row.silhouette is not None
        assert one.row.silhouette.value == pytest.approx(
            silhouette_score(points[kept], one.found.labels[kept]), abs=1e-5
        )
        assert one.row.calinski_harabasz == pytest.approx(
            calinski_harabasz_score(points[kept], one.found.labels[kept]), rel=1e-5
        )
        assert one.row.coverage == pytest.approx(kept.mean())
    assert of_blobs.notes[0].startswith("All are scored on the recipe's map (PCA), wherever")
    assert "have an advantage" in of_blobs.notes[0]


def test_hdbscan_takes_the_recipe_s_min_samples_though_a_kept_tree_has_another(blobs: Session) -> None:
    blobs.run(PCA.replace(min_samples=10))
    found = sw.compare_methods(blobs, PCA.replace(min_samples=25), min_cluster_size=60, **QUICK)
    one = by_method(found)["hdbscan"].found
    assert one.settings == {"min_cluster_size": 60, "min_samples": 25}
    points = found.result.embedding.astype(np.float64)
    theirs = HDBSCAN(min_cluster_size=60, min_samples=25, algorithm="brute", copy=True).fit_predict(points)
    assert adjusted_rand_score(theirs, one.labels) > 0.985


def test_stability_is_the_mean_agreement_with_clusterings_of_samples(of_blobs: MethodsOfRecipe) -> None:
    own, result = by_method(of_blobs)["dbscan"], of_blobs.result
    clustering = result.recipe.clustering
    assert clustering.eps is not None
    agreed = []
    for repeat in range(2):
        rows = sample(600, 0.8, 0, repeat)
        size = scaled(clustering.min_samples, 0.8)
        labels = DensityIndex(result.embedding[rows], size, size).labels(clustering.eps)
        agreed.append(adjusted_rand(own.found.labels[rows], labels))
    assert own.row.stability == pytest.approx(np.mean(agreed))


def test_open_settings_follow_the_table(of_blobs: MethodsOfRecipe, blobs: Session) -> None:
    found = by_method(of_blobs)
    assert found["kmeans"].found.settings == {"k": of_blobs.result.scores.clusters}
    assert found["hdbscan"].found.settings["min_cluster_size"] == 20
    one = by_method(sw.compare_methods(blobs, PCA.replace(eps=1e6), **QUICK))
    assert one["dbscan"].row.clusters == 1
    assert one["dbscan"].row.silhouette is None
    assert one["gmm"].found.settings == {"k": 2}


def test_sparse_features_are_never_made_dense(sparse: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = sp.csr_matrix.toarray

    def of_centres_only(self: Any, *given: Any, **settings: Any) -> Any:
        # scikit-learn begins with k rows as dense centres.
        assert self.shape[0] <= 3, "sparse features were made dense"
        return plain(self, *given, **settings)

    sparse.run(PCA)
    monkeypatch.setattr(sp.csr_matrix, "toarray", of_centres_only)
    found = by_method(sw.compare_methods(sparse, PCA, spaces=("features",), k=3, repeats=2, counts=()), "features")
    assert found["kmeans"].error == ""
    assert found["kmeans"].row.clusters == 3
    for method, words in (
        ("dbscan", "DBSCAN needs dense features, and these are sparse: take it on the map"),
        ("hdbscan", "HDBSCAN needs dense features, and these are sparse: take it on the map"),
        ("gmm", "a Gaussian mixture needs dense features, and these are sparse: take it on the map"),
    ):
        one = found[method]
        assert one.error.startswith(words)
        assert (one.found.labels == -1).all()
        assert one.row.silhouette is None
        assert one.row.stability is None


def test_wide_features_are_for_kmeans(monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session(sw.samples.blobs(200, n_features=24))
    monkeypatch.setattr(alternatives, "_MIXTURE_COLUMNS", 23)
    found = by_method(sw.compare_methods(session, PCA, spaces=("features",), **QUICK), "features")
    assert found["kmeans"].error == ""
    assert "takes up to 20 columns, and the features have 24" in found["dbscan"].error
    assert "a Gaussian mixture is fitted on up to 23 columns here, and the features have 24" in found["gmm"].error


def test_a_space_that_cannot_be_made_leaves_the_others() -> None:
    session = Session(sw.samples.blobs(15))
    found = sw.compare_methods(session, PCA.replace(min_samples=3), spaces=("tsne", "map"), **QUICK)
    assert ["n_neighbors=15 is not allowed" in one.error for one in found.entries] == [True] * 4 + [False] * 4


def test_another_map_is_made_by_its_method_and_the_own_one_is_not_made_again(blobs: Session) -> None:
    found = sw.compare_methods(blobs, PCA.replace(n_neighbors=10), spaces=("pca", "umap", "map"), **QUICK)
    own, same = by_method(found), by_method(found, "pca")
    for method in METHODS:
        assert np.array_equal(own[method].found.labels, same[method].found.labels)
    assert "'pca' is the recipe's own map." in found.notes
    other = blobs.run(PCA.replace(embedding=sw.Embedding(n_neighbors=10)))
    assert adjusted_rand_score(other.labels, by_method(found, "umap")["dbscan"].found.labels) == 1.0


def test_rows_appear_as_they_are_made_and_progress_names_method_and_space(blobs: Session) -> None:
    told: list[MethodsOfRecipe] = []
    seen: list[Progress] = []
    spaces = ("map", "features")
    sw.compare_methods(blobs, PCA, spaces=spaces, repeats=1, counts=(2, 3), told=told.append, progress=seen.append)
    assert [len(made.entries) for made in told] == list(range(1, 9))
    assert all(made.curve is None for made in told)
    messages = {now.message for now in seen}
    assert {"HDBSCAN on the map", "Gaussian mixture on the features"} <= messages
    overall = [now.overall for now in seen]
    assert overall == sorted(overall)
    assert overall[-1] == 1.0


def test_it_is_cancelled_between_entries_and_within_one(blobs: Session) -> None:
    stop, told = threading.Event(), []

    def after_two(made: MethodsOfRecipe) -> None:
        told.append(len(made.entries))
        if len(made.entries) == 2:
            stop.set()

    with pytest.raises(sw.Cancelled, match="cancelled at: KMeans on the map"):
        sw.compare_methods(blobs, PCA, told=after_two, cancel=stop)
    assert told == [1, 2]
    stop = threading.Event()

    def in_the_middle(now: Progress) -> None:
        if now.message == "DBSCAN on the map" and 0 < now.done < 0.5:
            stop.set()

    with pytest.raises(sw.Cancelled, match="cancelled at: DBSCAN on the map"):
        sw.compare_methods(blobs, PCA, repeats=10, told=after_two, progress=in_the_middle, cancel=stop)
    assert told == [1, 2], "the entry that was being judged was not told"


def test_a_sample_s_own_clustering_is_cancelled_too(blobs: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    stop, plain = threading.Event(), again

    def cancelled_within(*given: Any, tick: Any, **settings: Any) -> Any:
        cluster = plain(*given, tick=tick, **settings)

        def clustered(rows: Any) -> Any:
            stop.set()
            with pytest.raises(sw.Cancelled):
                cluster(rows)
            raise sw.Cancelled("within the sample")

        return clustered

    monkeypatch.setattr(alternatives, "again", cancelled_within)
    with pytest.raises(sw.Cancelled, match="within the sample"):
        sw.compare_methods(blobs, PCA, cancel=stop)


def test_large_tables_are_judged_on_samples(blobs: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    plain = again

    def listening(*given: Any, **settings: Any) -> Any:
        cluster = plain(*given, **settings)

        def clustered(rows: Any) -> Any:
            asked.append(len(rows))
            return cluster(rows)

        return clustered

    monkeypatch.setattr(alternatives, "again", listening)
    monkeypatch.setattr(alternatives, "SAMPLED_ROWS", 250)
    monkeypatch.setattr(alternatives, "CURVE_ROWS", 250)
    monkeypatch.setattr("segwidgets.compute.methods.comparison.SAMPLED_ROWS", 250)
    found = sw.compare_methods(blobs, PCA, repeats=1, counts=(4, 5, 6))
    assert asked == [200] * 4
    assert any("samples of 200 of 600 rows" in note for note in found.notes)
    assert any("a sample of 250 of 600 rows" in note for note in found.notes)
    assert all((one.row.stability or 0) > 0.9 for one in found.entries)
    assert found.curve is not None


def test_a_few_rows_have_no_stability_and_a_short_curve() -> None:
    found = sw.compare_methods(Session(sw.samples.blobs(8)), PLAIN.replace(min_samples=2))
    assert all(one.row.stability is None for one in found.entries)
    assert any(note.startswith("Stability is left out: 8 rows are too few") for note in found.notes)
    assert found.curve is not None
    assert found.curve.k[-1] == 8


def test_table_and_json_have_a_line_an_entry_and_no_customer(of_blobs: MethodsOfRecipe, sparse: Session) -> None:
    frame = of_blobs.to_frame()
    assert list(frame.columns[:3]) == ["space", "method", "name"]
    assert list(frame["space"]) == ["map"] * 4 + ["features"] * 4
    assert {"silhouette_low", "silhouette_high", "seconds"} <= set(frame.columns)
    refused = sw.compare_methods(sparse, PCA, spaces=("features",), **QUICK)
    for found in (of_blobs, refused):
        text = json.dumps(found.to_dict(), allow_nan=False)
        told = json.loads(text)
        assert [one["method"] for one in told["entries"]] == [one.row.method for one in found.entries]
        assert "labels" not in text
        assert '"c0"' not in text
    assert told["entries"][0]["coverage"] is None
    assert told["entries"][0]["error"].startswith("DBSCAN needs dense features")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"spaces": "map"}, r"spaces='map' is not allowed: it must be a list of one or more of map, features"),
        ({"spaces": ()}, r"spaces=\(\) is not allowed"),
        ({"spaces": ("map", "umpa")}, r"'umpa' is not allowed: .* Did you mean 'umap'\?"),
        ({"k": 0}, r"k=0 is not allowed: it must be a whole number from 1 to 600"),
        ({"k": 601}, r"k=601 is not allowed"),
        ({"min_cluster_size": 1}, r"min_cluster_size=1 is not allowed: it must be a whole number from 2 to 600"),
        ({"repeats": -1}, r"repeats=-1 is not allowed: .* from 0 to 1000"),
        ({"counts": (2, 0)}, r"a number in counts=0 is not allowed: it must be a whole number from 1"),
        ({"seed": -1}, r"seed=-1 is not allowed"),
    ],
)
def test_what_cannot_be_asked_for_is_refused_before_any_work(
    blobs: Session, arguments: dict[str, Any], words: str
) -> None:
    seen: list[Progress] = []
    with pytest.raises(ValueError, match=words):
        sw.compare_methods(blobs, PCA, progress=seen.append, **arguments)
    assert not seen
