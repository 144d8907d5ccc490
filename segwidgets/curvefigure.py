"""How many segments, as a matplotlib figure: the elbow of KMeans and the lowest BIC of mixtures."""

from __future__ import annotations

from matplotlib.figure import Figure

from segwidgets.compute.methods import CountCurve

_INERTIA, _BIC = "#0072b2", "#d55e00"


def curve_figure(curve: CountCurve, *, width: float = 6.4, height: float = 2.6) -> Figure:
    """Inertia and BIC over k, with the k that each proposes.

    Args:
        curve: from `compute.methods.count_curve`.
        width: in inches.
        height: in inches.

    Returns:
        A figure of its own, which pyplot knows nothing of.
    """
    figure = Figure(figsize=(width, height), layout="constrained")
    drawn = [("KMeans: inertia", curve.inertia, curve.elbow, "elbow", _INERTIA)]
    if curve.bic is not None:
        drawn.append(("Gaussian mixture: BIC a row", curve.bic, curve.lowest_bic, "lowest", _BIC))
    for axes, (title, values, chosen, word, colour) in zip(
        figure.subplots(1, len(drawn), squeeze=False)[0], drawn, strict=True
    ):
        axes.plot(curve.k, values, color=colour, marker="o", markersize=3)
        axes.set_title(title, fontsize=9)
        axes.set_xlabel("k")
        if chosen is not None:
            at = curve.k.index(chosen)
            axes.plot([chosen], [values[at]], marker="o", markersize=9, markerfacecolor="none", color=colour)
            axes.annotate(f"{word}: {chosen}", (chosen, values[at]), textcoords="offset points", xytext=(8, 8))
    return figure
