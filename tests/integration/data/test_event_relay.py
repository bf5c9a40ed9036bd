"""The relay on both stores: at least once, in order, and stopped by neither a bad row nor a dead Redis."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

import orjson
import pytest
import redis.asyncio
from shelfcast.events.v1 import event_pb2
from shelfcast_data.__main__ import main
from shelfcast_data.adapters.redis.event_stream import RedisEventStream
from shelfcast_data.adapters.sql.outbox import OutboxRows
from shelfcast_data.adapters.sql.transaction import DataTx
from shelfcast_data.application.relay_events import MOST_ATTEMPTS, EventRelay
from shelfcast_data.bootstrap.outbox import OutboxDesk, event_relay
from shelfcast_data.domain.event import StockCounted
from shelfcast_data.settings import DataSettings
from shelfcast_servicekit.engine import create_service_engine
from shelfcast_servicekit.errors import UpstreamUnavailable
from shelfcast_servicekit.event_group import EventGroup
from shelfcast_servicekit.event_stream import STREAM, StreamEvent, event_of
from shelfcast_servicekit.executor import BlockingExecutor
from shelfcast_servicekit.transact import Transactor
from shelfcast_testing.redis_process import RedisProcess

if TYPE_CHECKING:
    from sqlalchemy import Engine

RELAY = Path(__file__).with_name("relay_process.py")
PATIENCE_SECONDS = 120.0
LONG_AGO = "2001-01-01 00:00:00"


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisProcess]:
    server = RedisProcess(tmp_path)
    server.start()
    yield server
    server.kill()


class Post:
    """An outbox, a stream, and relays between them."""

    def __init__(self, settings: DataSettings, engine: Engine, server: RedisProcess) -> None:
        self.settings = settings.model_copy(update={"redis_url": server.url})
        self.engine = engine
        self.server = server
        self.executor = BlockingExecutor("database", 2)
        self.store: Transactor[DataTx] = Transactor(engine, None, DataTx)
        self.streams: list[RedisEventStream] = []

    def relay(self, holder: str = "one") -> EventRelay:
        relay, stream = event_relay(self.settings, self.engine, self.executor)
        relay.holder = holder
        relay.poll_seconds = 0.02
        self.streams.append(stream)
        return relay

    def tell(self, *counts: int, tenant: str = "acme") -> None:
        for count in counts:
            self.store.transact_sync(partial(_told, tenant, count))

    def change(self, statement: str) -> None:
        self.store.transact_sync(lambda tx: tx.connection.exec_driver_sql(statement))

    def states(self) -> list[str]:
        with self.engine.connect() as connection:
            return list(connection.exec_driver_sql("SELECT state FROM outbox ORDER BY event_no").scalars())

    async def entries(self) -> list[StreamEvent]:
        async with redis.asyncio.Redis.from_url(self.server.url) as client:
            found = cast("list[tuple[bytes, dict[bytes, bytes]]]", await client.xrange(STREAM))
            return [event_of(fields) for _, fields in found]

    async def counts(self, tenant: str = "acme") -> list[int]:
        """Give what the stream says, in its order."""
        messages = [event_pb2.Event.FromString(each.body) for each in await self.entries()]
        return [each.stock_counted.count for each in messages if each.tenant == tenant]

    async def until_published(self, count: int) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while self.states().count("published") < count:
                await asyncio.sleep(0.02)

    async def close(self) -> None:
        for stream in self.streams:
            await stream.close()
        self.executor.close()


def _told(tenant: str, count: int, tx: DataTx) -> None:
    tx.tell(tenant, StockCounted(count))


@pytest.fixture
async def post(settings: DataSettings, redis_server: RedisProcess) -> AsyncIterator[Post]:
    engine = create_service_engine(settings.database_url, pool_size=4)
    post = Post(settings, engine, redis_server)
    yield post
    await post.close()
    engine.dispose()


@contextlib.asynccontextmanager
async def running(*relays: EventRelay) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(relay.run()) for relay in relays]
        yield
        for task in tasks:
            task.cancel()


async def test_events_go_out_in_their_order_and_once(post: Post) -> None:
    post.tell(*range(250))
    post.tell(7, tenant="globex")
    relay = post.relay()

    has_more = await relay.step()
    await relay.step()
    await relay.step()

    assert has_more
    assert await post.counts() == list(range(250))
    assert await post.counts("globex") == [7]
    assert set(post.states()) == {"published"}


async def test_a_message_says_what_was_stored(post: Post) -> None:
    post.tell(3)
    await post.relay().step()

    entry = (await post.entries())[0]
    message = event_pb2.Event.FromString(entry.body)

    assert (entry.name, entry.tenant, entry.event_id) == ("stock_counted", "acme", message.event_id)
    assert message.WhichOneof("happening") == "stock_counted"
    assert message.data_version == ""
    assert message.occurred_at.seconds > 1_700_000_000


async def test_events_wait_for_redis_and_lose_neither_row_nor_order(post: Post) -> None:
    relay = post.relay()
    post.tell(1, 2)
    await relay.step()
    post.server.kill()
    post.tell(3, 4)
    with pytest.raises(UpstreamUnavailable):
        await relay.step()
    waiting = post.states()

    async with running(relay):
        post.tell(5)
        post.server.start()  # with nothing in it
        await post.until_published(5)

    assert waiting == ["published", "published", "pending", "pending"]
    assert await post.counts() == [3, 4, 5]


async def test_a_frozen_redis_delivers_late_and_perhaps_twice_but_in_order(post: Post) -> None:
    relay = post.relay()
    post.server.freeze()
    post.tell(1, 2, 3)
    try:
        with pytest.raises(UpstreamUnavailable):
            await relay.step()
    finally:
        post.server.thaw()
    await relay.step()

    told = await post.counts()

    assert told in ([1, 2, 3], [1, 2, 3, 1, 2, 3])
    assert len({entry.event_id for entry in await post.entries()}) == 3


async def test_a_bad_row_holds_up_nobody_and_ends_as_a_dead_letter(post: Post) -> None:
    post.tell(1, 2, 3)
    post.change('UPDATE outbox SET facts = \'{"count": "many"}\' WHERE event_no = 2')
    relay = post.relay()
    await relay.step()
    published = await post.counts()
    for _ in range(MOST_ATTEMPTS):
        post.change("UPDATE outbox SET retry_at = NULL WHERE event_no = 2")
        await relay.step()
    desk = OutboxDesk(post.engine)
    letter = orjson.loads(desk.dead())
    status = desk.status()
    post.change("UPDATE outbox SET facts = '{\"count\": 2}' WHERE event_no = 2")
    again = desk.requeue([letter["event_id"]])
    await relay.step()

    assert published == [1, 3]
    assert (letter["event_no"], letter["attempt_count"]) == (2, MOST_ATTEMPTS)
    assert "count" in letter["error"]
    assert status.endswith("; 1 dead letters\n")
    assert again == "1 dead letters wait again\n"
    assert await post.counts() == [1, 3, 2]


async def test_a_bad_row_is_not_tried_again_at_once(post: Post) -> None:
    post.tell(1)
    post.change("UPDATE outbox SET name = 'unheard_of'")
    relay = post.relay()

    await relay.step()
    await relay.step()

    with post.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT attempt_count FROM outbox").scalar_one() == 1


async def test_of_two_relays_one_works_and_the_other_takes_over(post: Post) -> None:
    one, two = post.relay("one"), post.relay("two")
    post.tell(0)
    await one.step()
    async with running(one, two):
        for count in range(1, 60):
            post.tell(count)
        await post.until_published(60)
    first = await post.counts()
    post.tell(60)
    await two.step()
    while_one_leads = post.states()[-1]
    post.change(f"UPDATE outbox_lead SET lease_until = '{LONG_AGO}'")
    await two.step()

    assert first == list(range(60))
    assert while_one_leads == "pending"
    assert await post.counts() == list(range(61))


async def test_old_published_events_are_deleted_and_no_others(post: Post) -> None:
    relay = post.relay()
    post.tell(1, 2)
    await relay.step()
    post.tell(3)
    post.change(f"UPDATE outbox SET published_at = '{LONG_AGO}' WHERE event_no = 1")
    post.change(f"UPDATE outbox SET occurred_at = '{LONG_AGO}'")
    post.server.kill()

    with pytest.raises(UpstreamUnavailable):
        await post.relay().step()

    assert post.states() == ["published", "pending"]


async def test_the_backlog_is_measured(post: Post) -> None:
    store: Transactor[OutboxRows] = Transactor(post.engine, None, OutboxRows)
    empty = store.read_sync(lambda outbox: outbox.backlog())
    post.tell(1, 2)
    post.change(f"UPDATE outbox SET occurred_at = '{LONG_AGO}' WHERE event_no = 1")
    post.change("UPDATE outbox SET state = 'dead' WHERE event_no = 2")
    behind = store.read_sync(lambda outbox: outbox.backlog())

    assert (empty.pending_count, empty.oldest_seconds, empty.dead_count) == (0, 0.0, 0)
    assert (behind.pending_count, behind.dead_count) == (1, 1)
    assert behind.oldest_seconds > 86_400


async def test_the_operator_asks_by_command(
    post: Post, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    post.tell(1, 2)
    post.change("UPDATE outbox SET state = 'dead' WHERE event_no = 2")
    for name, text in environment_of(post.settings).items():
        monkeypatch.setenv(name, text)

    for action in ("status", "dead", "requeue"):
        monkeypatch.setattr(sys, "argv", ["shelfcast_data", "outbox", action])
        main()
    status, dead, again = capsys.readouterr().out.splitlines()

    assert status.startswith("1 events wait, the oldest for ")
    assert status.endswith(" s; 1 dead letters")
    assert orjson.loads(dead)["event_no"] == 2
    assert again == "1 dead letters wait again"
    assert post.states() == ["pending", "pending"]


class Ledger:
    """A consumer whose effect can be counted."""

    def __init__(self) -> None:
        self.counts: list[int] = []

    async def handle(self, event: StreamEvent) -> None:
        self.counts.append(event_pb2.Event.FromString(event.body).stock_counted.count)


@pytest.mark.parametrize("place", ["after_commit", "after_publish"])
async def test_a_kill_between_commit_publish_and_mark_loses_and_doubles_nothing(
    post: Post, place: str
) -> None:
    post.tell(1, 2, 3)

    returncode = await asyncio.to_thread(killed_relay, post.settings, place)
    left = post.states()
    async with running(post.relay()):
        post.change(f"UPDATE outbox_lead SET lease_until = '{LONG_AGO}'")
        await post.until_published(3)
    ledger = Ledger()
    async with redis.asyncio.Redis.from_url(post.server.url) as client:
        group = EventGroup(client, "ledger", "one", ledger.handle)
        await group.join()
        await group.step(block_seconds=0.01)

    assert returncode == -9
    assert left == ["pending"] * 3
    assert await post.counts() == ([1, 2, 3] if place == "after_commit" else [1, 2, 3, 1, 2, 3])
    assert ledger.counts == [1, 2, 3]


def environment_of(settings: DataSettings) -> dict[str, str]:
    return {
        "SHELFCAST_DATA_DIR": str(settings.data_dir),
        "SHELFCAST_DATABASE_URL": settings.database_url,
        "SHELFCAST_REDIS_URL": settings.redis_url,
        "OTEL_EXPORTER_OTLP_ENDPOINT": "none",
    }


def killed_relay(settings: DataSettings, place: str) -> int:
    """Run a relay until it dies at a failpoint; give how it ended."""
    inherited = dict(os.environ)  # noqa: TID251 - the child needs PATH and the like
    environment = inherited | environment_of(settings) | {"SHELFCAST_FAILPOINT": place}
    command = [sys.executable, str(RELAY)]
    return subprocess.run(command, env=environment, check=False, timeout=PATIENCE_SECONDS).returncode
