"""From neighbours to a map: UMAP in stages (fuzzy graph, start, layout), and the other methods behind the same stage.

The graph and the objective are umap-learn's, held to it by parity tests. The optimiser is our own, and its compiled
code is cached on disk, so that a new process answers at once (umap-learn compiles for many seconds).
"""

from segwidgets.compute.embedding.alignment import aligned
from segwidgets.compute.embedding.first import SAMPLE_ABOVE, FirstPicture, first_picture
from segwidgets.compute.embedding.graph import fuzzy_graph
from segwidgets.compute.embedding.objective import curve
from segwidgets.compute.embedding.optimiser import Layout, Snapshot, default_epochs, layout
from segwidgets.compute.embedding.start import spectral_start

__all__ = [
    "SAMPLE_ABOVE",
    "FirstPicture",
    "Layout",
    "Snapshot",
    "aligned",
    "curve",
    "default_epochs",
    "first_picture",
    "fuzzy_graph",
    "layout",
    "spectral_start",
]
