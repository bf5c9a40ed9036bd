from __future__ import annotations

import asyncio
from pathlib import Path

import redis
from shelfcast.common.v1 import provenance_pb2
from shelfcast.forecast.v1 import forecast_pb2, forecast_service_pb2
from shelfcast_model.entrypoints.grpc.replies import Versions, cache_key
from shelfcast_testing.model_stack import Stack, running_stack
from shelfcast_testing.redis_process import RedisProcess


async def versioned(stack: Stack) -> None:
    """Have a champion in use and the data version announced."""
    stack.load()
    await stack.crown("seasonal_naive")
    await stack.champion_serves("seasonal_naive")
    await stack.announce("dv-1")


def key_of(stack: Stack, reply: forecast_pb2.Forecast, **fields: object) -> str:
    """Give the key under which the reply to a request is kept in Redis."""
    request = forecast_service_pb2.GetForecastRequest(**fields)  # type: ignore[arg-type]
    versions = Versions(reply.data_version, f"{reply.model_version}.{reply.method}")
    return cache_key(stack.tenant, request.SerializeToString(deterministic=True), versions)


async def kept(stack: Stack, key: str, not_yet: bytes | None = None) -> bytes:
    """Wait for a value in Redis, where replies come after they were sent; it may replace another."""
    with redis.Redis.from_url(stack.redis.url) as client:
        async with asyncio.timeout(60.0):
            while True:
                value: bytes | None = client.get(key)
                if value is not None and value != not_yet:
                    return value
                await asyncio.sleep(0.05)


async def test_a_second_request_is_served_as_it_was_made(stack: Stack) -> None:
    await versioned(stack)

    first = await stack.get(product_id="oats", horizon=9)
    again = await stack.get(product_id="oats", horizon=9)
    other = await stack.get(product_id="oats", horizon=8)

    assert again == first
    assert other.as_of.ToMicroseconds() > first.as_of.ToMicroseconds()


async def test_a_reply_is_kept_in_redis_under_its_versions(stack: Stack) -> None:
    await versioned(stack)
    reply = await stack.get_at("dv-1", product_id="oats", horizon=9)

    value = await kept(stack, key_of(stack, reply, product_id="oats", horizon=9))

    assert forecast_pb2.Forecast.FromString(value) == reply


async def test_a_value_that_does_not_parse_is_a_miss(stack: Stack) -> None:
    await versioned(stack)
    first = await stack.get_at("dv-1", product_id="oats", horizon=9)
    key, damaged = key_of(stack, first, product_id="oats", horizon=9), b"\xff\xff\xff"
    await kept(stack, key)
    with redis.Redis.from_url(stack.redis.url) as client:
        client.set(key, damaged)
    stack.forget_replies()

    again = await stack.get_at("dv-1", product_id="oats", horizon=9)

    assert again.as_of.ToMicroseconds() > first.as_of.ToMicroseconds()
    assert forecast_pb2.Forecast.FromString(await kept(stack, key, not_yet=damaged)) == again


async def test_new_data_makes_old_replies_unreachable(stack: Stack) -> None:
    await versioned(stack)
    before = await stack.get_at("dv-1", product_id="oats")
    stack.load(days=143)
    await stack.announce("dv-2")

    reply = await stack.get_at("dv-2", product_id="oats")

    assert reply.origin_date > before.origin_date


async def test_many_who_ask_at_once_cost_one_computation(stack: Stack) -> None:
    await versioned(stack)

    replies = await asyncio.gather(*(stack.get(product_id="oats", horizon=30) for _ in range(40)))

    # At most twice: on a crowded machine Redis may miss its 100 ms, and the version is then not known.
    assert len({reply.as_of.ToMicroseconds() for reply in replies}) <= 2


async def test_replies_go_on_without_redis(tmp_path: Path) -> None:
    server = RedisProcess(tmp_path)
    server.start()
    try:
        async with running_stack(tmp_path / "stack", server) as stack:
            await versioned(stack)
            before = await stack.get(product_id="oats")
            server.kill()
            await asyncio.sleep(0.5)

            replies = [await stack.get(product_id="oats") for _ in range(5)]
    finally:
        server.kill()

    assert {reply.rung for reply in replies} == {provenance_pb2.RUNG_CHAMPION}
    assert {reply.data_version for reply in replies} == {before.data_version}


async def test_replies_go_on_from_what_is_held_without_the_data_service(stack: Stack) -> None:
    await versioned(stack)
    before = await stack.get_at("dv-1", product_id="oats")
    await stack.data_server.drain(0)
    await stack.announce("dv-9")

    reply = await stack.get_on(provenance_pb2.RUNG_LAST_GOOD, "dv-1", product_id="oats")

    assert reply.predictions == before.predictions
