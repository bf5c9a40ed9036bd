"""Lua scripts in Redis; all who ask in the same turn of the event loop share one round trip.

redis-py costs some 0.2 ms of CPU for a command of its own and a quarter of that in a pipeline (measured
by `benchmarks/serving.py`, 2 cores): with 32 clients this decides how many requests a gateway serves.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from importlib import resources
from typing import Final, TypeAlias

from redis.asyncio import Redis
from redis.exceptions import NoScriptError, RedisError

MOST_AT_ONCE: Final = 128

Argument: TypeAlias = str | bytes | int | float
Waiter: TypeAlias = tuple[Sequence[Argument], asyncio.Future[object]]


class Script:
    """A script, sent once and called by its digest, many calls in a round trip."""

    def __init__(self, client: Redis, file_name: str, key_count: int) -> None:
        """Read the script from this package; the first `key_count` arguments are keys."""
        self._client = client
        self._text = resources.files(__package__).joinpath(file_name).read_text(encoding="utf-8")
        self._digest = hashlib.sha1(self._text.encode(), usedforsecurity=False).hexdigest()
        self._key_count = key_count
        self._waiting: list[Waiter] = []
        self._work: asyncio.Task[None] | None = None

    async def __call__(self, *arguments: Argument) -> object:
        """Run the script. Raises: RedisError, OSError, TimeoutError.

        A caller that is cancelled leaves its place in the batch; its reply is read and dropped, so nobody
        can get the reply of another.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[object] = loop.create_future()
        self._waiting.append((arguments, future))
        if self._work is None:
            self._work = loop.create_task(self._drain())
        return await future

    async def _drain(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:MOST_AT_ONCE], self._waiting[MOST_AT_ONCE:]
                await self._run(batch)
        finally:
            self._work = None

    async def _run(self, batch: Sequence[Waiter]) -> None:
        try:
            replies = await self._send(batch, "EVALSHA", self._digest)
            if any(isinstance(reply, NoScriptError) for reply in replies):  # the server was restarted
                replies = await self._send(batch, "EVAL", self._text)
        except (RedisError, OSError, TimeoutError) as error:
            replies = [error] * len(batch)
        for (_, future), reply in zip(batch, replies, strict=True):
            if future.done():
                continue
            if isinstance(reply, Exception):
                future.set_exception(reply)
            else:
                future.set_result(reply)

    async def _send(self, batch: Sequence[Waiter], verb: str, script: str) -> Sequence[object]:
        async with self._client.pipeline(transaction=False) as pipe:
            for arguments, _ in batch:
                pipe.execute_command(verb, script, self._key_count, *arguments)
            replies: list[object] = await pipe.execute(raise_on_error=False)
        return replies
