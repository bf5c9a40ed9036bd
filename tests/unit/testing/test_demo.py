from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shelfcast_testing.demo import DemoSettings, Retailer, generate
from shelfcast_testing.demo.__main__ import main
from shelfcast_testing.demo.season import CLOSED

SMALL = DemoSettings(shop_count=2, product_count=10, day_count=400)
KEYS = ["date", "shop_id", "product_id"]
small_sizes = st.builds(
    DemoSettings,
    seed=st.integers(0, 1000),
    shop_count=st.integers(1, 8),
    product_count=st.integers(1, 35),
    day_count=st.integers(1, 120),
    days_ahead=st.integers(0, 30),
)


def known(retailer: Retailer) -> pl.DataFrame:
    return retailer.sales.join(retailer.truth, on=KEYS, how="left")


@settings(max_examples=15, deadline=None)
@given(small_sizes)
def test_sales_are_never_more_than_was_wanted(size: DemoSettings) -> None:
    rows = known(generate(size))

    assert rows["demand"].null_count() == 0
    assert (rows["quantity"] <= rows["demand"]).all()
    assert (rows["quantity"] >= 0).all()


@settings(max_examples=15, deadline=None)
@given(small_sizes)
def test_a_day_with_the_product_on_the_shelf_sells_all_that_was_wanted(size: DemoSettings) -> None:
    rows = known(generate(size)).filter(pl.col("was_available"))

    assert (rows["quantity"] == rows["demand"]).all()


@settings(max_examples=15, deadline=None)
@given(small_sizes)
def test_each_series_has_one_row_a_day_at_most(size: DemoSettings) -> None:
    sales = generate(size).sales

    assert sales.select(KEYS).is_duplicated().sum() == 0
    assert sales["product_id"].n_unique() <= size.product_count
    assert sales["shop_id"].n_unique() <= size.shop_count


@settings(max_examples=5, deadline=None)
@given(small_sizes)
def test_the_same_settings_give_the_same_bytes(size: DemoSettings) -> None:
    first, second = generate(size), generate(size)

    assert first.sales.write_csv() == second.sales.write_csv()
    assert first.truth.write_csv() == second.truth.write_csv()


def test_another_seed_gives_another_chain() -> None:
    other = DemoSettings(seed=2, shop_count=2, product_count=10, day_count=400)

    assert generate(SMALL).sales.write_csv() != generate(other).sales.write_csv()


def test_closed_days_have_no_rows() -> None:
    days = generate(SMALL).sales["date"].unique().to_list()

    assert not [day for day in days if (day.month, day.day) in CLOSED]
    assert date(2025, 12, 24) in days


def test_the_truth_reaches_beyond_the_sales() -> None:
    retailer = generate(SMALL)

    assert retailer.sales["date"].max() == SMALL.last_date
    assert retailer.truth["date"].max() == SMALL.last_date + timedelta(days=SMALL.days_ahead)


def test_demand_is_drawn_around_its_rate() -> None:
    truth = generate(SMALL).truth

    assert truth["demand"].sum() == pytest.approx(truth["expected_demand"].sum(), rel=0.02)


def test_stock_outs_censor_a_few_percent_of_the_days() -> None:
    sales = generate(DemoSettings()).sales

    assert 0.01 < 1.0 - float(np.mean(sales["was_available"].to_numpy())) < 0.08


def test_promotions_lower_the_price_and_raise_demand() -> None:
    rows = known(generate(SMALL)).filter(pl.col("product_id") == "oat-milk-1l")
    promoted, usual = rows.filter(pl.col("is_promotion")), rows.filter(~pl.col("is_promotion"))

    assert promoted["unit_price"].mean() < usual["unit_price"].mean()  # type: ignore[operator]  # both are floats
    assert promoted["expected_demand"].mean() > 1.3 * usual["expected_demand"].mean()  # type: ignore[operator]  # floats


def test_some_products_are_new_and_some_are_slow() -> None:
    sales = generate(SMALL).sales
    row_count = dict(sales.group_by("product_id").len().iter_rows())
    mean = dict(sales.group_by("product_id").agg(pl.col("quantity").mean()).iter_rows())

    assert row_count["butter-250g"] < 0.4 * row_count["oat-milk-1l"]
    assert mean["aged-gouda-400g"] < 2.0 < mean["oat-milk-1l"]


@pytest.mark.parametrize("wrong", [{"shop_count": 0}, {"day_count": 0}, {"seed": -1}])
def test_a_size_that_no_chain_can_have_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        DemoSettings(**wrong)  # type: ignore[arg-type]  # the names are those of integer fields


def test_the_command_writes_both_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sales, truth = tmp_path / "sales.csv", tmp_path / "truth.csv"

    code = main(
        ["--out", str(sales), "--truth", str(truth), "--shops", "1", "--products", "2", "--days", "30"]
    )

    assert code == 0
    header = "date,shop_id,product_id,quantity,unit_price,is_promotion,was_available"
    assert sales.read_text().splitlines()[0] == header
    assert truth.read_text().startswith("date,shop_id,product_id,expected_demand,demand")
    assert "60 rows" in capsys.readouterr().out


def test_the_command_names_a_wrong_size(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--out", str(tmp_path / "sales.csv"), "--shops", "0"]) == 2

    assert "shop_count" in capsys.readouterr().err
