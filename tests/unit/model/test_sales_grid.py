from __future__ import annotations

import numpy as np
import pytest
from shelfcast_model.domain import sales_grid
from shelfcast_model.domain.observed_demand import observed_demand
from shelfcast_model.domain.sales_grid import SalesRows, SeriesKey, empty_grid, with_rows

NAN = float("nan")


def rows(*sold: tuple[str, str, int, float], available: int = -1) -> SalesRows:
    shops, products = sorted({r[0] for r in sold}), sorted({r[1] for r in sold})
    return SalesRows(
        tuple(shops),
        tuple(products),
        np.array([shops.index(r[0]) for r in sold], np.int32),
        np.array([products.index(r[1]) for r in sold], np.int32),
        np.array([r[2] for r in sold], np.int32),
        np.array([r[3] for r in sold], np.float64),
        np.full(len(sold), NAN),
        np.full(len(sold), -1, np.int8),
        np.full(len(sold), available, np.int8),
    )


def test_rows_land_on_their_series_and_day() -> None:
    grid = with_rows(empty_grid(), rows(("nord", "milk", 12, 4.0), ("mitte", "oats", 10, 1.0)))

    assert grid.series == (SeriesKey("mitte", "oats"), SeriesKey("nord", "milk"))
    assert grid.first_day == 10
    np.testing.assert_array_equal(grid.quantity, [[1.0, NAN, NAN], [NAN, NAN, 4.0]])


def test_changes_replace_add_and_take_away_without_touching_the_old_grid() -> None:
    old = with_rows(empty_grid(), rows(("mitte", "oats", 10, 1.0), ("mitte", "oats", 11, 2.0)))

    new = with_rows(
        old, rows(("mitte", "oats", 11, NAN), ("mitte", "milk", 9, 7.0), ("mitte", "oats", 12, 5.0))
    )

    np.testing.assert_array_equal(new.quantity, [[7.0, NAN, NAN, NAN], [NAN, 1.0, NAN, 5.0]])
    np.testing.assert_array_equal(old.quantity, [[1.0, 2.0]])


@pytest.mark.parametrize(
    "sold",
    [
        [("mitte", "oats", 10, 1.0), ("mitte", "oats", 12, 2.0), ("mitte", "milk", 11, 3.0)],
        [("mitte", "oats", 12, 1.0), ("mitte", "oats", 14, 2.0), ("mitte", "milk", 13, 3.0)],
        [("mitte", "oats", 12, 1.0)],
        [],
    ],
    ids=["last day", "first day", "one series", "all"],
)
def test_rows_taken_away_leave_the_grid_as_if_they_had_never_been(
    sold: list[tuple[str, str, int, float]],
) -> None:
    mistaken = [("mitte", "oats", 10, 9.0), ("nord", "milk", 12, 9.0), ("nord", "oats", 14, 9.0)]
    kept = {row[:3] for row in sold}
    taken = [(*row[:3], NAN) for row in mistaken if row[:3] not in kept]
    grid = with_rows(with_rows(empty_grid(), rows(*mistaken)), rows(*sold))

    left = with_rows(grid, rows(*taken))

    anew = with_rows(empty_grid(), rows(*sold))
    assert (left.series, left.first_day, left.day_count) == (anew.series, anew.first_day, anew.day_count)
    np.testing.assert_array_equal(left.quantity, anew.quantity)
    np.testing.assert_array_equal(observed_demand(left), observed_demand(anew))


def test_a_series_whose_rows_are_all_too_old_is_kept_when_others_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sales_grid, "MOST_DAYS", 3)
    monkeypatch.setattr(sales_grid, "FEWEST_DAYS", 2)
    sold = [("mitte", "milk", 1, 5.0), ("mitte", "oats", 9, 1.0), ("mitte", "oats", 10, 1.0)]
    grid = with_rows(empty_grid(), rows(*sold))

    left = with_rows(grid, rows(("mitte", "oats", 10, NAN)))

    assert left.series == (SeriesKey("mitte", "milk"), SeriesKey("mitte", "oats"))
    assert (left.first_day, left.day_count) == (9, 1)


def test_taking_away_what_is_not_there_pushes_nothing_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sales_grid, "MOST_DAYS", 5)
    monkeypatch.setattr(sales_grid, "FEWEST_DAYS", 1)
    old = with_rows(empty_grid(), rows(("mitte", "oats", 10, 1.0), ("mitte", "oats", 12, 2.0)))

    new = with_rows(old, rows(("mitte", "oats", 900, NAN), ("nord", "milk", 2, NAN)))

    assert (new.series, new.first_day, new.last_day) == (old.series, 10, 12)
    np.testing.assert_array_equal(new.quantity, old.quantity)


def test_no_rows_leave_the_grid_as_it_is() -> None:
    grid = with_rows(empty_grid(), rows(("mitte", "oats", 10, 1.0)))

    assert with_rows(grid, rows()) is grid


def test_the_oldest_days_go_when_there_is_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sales_grid, "MOST_DAYS", 5)
    monkeypatch.setattr(sales_grid, "FEWEST_DAYS", 2)
    old = with_rows(empty_grid(), rows(("mitte", "oats", 10, 1.0), ("mitte", "oats", 12, 3.0)))

    near = with_rows(old, rows(("mitte", "oats", 16, 9.0), ("mitte", "oats", 2, 8.0)))
    far = with_rows(old, rows(("mitte", "oats", 90, 9.0)))

    np.testing.assert_array_equal(near.quantity, [[3.0, NAN, NAN, NAN, 9.0]])
    np.testing.assert_array_equal(far.quantity, [[NAN, NAN, NAN, NAN, 9.0]])


def test_an_absent_day_in_an_open_shop_is_zero_and_in_a_closed_one_unknown() -> None:
    grid = with_rows(
        empty_grid(),
        rows(
            ("mitte", "oats", 1, 5.0),
            ("mitte", "milk", 2, 1.0),
            ("mitte", "oats", 4, 2.0),
            ("nord", "oats", 3, 1.0),
        ),
    )

    demand = observed_demand(grid)

    np.testing.assert_array_equal(demand[0], [NAN, 1.0, NAN, 0.0])  # milk in mitte: launched on day 2
    np.testing.assert_array_equal(demand[1], [5.0, 0.0, NAN, 2.0])  # oats in mitte: shut on day 3
    np.testing.assert_array_equal(demand[2], [NAN, NAN, 1.0, NAN])  # nord sent nothing on day 4


def test_a_stock_out_hides_demand_and_a_series_that_tells_is_not_filled() -> None:
    grid = with_rows(empty_grid(), rows(("mitte", "oats", 1, 5.0), ("mitte", "oats", 3, 4.0), available=1))
    grid = with_rows(grid, rows(("mitte", "oats", 4, 0.0), available=0))
    grid = with_rows(grid, rows(("mitte", "milk", 2, 1.0)))

    demand = observed_demand(grid)

    np.testing.assert_array_equal(demand[1], [5.0, NAN, 4.0, NAN])


def test_more_returned_than_sold_is_no_demand() -> None:
    grid = with_rows(empty_grid(), rows(("mitte", "oats", 1, -5.0)))

    assert observed_demand(grid).tolist() == [[0.0]]
