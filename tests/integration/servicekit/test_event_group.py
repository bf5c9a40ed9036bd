"""A consumer group on a real server: repeats, abandoned entries, bad handlers, and a server that was away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import redis.asyncio
from shelfcast_servicekit import event_group
from shelfcast_servicekit.event_group import EventGroup, GroupOptions
from shelfcast_servicekit.event_stream import STREAM, StreamEvent, append_events
from shelfcast_testing.redis_process import RedisProcess

PATIENCE_SECONDS = 60.0
AT_ONCE = GroupOptions(abandoned_seconds=0.0, most_deliveries=3)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisProcess]:
    made = RedisProcess(tmp_path)
    made.start()
    yield made
    made.kill()


@pytest.fixture
async def client(server: RedisProcess) -> AsyncIterator[redis.asyncio.Redis]:
    async with redis.asyncio.Redis.from_url(server.url) as made:
        yield made


class Listener:
    """Remembers what it was given; fails on the names that it is told to fail on."""

    def __init__(self, *failing: str) -> None:
        self.heard: list[str] = []
        self.failing = set(failing)
        self.attempts = 0

    async def __call__(self, event: StreamEvent) -> None:
        self.attempts += 1
        if event.event_id in self.failing:
            raise ValueError(event.event_id)
        self.heard.append(event.event_id)


async def put(client: redis.asyncio.Redis, *event_ids: str) -> None:
    await append_events(client, [StreamEvent(each, "acme", "told", b"x") for each in event_ids], 1000)


async def listen(group: EventGroup) -> None:
    await group.join()
    await group.step(block_seconds=0.01)


async def pending(client: redis.asyncio.Redis, group: str = "shop") -> int:
    return int((await client.xpending(STREAM, group))["pending"])


async def test_events_are_handled_in_their_order_and_acknowledged(client: redis.asyncio.Redis) -> None:
    listener = Listener()
    await put(client, "a", "b")
    group = EventGroup(client, "shop", "one", listener)

    await listen(group)
    await put(client, "c")
    await group.step(block_seconds=0.01)

    assert listener.heard == ["a", "b", "c"]
    assert await pending(client) == 0


async def test_a_repeat_is_ignored_whoever_gets_it(client: redis.asyncio.Redis) -> None:
    one, two = Listener(), Listener()
    await put(client, "a", "b")
    await listen(EventGroup(client, "shop", "one", one))
    await put(client, "b", "c")

    await listen(EventGroup(client, "shop", "two", two))

    assert (one.heard, two.heard) == (["a", "b"], ["c"])
    assert await pending(client) == 0


async def test_groups_do_not_know_of_one_another(client: redis.asyncio.Redis) -> None:
    one, two = Listener(), Listener()
    await put(client, "a")

    await listen(EventGroup(client, "shop", "one", one))
    await listen(EventGroup(client, "web", "one", two))

    assert one.heard == two.heard == ["a"]


async def test_what_a_dead_consumer_left_is_taken_over(client: redis.asyncio.Redis) -> None:
    listener = Listener()
    dead = EventGroup(client, "shop", "dead", Listener("a"), AT_ONCE)
    await put(client, "a", "b")
    await listen(dead)
    left = await pending(client)

    await listen(EventGroup(client, "shop", "heir", listener, AT_ONCE))

    assert left == 1
    assert listener.heard == ["a"]
    assert await pending(client) == 0


async def test_an_event_that_cannot_be_handled_is_dropped_in_the_end(client: redis.asyncio.Redis) -> None:
    listener = Listener("a")
    group = EventGroup(client, "shop", "one", listener, AT_ONCE)
    await put(client, "a", "b")

    await listen(group)
    heard_at_once = list(listener.heard)
    for _ in range(5):
        await group.step(block_seconds=0.01)

    assert heard_at_once == ["b"]
    assert listener.attempts == 1 + AT_ONCE.most_deliveries
    assert await pending(client) == 0


async def test_an_entry_without_an_event_is_dropped(client: redis.asyncio.Redis) -> None:
    listener = Listener()
    group = EventGroup(client, "shop", "one", listener)
    await client.xadd(STREAM, {"nonsense": "1"})
    await put(client, "a")

    await listen(group)

    assert listener.heard == ["a"]
    assert await pending(client) == 0


async def test_a_group_for_news_only_is_not_given_what_was(client: redis.asyncio.Redis) -> None:
    listener = Listener()
    await put(client, "old")
    group = EventGroup(client, "shop", "one", listener, GroupOptions(is_private=True))
    await group.join()
    await put(client, "new")

    await listen(group)
    await group.leave()

    assert listener.heard == ["new"]
    assert await client.xinfo_groups(STREAM) == []


async def test_private_groups_that_nobody_reads_any_more_are_removed(
    client: redis.asyncio.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("model:killed", "web:killed"):
        await listen(EventGroup(client, name, "self", Listener(), GroupOptions(is_private=True)))
    monkeypatch.setattr(event_group, "FORGOTTEN_SECONDS", 0.0)

    await listen(EventGroup(client, "model:new", "self", Listener(), GroupOptions(is_private=True)))

    names = {group["name"] for group in await client.xinfo_groups(STREAM)}
    assert names == {b"model:new", b"web:killed"}


async def test_a_server_that_lost_everything_is_listened_to_again(
    server: RedisProcess, client: redis.asyncio.Redis
) -> None:
    listener = Listener()
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(EventGroup(client, "shop", "one", listener).run())
        await put(client, "a")
        await until(listener, 1)
        server.kill()
        server.start()
        async with redis.asyncio.Redis.from_url(server.url) as other:
            await put(other, "b")
        await until(listener, 2)
        running.cancel()

    assert listener.heard == ["a", "b"]


async def until(listener: Listener, count: int) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while len(listener.heard) < count:
            await asyncio.sleep(0.02)
