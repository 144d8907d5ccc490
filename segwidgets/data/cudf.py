"""A cuDF frame, on the GPU, as canonical columns; cuDF itself is never imported.

A table lives on the host: its digest is of its content, and its features are made there. So the values have to leave
the GPU once, and they do so in the form in which they are kept: of a numeric column the entries that are not zero,
picked on the GPU; of a text column its codes and distinct texts. No column becomes a pandas one on the way but those
that are neither (dates, categories, decimals, nested values), and the ids.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from segwidgets.data.columns import Numbers, Texts
from segwidgets.data.errors import unknown_column
from segwidgets.data.frames import Fields, fields_of, stack


def is_cudf(source: Any) -> bool:
    """Whether ``source`` is a cuDF DataFrame, told by where its class comes from."""
    return any(
        kind.__name__ == "DataFrame" and kind.__module__.split(".")[0] == "cudf" for kind in type(source).__mro__
    )


def host_part(frame: Any, column: object) -> pd.DataFrame:
    """What says whose row it is, as a pandas frame: the index, and the id ``column`` where that names one.

    Raises DataError, with the nearest name, where ``column`` is a name that neither a column nor the index has.
    """
    index = frame.index.to_pandas()
    if not isinstance(column, str):
        return pd.DataFrame(index=index)
    labels = list(frame.columns)
    for label in labels:
        if str(label) == column:
            return pd.DataFrame({column: frame[label].to_pandas().array}, index=index)
    if column in index.names:
        return pd.DataFrame(index=index)
    raise unknown_column("id", column, [*map(str, labels), *(str(name) for name in index.names if name is not None)])


def device_fields(frame: Any, without: object) -> Fields:
    """The columns of a cuDF frame in canonical form but for the id column ``without``, one at a time.

    The same content gives the same columns, and so the same digest, as `frames.fields_of` gives of a pandas frame.
    """
    numbers: list[Numbers] = []
    texts: dict[str, Texts] = {}
    unsupported: dict[str, str] = {}
    labels = [label for label in frame.columns if str(label) != without]
    for label in labels:
        name, series = str(label), frame[label]
        field = _field(series)
        if field is None:
            fields = fields_of(series.to_pandas().to_frame(name))
            texts.update(fields.texts)
            unsupported.update(fields.unsupported)
            if fields.texts:
                continue
            field = Numbers(fields.numeric.indices, fields.numeric.data)
        if isinstance(field, Texts) and not field.levels:
            # As in a pandas frame: nothing says that it would be text.
            field = Numbers.of(np.full(len(frame), np.nan))
        if isinstance(field, Numbers):
            numbers.append(field)
        else:
            texts[name] = field
    return Fields(tuple(map(str, labels)), stack(numbers, len(frame)), texts, unsupported)


def _field(series: Any) -> Numbers | Texts | None:
    """A column of numbers or texts; None for any other."""
    dtype = series.dtype
    # What may be missing has NumPy's type or, in newer releases, pandas' own: Int64, boolean. The kind is the same.
    if dtype.kind in "biuf":
        # In float64 a missing value can be NaN; a column of whole numbers has no place for it.
        values = series.astype("float64").fillna(float("nan")).to_cupy()
        (places,) = (values != 0).nonzero()  # NaN is not zero
        return Numbers(places.get(), values[places].get())
    # cuDF's texts have the dtype object, in newer releases pandas' StringDtype.
    if isinstance(dtype, pd.StringDtype) or dtype == np.dtype(object):
        codes, levels = series.factorize()
        return Texts.of(codes.get(), levels.to_arrow().to_pylist())
    return None
