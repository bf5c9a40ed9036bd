from __future__ import annotations

from datetime import timedelta

import grpc
import pytest
from shelfcast.common.v1 import provenance_pb2
from shelfcast.forecast.v1 import forecast_service_pb2, forecast_service_pb2_grpc
from shelfcast_servicekit.auth import calling_as
from shelfcast_servicekit.status import from_rpc_error
from shelfcast_testing.data_fake import Sales
from shelfcast_testing.model_stack import START, Stack


async def batch(stack: Stack, **fields: object) -> forecast_service_pb2.BatchGetForecastsResponse:
    stub = forecast_service_pb2_grpc.ForecastServiceStub(stack.channel)
    request = forecast_service_pb2.BatchGetForecastsRequest(**fields)  # type: ignore[arg-type]
    with calling_as(stack.caller):
        reply: forecast_service_pb2.BatchGetForecastsResponse = await stub.BatchGetForecasts(request)
    return reply


async def test_without_a_trained_model_the_statistical_rung_answers(stack: Stack) -> None:
    stack.load()

    reply = await stack.get(product_id="milk", shop_id="nord", horizon=10)

    assert reply.rung == provenance_pb2.RUNG_STATISTICAL
    assert (reply.method, reply.basis, reply.data_version) == ("factor", "history", "dv-1")
    assert not reply.HasField("model_version")
    assert reply.origin_date == (START + timedelta(days=139)).isoformat()
    assert [p.date for p in reply.predictions][:2] == [
        (START + timedelta(days=day)).isoformat() for day in (140, 141)
    ]
    assert len(reply.predictions) == 10
    for point in reply.predictions:
        assert 0 <= point.lower_ci <= point.quantiles[0]
        assert list(point.quantiles) == sorted(point.quantiles)
        assert point.quantiles[-1] <= point.upper_ci
        assert 10 < point.predicted_qty < 80


async def test_a_snapshot_in_the_shared_store_is_read_from_its_file(stack: Stack) -> None:
    stack.load()

    await stack.get(product_id="oats")

    assert "snapshot" not in stack.data.calls


async def test_new_sales_move_the_origin_without_a_new_snapshot(stack: Stack) -> None:
    stack.load(days=100)
    assert (await stack.get(product_id="oats")).data_version == "dv-1"
    stack.load(days=104)
    await stack.announce("dv-2")

    reply = await stack.get(product_id="oats")

    assert reply.data_version == "dv-2"
    assert reply.origin_date == (START + timedelta(days=103)).isoformat()
    assert stack.data.calls.count("create") == 1


async def test_as_of_hides_what_came_later(stack: Stack) -> None:
    stack.load()
    as_of = (START + timedelta(days=99)).isoformat()

    reply = await stack.get(product_id="oats", as_of=as_of)

    assert reply.origin_date == as_of


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"product_id": "milk"}, "SHOP_AMBIGUOUS"),
        ({"product_id": "tea"}, "SERIES_NOT_FOUND"),
        ({"product_id": "oats", "shop_id": "nord"}, "SERIES_NOT_FOUND"),
        ({"product_id": "oats", "model": "oracle"}, "MODEL_UNKNOWN"),
        ({"product_id": "oats", "model": "gru"}, "MODEL_UNKNOWN"),
        ({"product_id": "oats", "horizon": 0}, "FIELD_RULE_VIOLATED"),
        ({"product_id": "oats", "horizon": 10_000}, "FIELD_RULE_VIOLATED"),
        ({"product_id": "oats", "as_of": "2025-02-30"}, "DATE_MALFORMED"),
        ({"product_id": "oats", "as_of": "1999-01-01"}, "HISTORY_EMPTY"),
        ({"product_id": ""}, "FIELD_MISSING"),
        ({"product_id": "x" * 10_000}, "FIELD_RULE_VIOLATED"),
    ],
)
async def test_a_bad_question_is_told_its_reason(
    stack: Stack, fields: dict[str, object], reason: str
) -> None:
    stack.load()

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stack.get(**fields)

    assert from_rpc_error(caught.value).reason == reason


async def test_a_tenant_without_sales_is_told_so(stack: Stack) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stack.get(product_id="milk")

    assert from_rpc_error(caught.value).reason == "HISTORY_EMPTY"


async def test_a_series_of_one_day_gets_a_forecast(stack: Stack) -> None:
    stack.data.sales[stack.tenant] = Sales()
    stack.data.sales[stack.tenant].put({("mitte", "milk", START): 12.0})

    reply = await stack.get(product_id="milk", horizon=3)

    assert reply.basis == "short_history"
    assert len(reply.predictions) == 3


async def test_batches_page_through_all_series_and_name_the_unknown(stack: Stack) -> None:
    stack.load()

    first = await batch(stack, page_size=2, horizon=5)
    second = await batch(stack, page_size=2, horizon=5, page_token=first.next_page_token)
    named = await batch(stack, product_ids=["milk", "tea"], shop_ids=["nord"])

    series = [(f.shop_id, f.product_id) for f in [*first.forecasts, *second.forecasts]]
    assert series == [("mitte", "milk"), ("mitte", "oats"), ("nord", "milk")]
    assert second.next_page_token == ""
    assert list(first.forecasts[0].quantile_levels) == []
    assert [(f.shop_id, f.product_id) for f in named.forecasts] == [("nord", "milk")]
    assert list(named.unknown_product_ids) == ["tea"]
