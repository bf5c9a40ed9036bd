"""The choice of the parts that tell events to other services, and the operator's view of them."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, Final

import orjson
from shelfcast_servicekit.cache import redis_client
from shelfcast_servicekit.failpoint import failpoint
from shelfcast_servicekit.transact import Transactor

from shelfcast_data.adapters.redis.event_stream import RedisEventStream
from shelfcast_data.adapters.relay_meter import RelayMeter
from shelfcast_data.adapters.sql.outbox import OutboxRows
from shelfcast_data.application.relay_events import EventRelay

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shelfcast_servicekit.executor import BlockingExecutor
    from shelfcast_servicekit.version import VersionBeacon
    from sqlalchemy import Engine

    from shelfcast_data.settings import DataSettings

STREAM_TIMEOUT_SECONDS: Final = 2.0
DAY_SECONDS: Final = 86_400.0
MOST_SHOWN: Final = 1000


def event_relay(
    settings: DataSettings, engine: Engine, executor: BlockingExecutor
) -> tuple[EventRelay, RedisEventStream]:
    """Give the relay of events, and its stream, which is to be closed."""
    client = redis_client(settings.redis_url, timeout_seconds=STREAM_TIMEOUT_SECONDS)
    stream = RedisEventStream(client, settings.event_stream_length)
    relay = EventRelay(
        store=Transactor(engine, executor, OutboxRows),
        stream=stream,
        meter=RelayMeter(),
        holder=f"{socket.gethostname()}:{settings.port or os.getpid()}"[:64],
        retention_seconds=settings.outbox_retention_days * DAY_SECONDS,
        failpoint=failpoint(settings.failpoint),
    )
    return relay, stream


class RelayedAnnouncer:
    """Announces a version and has the event of its change relayed at once."""

    def __init__(self, beacon: VersionBeacon, relay: EventRelay) -> None:
        """Tell both."""
        self._beacon = beacon
        self._relay = relay

    async def announce(self, tenant: str, version: str) -> None:
        """Announce a version, right after its commit."""
        self._relay.wake()
        await self._beacon.announce(tenant, version)


class OutboxDesk:
    """What the operator sees of the outbox and does to it."""

    def __init__(self, engine: Engine) -> None:
        """Work on the database of `engine`."""
        self._store: Transactor[OutboxRows] = Transactor(engine, None, OutboxRows)

    def status(self) -> str:
        """Say how far the relay is behind."""
        backlog = self._store.read_sync(lambda outbox: outbox.backlog())
        return (
            f"{backlog.pending_count} events wait, the oldest for {backlog.oldest_seconds:.0f} s;"
            f" {backlog.dead_count} dead letters\n"
        )

    def dead(self) -> str:
        """Give the first thousand dead letters, one JSON object a line."""
        letters = self._store.read_sync(lambda outbox: outbox.dead(MOST_SHOWN))
        return b"".join(orjson.dumps(each, option=orjson.OPT_APPEND_NEWLINE) for each in letters).decode()

    def requeue(self, event_ids: Sequence[str]) -> str:
        """Let dead letters wait again, all of them on none."""
        count = self._store.transact_sync(lambda outbox: outbox.requeue(event_ids))
        return f"{count} dead letters wait again\n"
