from __future__ import annotations

import pandas as pd
import pytest
from shelfcast.common.v1 import provenance_pb2
from shelfcast.forecast.v1 import forecast_pb2
from shelfcast_client.frames import (
    forecast_frame,
    forecast_from_json,
    forecast_from_proto,
    quantile_name,
    sales_csv,
)

BODY: dict[str, object] = {
    "product_id": "oat-milk-1l",
    "shop_id": "berlin-mitte",
    "origin_date": "2026-06-30",
    "horizon": 2,
    "confidence_interval": 0.9,
    "quantile_levels": [0.05, 0.95],
    "predictions": [
        {
            "date": "2026-07-01",
            "predicted_qty": 12.5,
            "lower_ci": 8,
            "upper_ci": 17.0,
            "quantiles": [8, 17.0],
        },
        {
            "date": "2026-07-02",
            "predicted_qty": 13.0,
            "lower_ci": 9,
            "upper_ci": 18.0,
            "quantiles": [9, 18.0],
        },
    ],
    "method": "gru",
    "model_version": "20260701_020000",
    "data_version": "dv-3",
    "rung": "champion",
    "basis": "history",
}


def message() -> forecast_pb2.Forecast:
    points = [
        forecast_pb2.ForecastPoint(
            date="2026-07-01", predicted_qty=12.5, lower_ci=8, upper_ci=17, quantiles=[8, 17]
        ),
        forecast_pb2.ForecastPoint(
            date="2026-07-02", predicted_qty=13, lower_ci=9, upper_ci=18, quantiles=[9, 18]
        ),
    ]
    return forecast_pb2.Forecast(
        product_id="oat-milk-1l",
        shop_id="berlin-mitte",
        origin_date="2026-06-30",
        quantile_levels=[0.05, 0.95],
        predictions=points,
        method="gru",
        model_version="20260701_020000",
        data_version="dv-3",
        rung=provenance_pb2.RUNG_CHAMPION,
        basis="history",
    )


def test_a_forecast_is_a_row_a_day_with_its_facts() -> None:
    frame = forecast_frame([forecast_from_json(BODY)])

    assert list(frame["date"]) == [pd.Timestamp("2026-07-01"), pd.Timestamp("2026-07-02")]
    assert list(frame.columns[:6]) == [
        "shop_id",
        "product_id",
        "date",
        "predicted_qty",
        "lower_ci",
        "upper_ci",
    ]
    assert list(frame["q05"]) == [8.0, 9.0]
    assert set(frame["rung"]) == {"champion"}


def test_both_protocols_give_the_same_frame() -> None:
    by_rest = forecast_frame([forecast_from_json(BODY)])
    by_grpc = forecast_frame([forecast_from_proto(message())])

    pd.testing.assert_frame_equal(by_rest, by_grpc, check_dtype=False)


def test_a_forecast_without_a_model_says_so() -> None:
    bare = message()
    bare.ClearField("model_version")

    frame = forecast_frame([forecast_from_proto(bare)])

    assert frame["model_version"].isna().all()


def test_no_forecast_is_an_empty_frame_with_the_columns() -> None:
    frame = forecast_frame([])

    assert len(frame) == 0
    assert "predicted_qty" in frame.columns


@pytest.mark.parametrize(
    ("level", "name"), [(0.05, "q05"), (0.1, "q10"), (0.5, "q50"), (0.975, "q97.5"), (0.999, "q99.9")]
)
def test_a_quantile_is_named_after_its_percent(level: float, name: str) -> None:
    assert quantile_name(level) == name


def test_dates_of_a_frame_are_sent_as_calendar_dates() -> None:
    sales = pd.DataFrame({"date": pd.to_datetime(["2026-06-30"]), "product_id": ["007"], "quantity": [3]})

    assert sales_csv(sales) == b"date,product_id,quantity\n2026-06-30,007,3\n"
