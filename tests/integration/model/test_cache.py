from __future__ import annotations

import asyncio
from pathlib import Path

import redis
from shelfcast.common.v1 import provenance_pb2
from shelfcast_testing.model_stack import Stack, running_stack
from shelfcast_testing.redis_process import RedisProcess


async def versioned(stack: Stack) -> None:
    """Have a champion in use and the data version announced."""
    stack.load()
    await stack.crown("seasonal_naive")
    await stack.champion_serves("seasonal_naive")
    await stack.announce("dv-1")


async def kept_keys(stack: Stack) -> list[str]:
    """Wait for replies in Redis, which come there after they were sent, and give their keys."""
    with redis.Redis.from_url(stack.redis.url, decode_responses=True) as client:
        async with asyncio.timeout(60.0):
            while not (keys := list(client.scan_iter(f"shelfcast:{{{stack.tenant}}}:forecast:*"))):
                await asyncio.sleep(0.05)
    return keys


async def test_a_second_request_is_served_as_it_was_made(stack: Stack) -> None:
    await versioned(stack)

    first = await stack.get(product_id="oats", horizon=9)
    again = await stack.get(product_id="oats", horizon=9)
    other = await stack.get(product_id="oats", horizon=8)

    assert again == first
    assert other.as_of.ToMicroseconds() > first.as_of.ToMicroseconds()


async def test_a_new_process_finds_the_reply_in_redis_under_its_versions(stack: Stack) -> None:
    await versioned(stack)
    first = await stack.get_at("dv-1", product_id="oats", horizon=9)

    keys = await kept_keys(stack)

    assert all(f":dv-1:{first.model_version}.seasonal_naive" in key for key in keys)


async def test_a_value_that_does_not_parse_is_a_miss(stack: Stack) -> None:
    await versioned(stack)
    first = await stack.get_at("dv-1", product_id="oats", horizon=9)
    keys = await kept_keys(stack)
    with redis.Redis.from_url(stack.redis.url) as client:
        for key in keys:
            client.set(key, b"\xff\xff\xff")
    stack.forget_replies()

    again = await stack.get(product_id="oats", horizon=9)

    assert [p.predicted_qty for p in again.predictions] == [p.predicted_qty for p in first.predictions]


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
