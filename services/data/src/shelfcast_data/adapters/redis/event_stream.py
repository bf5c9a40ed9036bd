"""Events of the outbox as messages in the stream."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
from google.protobuf.json_format import ParseDict, ParseError
from redis.exceptions import RedisError
from shelfcast.events.v1 import event_pb2
from shelfcast_servicekit.errors import UpstreamUnavailable
from shelfcast_servicekit.event_stream import StreamEvent, append_events

from shelfcast_data.ports.outbox import EventUnreadable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redis.asyncio import Redis

    from shelfcast_data.domain.event import StoredEvent


class RedisEventStream:
    """Appends events to the stream that all services listen to."""

    def __init__(self, client: Redis, most_kept: int) -> None:
        """most_kept: events that the stream keeps, about."""
        self._client = client
        self._most_kept = most_kept

    def packed(self, event: StoredEvent) -> bytes:
        """Give the message of an event. Raises: EventUnreadable."""
        message = event_pb2.Event(
            event_id=event.event_id,
            tenant=event.tenant,
            data_version=event.data_version,
            traceparent=event.traceparent,
        )
        message.occurred_at.FromDatetime(event.occurred_at)
        try:
            ParseDict({event.name: orjson.loads(event.facts)}, message)
        except (ParseError, orjson.JSONDecodeError) as error:
            raise EventUnreadable(f"{event.name}: {error}") from error
        return message.SerializeToString()

    async def publish(self, events: Sequence[tuple[StoredEvent, bytes]]) -> None:
        """Put events into the stream, all or none, in their order. Raises: UpstreamUnavailable."""
        entries = [StreamEvent(event.event_id, event.tenant, event.name, body) for event, body in events]
        try:
            await append_events(self._client, entries, self._most_kept)
        except (RedisError, OSError, TimeoutError) as error:
            raise UpstreamUnavailable(service="redis") from error

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()
