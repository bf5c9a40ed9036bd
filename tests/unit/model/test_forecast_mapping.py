from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np
import pytest
from google.protobuf import struct_pb2
from shelfcast.common.v1 import provenance_pb2
from shelfcast.forecast.v1 import forecast_service_pb2
from shelfcast_model.domain.forecast import (
    DEFAULT_LEVELS,
    Basis,
    ForecastOptions,
    Provenance,
    Rung,
    SeriesForecast,
)
from shelfcast_model.domain.sales_grid import SeriesKey
from shelfcast_model.entrypoints.grpc.forecast_mapping import business_date, forecast_to_proto, single_of
from shelfcast_model.entrypoints.grpc.prediction_mapping import id_of
from shelfcast_model.entrypoints.grpc.replies import Versions, cache_key, is_keepable
from shelfcast_servicekit.errors import DateMalformed, FieldUnreadable

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def forecast(rung: Rung = Rung.CHAMPION, version: str | None = "20260501_120000") -> SeriesForecast:
    options = ForecastOptions(horizon=2, quantile_levels=(0.5,))
    trained_at = NOON if version else None
    return SeriesForecast(
        SeriesKey("mitte", "milk"),
        date(2026, 4, 30),
        options,
        np.array([3.0, 4.1234567]),
        np.array([1.0, -0.0]),
        np.array([5.0, 9.0]),
        np.array([[3.0], [4.0]]),
        Basis.HISTORY,
        Provenance("gru", version, trained_at, "dv-7", NOON, rung),
    )


def test_a_request_without_options_takes_the_defaults() -> None:
    product, shop, options = single_of(forecast_service_pb2.GetForecastRequest(product_id="milk"))

    assert (product, shop) == ("milk", None)
    assert options == ForecastOptions(14, 0.95, DEFAULT_LEVELS, "auto", None)


def test_options_are_read_sorted_and_distinct() -> None:
    request = forecast_service_pb2.GetForecastRequest(
        product_id="milk",
        shop_id="mitte",
        horizon=7,
        confidence_interval=0.8,
        quantiles=[0.9, 0.1, 0.9],
        model="factor",
        as_of="2026-04-01T23:59:00Z",
    )

    _, shop, options = single_of(request)

    assert shop == "mitte"
    assert options == ForecastOptions(7, 0.8, (0.1, 0.9), "factor", date(2026, 4, 1))
    assert options.all_levels() == (0.1, 0.9)


@pytest.mark.parametrize("text", ["2017-02-30", "1.2.2026", "2026-13-01", "", "2026-01-01x"])
def test_what_is_no_date_is_refused_with_its_place(text: str) -> None:
    with pytest.raises(DateMalformed) as caught:
        business_date(text, "/as_of")

    assert caught.value.violations[0].pointer == "/as_of"


def test_a_forecast_is_told_with_dates_and_provenance() -> None:
    message = forecast_to_proto(forecast())

    assert [point.date for point in message.predictions] == ["2026-05-01", "2026-05-02"]
    assert [point.predicted_qty for point in message.predictions] == [3.0, 4.123457]
    assert [point.lower_ci for point in message.predictions] == [1.0, 0.0]
    assert (message.method, message.model_version, message.data_version) == ("gru", "20260501_120000", "dv-7")
    assert message.rung == provenance_pb2.RUNG_CHAMPION
    assert message.trained_at.ToDatetime(UTC) == NOON


def test_without_a_trained_model_version_and_time_are_absent() -> None:
    message = forecast_to_proto(forecast(Rung.STATISTICAL, None))

    assert not message.HasField("model_version")
    assert not message.HasField("trained_at")


@pytest.mark.parametrize(
    ("rung", "versions", "kept"),
    [
        (Rung.CHAMPION, Versions("dv-7", "20260501_120000.gru"), True),
        (Rung.CHAMPION, Versions("dv-8", "20260501_120000.gru"), False),
        (Rung.CHAMPION, Versions("dv-7", "20260501_120000.factor"), False),
        (Rung.LAST_GOOD, Versions("dv-7", "20260501_120000.gru"), False),
        (Rung.STATISTICAL, Versions("dv-7", "20260501_120000.gru"), False),
    ],
)
def test_only_the_champion_under_its_own_versions_is_kept(rung: Rung, versions: Versions, kept: bool) -> None:
    assert is_keepable(forecast_to_proto(forecast(rung)), versions) is kept


def test_cache_keys_differ_by_tenant_and_version() -> None:
    versions = Versions("dv-7", "20260501_120000.gru")
    keys = {
        cache_key("acme", b"x", versions),
        cache_key("globex", b"x", versions),
        cache_key("acme", b"y", versions),
        cache_key("acme", b"x", Versions("dv-8", "20260501_120000.gru")),
    }

    assert len(keys) == 4
    assert all("{acme}" in key or "{globex}" in key for key in keys)


@pytest.mark.parametrize(
    ("value", "id_"), [(1.0, "1"), (1.5, "1.5"), (-3.0, "-3"), (1e15, "1000000000000000")]
)
def test_a_number_is_the_id_that_it_reads_as(value: float, id_: str) -> None:
    assert id_of(struct_pb2.Value(number_value=value), "/store") == id_


@pytest.mark.parametrize(
    "value",
    [
        struct_pb2.Value(bool_value=True),
        struct_pb2.Value(number_value=float("inf")),
        struct_pb2.Value(list_value=struct_pb2.ListValue()),
    ],
)
def test_what_is_neither_number_nor_string_is_unreadable(value: struct_pb2.Value) -> None:
    with pytest.raises(FieldUnreadable):
        id_of(value, "/store")
