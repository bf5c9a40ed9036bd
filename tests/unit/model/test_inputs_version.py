"""A forecast whose inputs count as unchanged is unchanged; the data version says since when."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Final

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from shelfcast_model.adapters.installed import installed
from shelfcast_model.domain.history import History, history_of
from shelfcast_model.domain.panel import Panel
from shelfcast_model.domain.sales_grid import UNKNOWN, SalesRows, SeriesKey, empty_grid, with_rows
from shelfcast_model.ports import FitSettings, FittedForecaster

SHOPS: Final = ("mitte", "nord")
PRODUCTS: Final = ("milk", "oats", "rye")
DAYS: Final = 60
MILK, OATS, NORD_MILK = (SeriesKey("mitte", "milk"), SeriesKey("mitte", "oats"), SeriesKey("nord", "milk"))

Row = tuple[int, int, int, float, float, int]
"""Shop, product, day, quantity (NaN takes the row away), price, availability."""


def rows_of(rows: list[Row]) -> SalesRows:
    shop, product, day, quantity, price, available = (np.array(each) for each in zip(*rows, strict=True))
    return SalesRows(
        SHOPS,
        PRODUCTS,
        shop.astype(np.int32),
        product.astype(np.int32),
        day.astype(np.int32),
        quantity.astype(np.float64),
        price.astype(np.float64),
        np.full(len(rows), UNKNOWN, np.int8),
        available.astype(np.int8),
    )


def sold(shop: int, product: int, day: int, quantity: float = 3.0) -> Row:
    return (shop, product, day, quantity, np.nan, UNKNOWN)


def first() -> History:
    """Give two products in one shop, one of them in another, with a closed day: 30."""
    days = [day for day in range(DAYS) if day != 30]
    rows = [
        sold(shop, product, day, 1.0 + day % 7) for shop, product in ((0, 0), (0, 1), (1, 0)) for day in days
    ]
    return history_of("acme", "dv-1", "snap", with_rows(empty_grid(), rows_of(rows)))


def after(history: History, version: str, *rows: Row) -> History:
    grid = with_rows(history.grid, rows_of(list(rows)))
    return history_of("acme", version, "snap", grid, history)


def versions(history: History) -> dict[SeriesKey, str]:
    return {key: history.inputs_version(key) for key in history.grid.series}


def test_a_correction_touches_its_series_and_no_other() -> None:
    assert versions(after(first(), "dv-2", sold(0, 0, 10, 99.0))) == {
        MILK: "dv-2",
        OATS: "dv-1",
        NORD_MILK: "dv-1",
    }


def test_the_same_again_touches_nothing() -> None:
    again = after(first(), "dv-2", sold(0, 0, 10, 1.0 + 10 % 7))

    assert set(versions(again).values()) == {"dv-1"}


def test_a_sale_that_opens_a_day_touches_the_whole_shop() -> None:
    assert versions(after(first(), "dv-2", sold(0, 0, 30))) == {MILK: "dv-2", OATS: "dv-2", NORD_MILK: "dv-1"}


def test_a_new_day_moves_the_origin_of_all() -> None:
    assert set(versions(after(first(), "dv-2", sold(0, 0, DAYS))).values()) == {"dv-2"}


def test_an_earlier_day_than_all_touches_all() -> None:
    assert set(versions(after(first(), "dv-2", sold(0, 0, -1))).values()) == {"dv-2"}


def test_the_first_price_of_the_tenant_touches_all() -> None:
    assert set(versions(after(first(), "dv-2", (0, 0, 10, 4.0, 1.5, UNKNOWN))).values()) == {"dv-2"}


def test_a_new_series_leaves_the_others_where_they_were() -> None:
    found = versions(after(first(), "dv-2", sold(0, 2, 10)))

    assert found == {MILK: "dv-1", OATS: "dv-1", SeriesKey("mitte", "rye"): "dv-2", NORD_MILK: "dv-1"}


def test_changes_add_up() -> None:
    third = after(after(first(), "dv-2", sold(0, 0, 10, 9.0)), "dv-7", sold(1, 0, 10, 9.0))

    assert versions(third) == {MILK: "dv-2", OATS: "dv-1", NORD_MILK: "dv-7"}


def test_nothing_is_known_of_a_history_that_replaces_none() -> None:
    held = first()

    assert set(versions(history_of("acme", "dv-9", "snap", held.grid)).values()) == {"dv-9"}


def test_each_part_of_a_panel_is_compared() -> None:
    """A part that is added to the panel must be compared in `_inputs_versions` too."""
    compared = {"series", "start", "quantity", "price", "promotion", "categories"}

    assert {each.name for each in fields(Panel)} == compared


FITTED: Final[dict[str, FittedForecaster]] = {}


def forecasts(history: History) -> dict[SeriesKey, bytes]:
    """Give what a champion, fitted once, says of each series."""

    class Unheard:
        def report(self, phase: str, done: int, total: int) -> None:
            """Say nothing."""

    for name in ("seasonal_naive", "factor"):
        if name not in FITTED:
            FITTED[name] = installed(name).fit(first().panel, FitSettings(), Unheard())
    said = {}
    origin = history.origin(None)
    for key, row in history.positions.items():
        panel = history.panel.select([row])
        batches = [each.forecast(panel, origin, 7, (0.1, 0.9)) for each in FITTED.values()]
        said[key] = b"".join(part for b in batches for part in (b.mean.tobytes(), b.quantiles.tobytes()))
        said[key] += origin.isoformat().encode()
    return said


rows = st.tuples(
    st.integers(0, 1),
    st.integers(0, 2),
    st.integers(-3, DAYS + 2),
    st.one_of(st.just(np.nan), st.integers(0, 9).map(float)),
    st.sampled_from([np.nan, np.nan, 1.5]),
    st.sampled_from([UNKNOWN, UNKNOWN, UNKNOWN, 0, 1]),
)


@settings(max_examples=60)
@given(st.lists(st.lists(rows, min_size=1, max_size=3), min_size=1, max_size=3))
def test_what_counts_as_unchanged_is_forecast_as_before(changes: list[list[Row]]) -> None:
    history = replace(first())
    made = {key: ("dv-1", said) for key, said in forecasts(history).items()}
    for number, change in enumerate(changes, 2):
        history = after(history, f"dv-{number}", *change)
        now = forecasts(history)

        for key, version in versions(history).items():
            known = made.get(key)
            if known is not None and known[0] == version:
                assert now[key] == known[1]
            made[key] = (version, now[key])
