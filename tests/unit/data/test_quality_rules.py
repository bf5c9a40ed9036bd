"""Faults put into the demo retailer are found where they are, and hardly anything else is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from functools import cache

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from shelfcast_data.domain.quality import Rule, Severity
from shelfcast_data.domain.quality_rules import PACK_FACTORS, anomalies
from shelfcast_data.domain.series_days import SeriesDays
from shelfcast_data.domain.shop_quality import EPOCH, ShopTally, close_all, stale_days
from shelfcast_testing.demo import DemoSettings, generate

Retail = Mapping[tuple[str, str], SeriesDays]
Fault = Callable[[SeriesDays, int], SeriesDays]
RUN = 7
PLACES = (120, 210, 333)
"""Rows at which a fault is put in, one at a time."""


@cache
def retailer() -> Retail:
    """Give the series of a demo retailer."""
    rows = generate(DemoSettings(shop_count=2)).sales.sort("shop_id", "product_id", "date")
    groups = rows.group_by(["shop_id", "product_id"], maintain_order=True)
    return {(str(shop), str(product)): series_of(group) for (shop, product), group in groups}


def series_of(rows: pl.DataFrame) -> SeriesDays:
    """Give the rows of one series as the rules see them."""
    return SeriesDays(
        rows["date"].to_numpy().astype("datetime64[D]").astype(np.int64),
        rows["quantity"].to_numpy().astype(np.float64),
        rows["unit_price"].to_numpy().astype(np.float64),
        rows["was_available"].to_numpy().astype(np.int64),
    )


def steady() -> Iterator[SeriesDays]:
    """Give the series that sell enough for a factor to mean something."""
    for series in retailer().values():
        if len(series) > 500 and np.median(series.quantity) >= 8:
            yield series


def times(factor: float, length: int | None) -> Fault:
    def fault(series: SeriesDays, place: int) -> SeriesDays:
        quantity = series.quantity.copy()
        quantity[place : None if length is None else place + length] *= factor
        return replace(series, quantity=quantity)

    return fault


def price_times(factor: float) -> Fault:
    def fault(series: SeriesDays, place: int) -> SeriesDays:
        price = series.price.copy()
        price[place] *= factor
        return replace(series, price=price)

    return fault


def without_rows(series: SeriesDays, place: int) -> SeriesDays:
    keep = np.ones(len(series), dtype=bool)
    keep[place : place + 60] = False
    return only(series, keep)


def only(series: SeriesDays, keep: NDArray[np.bool_]) -> SeriesDays:
    """Give some rows of a series."""
    return SeriesDays(series.day[keep], series.quantity[keep], series.price[keep], series.was_available[keep])


def said_unavailable(series: SeriesDays, place: int) -> SeriesDays:
    available, quantity = series.was_available.copy(), series.quantity.copy()
    available[place : place + RUN] = 0
    quantity[place : place + RUN] += 1
    return replace(series, was_available=available, quantity=quantity)


def found_share(rule: Rule, fault: Fault) -> float:
    """Give the share of faults that are found where they were put in, within three days."""
    told = []
    for series in steady():
        for place in PLACES:
            found = [each for each in anomalies(fault(series, place)) if each.rule is rule]
            told.append(any(np.abs(each.days - series.day[place]).min() <= 3 for each in found))
    return float(np.mean(told))


FAULTS: dict[str, tuple[Rule, Fault, float]] = {
    "one day ten times as high": (Rule.OUTLIER, times(10.0, 1), 0.75),
    "four times as much for good": (Rule.LEVEL_SHIFT, times(4.0, None), 0.85),
    "a quarter for good": (Rule.LEVEL_SHIFT, times(0.25, None), 0.85),
    "a price of ten times": (Rule.PRICE_JUMP, price_times(10.0), 1.0),
    "a price of a tenth": (Rule.PRICE_JUMP, price_times(0.1), 1.0),
    "two months missing": (Rule.MISSING_DAYS, without_rows, 1.0),
    "a week of sales without stock": (Rule.SALES_WITHOUT_STOCK, said_unavailable, 1.0),
    **{
        f"a week in pieces of {factor:.0f}": (
            Rule.UNIT_MIX_UP,
            times(factor, RUN),
            0.7 if factor < 10 else 0.9,
        )
        for factor in PACK_FACTORS
    },
    "a week in dozens": (Rule.UNIT_MIX_UP, times(1 / 12, RUN), 0.9),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found_where_it_was_put_in(name: str) -> None:
    rule, fault, least = FAULTS[name]

    assert found_share(rule, fault) >= least


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_sound_sales_raise_few_alarms(seed: int) -> None:
    rows = generate(DemoSettings(seed=seed, shop_count=2)).sales.sort("shop_id", "product_id", "date")
    groups = [group for _, group in rows.group_by(["shop_id", "product_id"], maintain_order=True)]

    told = Counter(each.rule for group in groups for each in anomalies(series_of(group)))

    assert told.total() <= 5, told  # of about 43,000 days
    assert not told.keys() & {Rule.MISSING_DAYS, Rule.PRICE_JUMP, Rule.SALES_WITHOUT_STOCK}


def test_a_mix_up_of_units_is_told_once() -> None:
    found = Counter(
        each.rule for series in steady() for each in anomalies(times(100.0, RUN)(series, PLACES[0]))
    )

    assert found[Rule.OUTLIER] <= 0.1 * found[Rule.UNIT_MIX_UP]


def days_of(quantity: list[float], keep: list[bool] | None = None) -> SeriesDays:
    """Give a series that tells neither price nor availability, on some of its days."""
    day = np.arange(len(quantity)) + 20_000
    series = SeriesDays(day, np.array(quantity), np.full(len(day), np.nan), np.full(len(day), -1))
    return series if keep is None else only(series, np.array(keep))


def test_closed_weekdays_are_not_missing() -> None:
    keep = [day % 7 != 3 for day in range(200)]

    assert anomalies(days_of([5.0] * 200, keep)) == []


def test_gaps_in_a_file_without_zeros_may_be_days_without_a_sale() -> None:
    keep = [day % 5 != 3 for day in range(200)]

    sparse = anomalies(days_of([5.0] * 200, keep))
    dense = anomalies(days_of([0.0] + [5.0] * 199, keep))

    assert [(each.rule, each.severity) for each in sparse] == [(Rule.MISSING_DAYS, Severity.INFO)]
    assert [(each.rule, each.severity) for each in dense] == [(Rule.MISSING_DAYS, Severity.ERROR)]
    assert (sparse[0].measured, sparse[0].usual) == (40.0, 200.0)


def test_a_shop_is_stale_against_its_own_rhythm() -> None:
    daily, weekly = np.arange(100), np.arange(0, 700, 7)

    assert stale_days(Rule.STALE_SHOP, daily, 103) is None
    assert stale_days(Rule.STALE_SHOP, weekly, 693 + 10) is None
    late, stale = (
        stale_days(Rule.STALE_SHOP, daily, 106),
        stale_days(Rule.STALE_SHOP, weekly, 693 + 20),
    )

    assert late is not None
    assert (late.severity, late.measured, late.usual) == (Severity.WARNING, 7.0, 1.0)
    assert stale is not None
    assert stale.severity is Severity.ERROR


def shop_with(shop_id: str, days: int) -> ShopTally:
    tally = ShopTally(shop_id)
    tally.add("oat-milk", days_of([10.0] * days))
    return tally


def found_of(days: Mapping[str, int], today: int) -> list[tuple[Rule, str, int]]:
    """Give rule, shop and days of what is found of shops with rows on the first so many days."""
    shops = [shop_with(shop_id, count) for shop_id, count in days.items()]
    first = int(shops[0].days[0])
    found = [*close_all(shops, EPOCH + timedelta(days=first + today))]
    found += [each for shop in shops for each in shop.findings]
    return [(each.rule, each.shop_id, each.day_count) for each in found]


def test_sales_of_long_ago_are_stale_once_and_no_shop_is() -> None:
    assert found_of({"berlin": 100, "bonn": 98}, 800) == [(Rule.STALE_DATA, "", 701)]


def test_a_shop_is_stale_when_it_lags_behind_the_others() -> None:
    assert found_of({"berlin": 100, "bonn": 80}, 101) == [(Rule.STALE_SHOP, "bonn", 20)]


def test_sales_of_long_ago_show_which_shop_lagged_behind() -> None:
    found = found_of({"berlin": 100, "bonn": 80}, 800)

    assert found == [(Rule.STALE_DATA, "", 701), (Rule.STALE_SHOP, "bonn", 20)]


def test_a_day_in_the_future_makes_no_other_shop_stale() -> None:
    assert found_of({"berlin": 400, "bonn": 100}, 101) == []


def test_a_wrong_date_among_sales_of_long_ago_makes_no_other_shop_stale() -> None:
    berlin, bonn = shop_with("berlin", 100), shop_with("bonn", 100)
    first = int(berlin.days[0])
    berlin.days = np.append(berlin.days, first + 5000)

    found = close_all([berlin, bonn], EPOCH + timedelta(days=first + 800))

    assert [(each.rule, each.shop_id, each.day_count) for each in found] == [(Rule.STALE_DATA, "", 701)]
    assert bonn.findings == []


def test_no_sales_are_not_stale() -> None:
    assert close_all([ShopTally("berlin")], date(2026, 1, 1)) == []


def test_a_score_counts_each_faulty_day_once() -> None:
    quantity = [10.0] * 200
    quantity[100:107] = [1000.0] * 7
    tally = ShopTally("berlin")

    tally.add("oat-milk", days_of(quantity))
    tally.add("rye-bread", days_of([10.0] * 200))
    tally.close(20_200)
    score = tally.score()

    assert (score.day_count, score.faulty_count, score.error_count) == (400, 7, 1)
    assert score.score_pct == pytest.approx(98.25)


def test_a_run_without_a_level_on_either_side_is_no_mix_up() -> None:
    sold = [0.0, 14.0, *[8.0] * 5, *[0.0] * 11, 8.0, 8.0, *[0.0] * 4, 27.0, 0.0, 27.0, 27.0, 0.0]
    available = [0, *[1] * 6, *[0] * 9, *[1] * 8, 0, 0, 0, 0, 1]

    found = anomalies(replace(days_of(sold), was_available=np.array(available)))

    assert Rule.UNIT_MIX_UP not in {each.rule for each in found}


@given(
    st.lists(
        st.integers(0, 10**12).map(lambda millionths: millionths / 1e6) | st.just(0.0),
        min_size=1,
        max_size=150,
    ),
    st.lists(st.integers(-1, 1), min_size=150, max_size=150),
)
def test_whatever_was_sold_findings_lie_on_days_of_the_series(
    quantity: list[float], available: list[int]
) -> None:
    series = replace(days_of(quantity), was_available=np.array(available[: len(quantity)]))

    for each in anomalies(series):
        assert len(each.days)
        assert (np.diff(each.days) > 0).all()
        assert series.day[0] <= each.days[0] <= each.days[-1] <= series.day[-1]
        assert np.isfinite([each.measured, each.usual]).all()
