"""The report's sentences: what was found, how, and what it does not say."""

from __future__ import annotations

from segwidgets.report.facts import Facts

#: How far a score can be trusted, from which value on, in words for people who do not know it.
_SEPARATION = ((0.5, "clearly apart"), (0.25, "apart, with soft borders"), (-1.0, "close to each other"))
_TRUST = ((0.95, "very well"), (0.85, "well"), (0.0, "only roughly"))
_METHODS = {"umap": "UMAP", "tsne": "t-SNE", "pca": "principal components", "none": "the features as they are"}


def of(value: float, words: tuple[tuple[float, str], ...]) -> str:
    """The words of the first threshold that the value reaches."""
    return next((text for least, text in words if value >= least), words[-1][1])


def _plural(count: int, word: str) -> str:
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"


def summary(facts: Facts) -> list[str]:
    """What was found, in a few sentences."""
    count = len(facts.segments) + facts.hidden[0]
    if not count:
        none = "no segment was found: at these settings nobody has enough customers alike around them."
        return [f"Among {facts.rows:,} customers {none}"]
    first = (
        f"{facts.rows:,} customers fall into {_plural(count, 'segment')}; {facts.covered:.0%} of them "
        f"belong to one, and {facts.noise:,} are too unlike all others."
    )
    found = [first]
    if facts.segments:
        largest = facts.segments[0]
        found.append(f"The largest, {largest.name}, holds {largest.size:,} customers ({largest.share:.0%}).")
    if facts.hidden[0]:
        found.append(
            f"{_plural(facts.hidden[0], 'segment')} of fewer than {facts.floor} customers ({facts.hidden[1]:,} in all) "
            f"{'is' if facts.hidden[0] == 1 else 'are'} left out, so that nobody can be recognised."
        )
    silhouette = facts.scores.get("silhouette")
    if silhouette:
        found.append(f"The segments are {of(silhouette['value'], _SEPARATION)} (silhouette {silhouette['value']:.2f}).")
    if facts.stability:
        found.append(steadiness(facts))
    return found


def steadiness(facts: Facts) -> str:
    """Whether the segments come back on other customers."""
    said = facts.stability or {}
    steady = sum(1 for one in facts.segments if one.stability is not None and one.stability >= 0.75)
    known = sum(1 for one in facts.segments if one.stability is not None)
    return (
        f"Of {_plural(known, 'segment')} {steady:,} come back when only {said['share']:.0%} of the customers are "
        f"looked at ({said['repeats']} samples, agreement {said['ari']:.2f})."
    )


def firmness(facts: Facts) -> list[str]:
    """How flat the plateau of eps is."""
    found = []
    if facts.plateau is not None and facts.plateau[1] > facts.plateau[0]:
        low, high = facts.plateau
        wide = f"anything from {low:.3g} to {high:.3g}, a factor of {high / low:.2f}"
        found.append(f"eps could be {wide}, with about the same segments.")
    elif facts.plateau is not None:
        found.append("eps stands on no plateau: a little more or less gives noticeably other segments.")
    return found


def of_cards(facts: Facts) -> list[str]:
    """How to read the cards."""
    found = []
    if any(one.proposed for one in facts.segments):
        found.append("Names marked as proposed come from what sets a segment apart; nobody has chosen them.")
    if facts.layered:
        found.append(
            "Cards and table have the names, merges and locks that people made; the maps and what is said of their "
            "firmness are of the clustering itself."
        )
    if facts.fidelity is not None:
        rules = facts.fidelity
        spoken = f"of {rules.accuracy:.0%} of those they speak of ({rules.coverage:.0%} of all customers)"
        chance = f"always saying the largest segment would tell {rules.baseline:.0%}"
        found.append(f"Rules tell the segment {spoken}, judged on customers they were not made from; {chance}.")
    return found


def method(facts: Facts) -> list[str]:
    """How it was done."""
    e, c = facts.recipe.embedding, facts.recipe.clustering
    way = _METHODS[e.method]
    by_umap = f"{way} with {e.n_neighbors} neighbours and min_dist {e.min_dist:g}, by the metric {e.metric}, "
    map_words = {
        "umap": f"{by_umap}laid out in {e.n_components} dimensions",
        "tsne": f"{way} with perplexity {e.n_neighbors / 3:.3g}, in {e.n_components} dimensions",
        "pca": f"the first {e.n_components} principal components",
        "none": way,
    }[e.method]
    alike = (
        f"Customers that are alike were put near each other on a map ({map_words}). A segment is a region of the map"
    )
    dense = f"that is dense throughout (DBSCAN: {c.min_samples} customers within eps {c.eps:.4g}); whoever stands in no"
    found = [f"{alike} {dense} such region belongs to no segment."]
    trust = facts.scores.get("trustworthiness")
    if trust:
        kept = of(trust["value"], _TRUST)
        found.append(f"The map keeps {kept} who is alike in the data (trustworthiness {trust['value']:.2f} of 1).")
    if facts.verdict:
        found.append(
            "A job of its own computed the segments again and compared them customer by customer; its verdict: "
            f"{facts.verdict}."
        )
    return found


def limits(facts: Facts, *, live: bool = False) -> list[str]:
    """What the report does not say."""
    sample = (
        "No customer's id or values stand in this file. Its live map holds places of a sample of the customers on the "
        "map, in no order of the table; nothing else is known of them here."
    )
    dots = (
        "No customer's id or values stand in this file; each dot of the map is a place on it, and nothing else is "
        "known of it here."
    )
    return [
        (facts.segments and facts.caveat)
        or (
            "What sets a segment apart was looked for in the same data that the segments were made from, so the "
            "differences are descriptions and no proof that anything causes them."
        ),
        "The axes of the map mean nothing, and distances between far regions mean little.",
        (
            "Effect sizes (Cohen's d and h) say how large a difference is: 0.2 is small, 0.5 middling, 0.8 large. "
            "Behind each stands its 95 % interval. Differences that could be chance, all comparisons considered "
            "(Benjamini and Hochberg, 5 %), are not told."
        ),
        sample if live else dots,
    ]
