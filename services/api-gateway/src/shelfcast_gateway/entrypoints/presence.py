"""Notices that a client went away, and cancels the work that was for it."""

from __future__ import annotations

import asyncio
from types import TracebackType

from shelfcast_gateway.entrypoints.body import Receive


class Presence:
    """Within the block, the current task is cancelled when the client goes away."""

    def __init__(self, receive: Receive) -> None:
        """receive: the ASGI channel, whose body has been read."""
        self._receive = receive
        self._watcher: asyncio.Task[None] | None = None
        self.is_gone = False
        """Whether the client went away."""

    async def __aenter__(self) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._watcher = asyncio.get_running_loop().create_task(self._watch(task))

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._watcher is not None:
            self._watcher.cancel()

    async def _watch(self, task: asyncio.Task[object]) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.is_gone = True
        task.cancel()
