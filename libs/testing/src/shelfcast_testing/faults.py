"""A TCP proxy between a caller and a server that can be told to fail.

    async with FaultProxy("127.0.0.1", 6379) as proxy:
        caller = connect(proxy.host, proxy.port)
        proxy.behave(Fault.SILENT)

A fault holds for open connections and for new ones, until another is set.
"""

from __future__ import annotations

import asyncio
import enum
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

CHUNK_BYTES: Final = 65536


class Fault(enum.Enum):
    """How the proxy treats what passes through it."""

    NONE = "none"
    """Everything passes."""
    SILENT = "silent"
    """Connections stand and nothing passes: a partition, or a server that hangs."""
    REFUSED = "refused"
    """Open connections are reset and new ones are closed at once: the server is gone."""
    SLOW = "slow"
    """Everything passes after the delay."""
    CUT = "cut"
    """A connection is reset after the byte limit of replies: a server that dies in mid-reply."""


class FaultProxy:
    """Passes bytes between callers and one server, as well or badly as it is told."""

    def __init__(
        self, target_host: str, target_port: int, *, delay_seconds: float = 0.2, byte_limit: int = 10
    ) -> None:
        """Listen nowhere yet. delay_seconds: of SLOW. byte_limit: of CUT, bytes of reply a connection."""
        self._target = (target_host, target_port)
        self._delay_seconds = delay_seconds
        self._byte_limit = byte_limit
        self._fault = Fault.NONE
        self._changed = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.connection_count = 0
        """Connections that callers have opened so far."""

    @property
    def host(self) -> str:
        """Address to connect to."""
        return "127.0.0.1"

    @property
    def port(self) -> int:
        """Port to connect to. Raises: RuntimeError before the start."""
        if self._server is None:
            raise RuntimeError("the proxy is not started")
        return int(self._server.sockets[0].getsockname()[1])

    def behave(self, fault: Fault) -> None:
        """Treat all connections so from now on."""
        self._fault = fault
        self._changed.set()
        self._changed = asyncio.Event()
        if fault is Fault.REFUSED:
            self._reset_all()

    async def __aenter__(self) -> Self:
        """Listen on a free port."""
        self._server = await asyncio.start_server(self._serve, self.host, 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Reset every connection and listen no more."""
        if self._server is not None:
            self._server.close()
        self._reset_all()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        self.connection_count += 1
        self._writers.add(writer)
        try:
            await self._connect(reader, writer)
        finally:
            self._reset(writer)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._fault is Fault.REFUSED:
            return
        try:
            server_reader, server_writer = await asyncio.open_connection(*self._target)
        except OSError:
            return
        self._writers.add(server_writer)
        try:
            await self._exchange((reader, server_writer), (server_reader, writer))
        finally:
            self._reset(server_writer)

    async def _exchange(
        self,
        request: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        reply: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        """Pass bytes both ways until either side ends."""
        ways = {
            asyncio.create_task(self._pass_on(*request, limited=False)),
            asyncio.create_task(self._pass_on(*reply, limited=True)),
        }
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, limited: bool
    ) -> None:
        passed = 0
        with suppress(ConnectionError):
            while chunk := await reader.read(CHUNK_BYTES):
                await self._hold_back()
                if limited and self._fault is Fault.CUT:
                    writer.write(chunk[: max(self._byte_limit - passed, 0)])
                    await writer.drain()
                    if passed + len(chunk) > self._byte_limit:
                        return
                else:
                    writer.write(chunk)
                    await writer.drain()
                passed += len(chunk)

    async def _hold_back(self) -> None:
        """Wait as the fault demands before bytes pass."""
        while self._fault is Fault.SILENT:
            await self._changed.wait()
        if self._fault is Fault.SLOW:
            await asyncio.sleep(self._delay_seconds)

    def _reset_all(self) -> None:
        for writer in list(self._writers):
            self._reset(writer)

    def _reset(self, writer: asyncio.StreamWriter) -> None:
        self._writers.discard(writer)
        writer.transport.abort()
