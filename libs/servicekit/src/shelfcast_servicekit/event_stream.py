"""The stream in Redis that carries events from the service that tells them to all that listen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from redis.asyncio import Redis

STREAM: Final = "shelfcast:events"


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """An event on its way; what is in it is between the services."""

    event_id: str
    """Id of the event; a repeat has the same one."""
    tenant: str
    name: str
    """What happened, for instance `sales_changed`."""
    body: bytes
    """The message."""

    def fields(self) -> dict[str, str | bytes]:
        """Give the fields of the entry in the stream."""
        return {"id": self.event_id, "tenant": self.tenant, "name": self.name, "event": self.body}


def event_of(fields: Mapping[bytes, bytes]) -> StreamEvent:
    """Give the event of an entry. Raises: KeyError, UnicodeDecodeError for an entry that holds none."""
    event_id, tenant, name = (fields[key].decode() for key in (b"id", b"tenant", b"name"))
    return StreamEvent(event_id, tenant, name, fields[b"event"])


async def append_events(client: Redis, events: Sequence[StreamEvent], most_kept: int) -> None:
    """Append events, all or none, in their order; the stream keeps about `most_kept`.

    Raises: RedisError, OSError, TimeoutError; then it is not known whether they are in the stream.
    """
    async with client.pipeline(transaction=True) as pipe:
        for event in events:
            pipe.xadd(STREAM, event.fields(), maxlen=most_kept, approximate=True)  # type: ignore[arg-type]  # texts and bytes
        await pipe.execute()
