"""What the data service tells of its changes: a new version is taken in before anybody asks for it."""

from __future__ import annotations

import asyncio
import os
import socket
from typing import TYPE_CHECKING, Final

from shelfcast.events.v1 import event_pb2
from shelfcast_servicekit.cache import redis_client
from shelfcast_servicekit.event_group import BLOCK_SECONDS, EventGroup, GroupOptions

if TYPE_CHECKING:
    from redis.asyncio import Redis
    from shelfcast_servicekit.event_stream import StreamEvent

    from shelfcast_model.adapters.data_service.history import DataServiceHistory

ROLE: Final = "model"
PACE_SECONDS: Final = 1.0
"""Pause after a version was taken in, so that steady sales do not keep a processor busy."""
REMEMBERED_SECONDS: Final = 60
"""What a repeat would do again is nothing: it need not be known for long."""
_PATIENCE_SECONDS: Final = BLOCK_SECONDS + 2.0


class ChangeListener:
    """Follows the event stream for the histories that this process holds."""

    def __init__(self, redis_url: str, history: DataServiceHistory) -> None:
        """Hurry `history` along; without events it finds out by itself when it is asked."""
        self._history = history
        self._client: Redis = redis_client(redis_url, timeout_seconds=_PATIENCE_SECONDS)
        name = f"{socket.gethostname()}:{os.getpid()}"
        options = GroupOptions(is_private=True, remembered_seconds=REMEMBERED_SECONDS)
        self._group = EventGroup(self._client, f"{ROLE}:{name}", name, self.hear, options)

    async def run(self) -> None:
        """Listen until cancelled."""
        await self._group.run()

    async def hear(self, event: StreamEvent) -> None:
        """Take in the version that an event tells of, unless it is there. Raises: ShelfcastError."""
        told = event_pb2.Event.FromString(event.body)
        if told.data_version and await self._history.follow(told.tenant, told.data_version):
            await asyncio.sleep(PACE_SECONDS)

    async def close(self) -> None:
        """Leave the stream."""
        await self._group.leave()
        await self._client.aclose()
