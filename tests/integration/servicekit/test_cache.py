"""F19, F20: a cache whose server is killed or frozen is a miss, quickly, and comes back by itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from redis.asyncio import Redis
from shelfcast_servicekit.cache import Breaker, RedisCache, redis_client
from shelfcast_servicekit.version import VersionBeacon, VersionReader, version_key
from shelfcast_testing.redis_process import RedisProcess

pytestmark = pytest.mark.redis


@pytest.fixture
async def cache(own_redis: RedisProcess) -> AsyncIterator[RedisCache]:
    cache = RedisCache(redis_client(own_redis.url), "forecasts", Breaker(3, 0.5))
    yield cache
    await cache.close()


async def test_what_is_set_is_got(cache: RedisCache) -> None:
    assert await cache.set("oat", b"\x00\xff", 60)
    assert await cache.mset({"rye": b"2", "spelt": b"3"}, 60)

    assert await cache.get("oat") == b"\x00\xff"
    assert await cache.mget(["rye", "wheat", "spelt"]) == [b"2", None, b"3"]


async def test_a_value_dies_with_its_time(cache: RedisCache) -> None:
    await cache.set("oat", b"1", 0.05)
    await asyncio.sleep(0.1)

    assert await cache.get("oat") is None


async def test_f19_a_killed_server_is_a_miss_and_comes_back(
    cache: RedisCache, own_redis: RedisProcess
) -> None:
    await cache.set("oat", b"1", 60)

    own_redis.kill()
    misses = [await cache.get("oat") for _ in range(200)]
    assert cache.is_bypassed
    own_redis.start()
    async with asyncio.timeout(60):
        while not await cache.set("oat", b"2", 60):
            await asyncio.sleep(0.1)
        while await cache.get("oat") != b"2":
            await asyncio.sleep(0.1)

    assert misses == [None] * 200
    assert not cache.is_bypassed


async def test_f20_a_frozen_server_costs_its_budget_and_then_nothing(
    own_redis: RedisProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = redis_client(own_redis.url)
    cache = RedisCache(client, "forecasts", Breaker(3, 600))
    sent = _counted(client, monkeypatch)

    own_redis.freeze()
    lost = [await cache.get("oat") for _ in range(3)]
    tried = len(sent)
    lost += [await cache.get("oat") for _ in range(100)]
    own_redis.thaw()
    await cache.close()

    assert lost == [None] * 103
    assert (tried, len(sent)) == (3, 3)  # three waited for their timeout, the others for nothing


async def test_f20_a_thawed_server_is_used_again(cache: RedisCache, own_redis: RedisProcess) -> None:
    await cache.set("oat", b"1", 60)
    own_redis.freeze()
    lost = [await cache.get("oat") for _ in range(4)]
    assert cache.is_bypassed

    own_redis.thaw()
    async with asyncio.timeout(60):
        while await cache.get("oat") != b"1":
            await asyncio.sleep(0.1)

    assert lost == [None] * 4


async def test_a_frozen_server_gives_no_reply_to_the_wrong_caller(own_redis: RedisProcess) -> None:
    cache = RedisCache(redis_client(own_redis.url, timeout_seconds=0.05), "mixed", Breaker(10_000, 0.5))
    for number in range(50):
        await cache.set(f"key-{number}", str(number).encode(), 60)

    async def ask(number: int) -> bytes | None:
        return await cache.get(f"key-{number}")

    own_redis.freeze()
    lost = [asyncio.create_task(ask(number)) for number in range(25)]
    await asyncio.sleep(0.02)
    for task in lost[:12]:
        task.cancel()
    await asyncio.gather(*lost, return_exceptions=True)
    own_redis.thaw()
    at_once = await asyncio.gather(*(ask(number) for number in range(50)))
    found = [*at_once, *[await ask(number) for number in range(50)]]
    await cache.close()

    assert all(value in {None, str(number % 50).encode()} for number, value in enumerate(found))
    assert sum(value is not None for value in found) > 40


async def test_a_command_is_a_span_only_within_a_trace(
    cache: RedisCache, spans: InMemorySpanExporter
) -> None:
    await cache.get("oat")
    with trace.get_tracer("test").start_as_current_span("request"):
        await cache.get("oat")

    names = [span.name for span in spans.get_finished_spans()]
    assert names == ["GET redis", "request"]


async def test_a_version_is_read_after_it_was_announced(own_redis: RedisProcess) -> None:
    client = redis_client(own_redis.url)
    beacon = VersionBeacon(client, "data_version", _nothing)
    reader = VersionReader(client, ["data_version", "model_version"], ttl_seconds=0.05)

    before = await reader.read("grocer")
    await beacon.announce("grocer", "dv-42")
    await asyncio.sleep(0.06)
    after = await reader.read("grocer")
    ttl = await client.ttl(version_key("grocer", "data_version"))
    await client.aclose()

    assert (before, after) == ((None, None), ("dv-42", None))
    assert 10 <= ttl <= 15


async def test_a_busy_tenant_is_read_in_the_background(own_redis: RedisProcess) -> None:
    client = redis_client(own_redis.url)
    beacon = VersionBeacon(client, "data_version", _grocer_at_seven, every_seconds=0.05)
    reader = VersionReader(client, ["data_version"], ttl_seconds=0.1)
    await reader.read("grocer")
    tasks = [asyncio.create_task(beacon.run()), asyncio.create_task(reader.run())]
    await asyncio.sleep(0.3)

    own_redis.freeze()
    versions = await reader.read("grocer")
    own_redis.thaw()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await client.aclose()

    assert versions == ("dv-7",)  # a reader that had asked would have got no answer


async def test_versions_of_a_silent_server_are_unknown(tmp_path: Path) -> None:
    away = RedisProcess(tmp_path)
    client = redis_client(away.url)

    await VersionBeacon(client, "data_version", _nothing).announce("grocer", "dv-1")
    versions = await VersionReader(client, ["data_version"]).read("grocer")
    await client.aclose()

    assert versions == (None,)


async def test_f20_a_frozen_server_stalls_no_reader_of_versions(
    own_redis: RedisProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = redis_client(own_redis.url)
    await VersionBeacon(client, "data_version", _nothing).announce("grocer", "dv-7")
    reader = VersionReader(client, ["data_version"], ttl_seconds=0.0)
    assert await reader.read("grocer") == ("dv-7",)
    sent = _counted(client, monkeypatch)

    own_redis.freeze()
    unknown = [await reader.read("grocer") for _ in range(200)]
    own_redis.thaw()
    await client.aclose()

    assert unknown == [(None,)] * 200
    assert len(sent) < 100  # a few waited for their timeout, the others for nothing


async def _nothing() -> dict[str, str]:
    return {}


async def _grocer_at_seven() -> dict[str, str]:
    return {"grocer": "dv-7"}


def _counted(client: Redis, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Give a list that grows with each command that `client` tries to send."""
    sent: list[object] = []
    execute: Callable[..., Awaitable[object]] = client.execute_command

    async def counted(*command: object, **options: object) -> object:
        sent.append(command[0])
        return await execute(*command, **options)

    monkeypatch.setattr(client, "execute_command", counted)
    return sent
