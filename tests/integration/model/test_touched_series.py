"""A change of one series takes its own forecasts out of the cache and no others; old never counts as new."""

from __future__ import annotations

import asyncio
import uuid
from datetime import timedelta

import grpc
import pytest
import redis.asyncio
from shelfcast.common.v1 import provenance_pb2
from shelfcast.events.v1 import event_pb2
from shelfcast.forecast.v1 import forecast_pb2
from shelfcast_servicekit.event_stream import StreamEvent, append_events
from shelfcast_testing.model_stack import START, Stack, demand

PATIENCE_SECONDS = 60.0
OATS = {"product_id": "oats", "horizon": 9}
NORD_MILK = {"product_id": "milk", "shop_id": "nord", "horizon": 9}
LAST_DAY = START + timedelta(days=139)


async def versioned(stack: Stack) -> None:
    """Have a champion in use and the data version announced."""
    stack.load()
    await stack.crown("seasonal_naive")
    await stack.champion_serves("seasonal_naive")
    await stack.announce("dv-1")


def correct_oats(stack: Stack) -> None:
    """Correct the last day of one series."""
    sold = demand()["mitte", "oats", LAST_DAY]
    stack.data.sales[stack.tenant].put({("mitte", "oats", LAST_DAY): sold + 50.0})


def made_at(reply: forecast_pb2.Forecast) -> int:
    return reply.as_of.ToMicroseconds()


def figures(reply: forecast_pb2.Forecast) -> list[float]:
    return [point.predicted_qty for point in reply.predictions]


async def test_a_change_of_one_series_lets_the_others_be(stack: Stack) -> None:
    await versioned(stack)
    before = {"oats": await stack.get_at("dv-1", **OATS), "milk": await stack.get_at("dv-1", **NORD_MILK)}
    correct_oats(stack)
    await stack.announce("dv-2")

    oats, milk = await stack.get_at("dv-2", **OATS), await stack.get_at("dv-2", **NORD_MILK)

    assert made_at(oats) > made_at(before["oats"])
    assert figures(oats) != figures(before["oats"])
    assert made_at(milk) == made_at(before["milk"])
    assert {oats.data_version, milk.data_version} == {"dv-2"}
    assert {oats.rung, milk.rung} == {provenance_pb2.RUNG_CHAMPION}


async def test_what_goes_on_under_the_new_version_is_kept_under_it(stack: Stack) -> None:
    await versioned(stack)
    await stack.get_at("dv-1", **NORD_MILK)
    correct_oats(stack)
    await stack.announce("dv-2")
    first = await stack.get_at("dv-2", **NORD_MILK)
    await stack.data_server.drain(0)  # a look at the data would no longer say that it is current

    again = await stack.get_at("dv-2", **NORD_MILK)

    assert again == first


async def test_another_process_finds_the_unchanged_reply_in_redis(stack: Stack) -> None:
    await versioned(stack)
    before = await stack.get_at("dv-1", **NORD_MILK)
    correct_oats(stack)
    await stack.announce("dv-2")
    stack.forget_replies()

    after = await stack.get_at("dv-2", **NORD_MILK)

    assert made_at(after) == made_at(before)
    assert after.data_version == "dv-2"


async def test_a_new_day_moves_all_forecasts(stack: Stack) -> None:
    await versioned(stack)
    before = await stack.get_at("dv-1", **NORD_MILK)
    tomorrow = LAST_DAY + timedelta(days=1)
    stack.data.sales[stack.tenant].put({("mitte", "oats", tomorrow): 3.0})
    await stack.announce("dv-2")

    after = await stack.get_at("dv-2", **NORD_MILK)

    assert (before.origin_date, after.origin_date) == (LAST_DAY.isoformat(), tomorrow.isoformat())


async def test_a_withdrawn_last_day_is_no_origin_any_more(stack: Stack) -> None:
    await versioned(stack)
    before = await stack.get_at("dv-1", **NORD_MILK)
    tomorrow = LAST_DAY + timedelta(days=1)
    stack.data.sales[stack.tenant].put({("mitte", "oats", tomorrow): 3.0})
    await stack.announce("dv-2")
    between = await stack.get_at("dv-2", **NORD_MILK)
    stack.data.sales[stack.tenant].put({("mitte", "oats", tomorrow): None})
    await stack.announce("dv-3")

    after = await stack.get_at("dv-3", **NORD_MILK)

    assert (between.origin_date, after.origin_date) == (tomorrow.isoformat(), LAST_DAY.isoformat())
    assert (after.data_version, figures(after)) == ("dv-3", figures(before))


async def test_days_that_a_mistaken_date_has_pushed_out_are_back_when_it_is_withdrawn(stack: Stack) -> None:
    await versioned(stack)
    before = await stack.get_at("dv-1", **NORD_MILK)
    mistaken = LAST_DAY + timedelta(days=40 * 366)
    stack.data.sales[stack.tenant].put({("mitte", "oats", mistaken): 3.0})
    await stack.announce("dv-2")
    between = await stack.get_at("dv-2", **OATS)
    stack.data.sales[stack.tenant].put({("mitte", "oats", mistaken): None})
    await stack.announce("dv-3")

    after = await stack.get_at("dv-3", **NORD_MILK)

    assert between.origin_date == mistaken.isoformat()
    assert (after.origin_date, figures(after)) == (before.origin_date, figures(before))


async def test_a_series_whose_sales_are_all_withdrawn_is_not_found(stack: Stack) -> None:
    await versioned(stack)
    stack.data.sales[stack.tenant].put({("nord", "mistaken", LAST_DAY): 3.0})
    await stack.announce("dv-2")
    await stack.get_at("dv-2", product_id="mistaken")
    stack.data.sales[stack.tenant].put({("nord", "mistaken", LAST_DAY): None})
    await stack.announce("dv-3")

    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stack.get_at("dv-3", product_id="mistaken")

    assert refused.value.code() is grpc.StatusCode.NOT_FOUND


async def test_an_unchanged_series_is_marked_while_its_data_cannot_be_seen(stack: Stack) -> None:
    """Nobody knows that it is unchanged: it is not passed off as the newest."""
    await versioned(stack)
    before = await stack.get_at("dv-1", **NORD_MILK)
    await stack.data_server.drain(0)
    await stack.announce("dv-2")

    reply = await stack.get_on(provenance_pb2.RUNG_LAST_GOOD, "dv-1", **NORD_MILK)

    assert figures(reply) == figures(before)


async def tell(stack: Stack, version: str) -> None:
    """Tell of a data version as the data service's relay does."""
    told = event_pb2.Event(event_id=str(uuid.uuid4()), tenant=stack.tenant, data_version=version)
    entry = StreamEvent(told.event_id, told.tenant, "sales_changed", told.SerializeToString())
    async with redis.asyncio.Redis.from_url(stack.redis.url) as client:
        await append_events(client, [entry], 1000)


async def test_a_change_that_is_told_of_is_taken_in_before_anybody_asks(stack: Stack) -> None:
    await versioned(stack)
    before = await stack.get_at("dv-1", **OATS)
    correct_oats(stack)

    async with asyncio.timeout(PATIENCE_SECONDS):
        while (
            stack.held_version() != "dv-2"
        ):  # told again and again: who begins to listen hears what comes then
            await tell(stack, "dv-2")
            await asyncio.sleep(0.1)
    await stack.data_server.drain(0)
    await stack.announce("dv-2")
    reply = await stack.get_at("dv-2", **OATS)

    assert figures(reply) != figures(before)


async def test_a_version_of_who_never_asked_loads_nothing(stack: Stack) -> None:
    stack.load()

    await stack.application.history.follow(stack.tenant, "dv-1")

    assert stack.held_version() is None


async def test_a_new_champion_makes_all_anew(stack: Stack) -> None:
    await versioned(stack)
    before = await stack.get_at("dv-1", **NORD_MILK)
    correct_oats(stack)
    await stack.crown("factor")
    await stack.champion_serves("factor")
    await stack.announce("dv-2")

    after = await stack.get_at("dv-2", **NORD_MILK)

    assert (before.method, after.method) == ("seasonal_naive", "factor")
