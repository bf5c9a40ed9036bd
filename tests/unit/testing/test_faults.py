from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from shelfcast_testing.faults import Fault, FaultProxy

PATIENCE_SECONDS = 0.15


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while line := await reader.readline():
        writer.write(line)
        await writer.drain()
    writer.close()


@pytest.fixture
async def proxy() -> AsyncIterator[FaultProxy]:
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with FaultProxy("127.0.0.1", port, delay_seconds=0.1, byte_limit=3) as running:
        yield running
    server.close()


class Caller:
    """Says one line and listens for one."""

    def __init__(self, proxy: FaultProxy) -> None:
        self._proxy = proxy
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def say(self, line: bytes) -> bytes:
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._proxy.host, self._proxy.port)
        reader, writer = self._streams
        writer.write(line)
        await writer.drain()
        return await asyncio.wait_for(reader.readline(), PATIENCE_SECONDS * 4)

    async def says_nothing(self, line: bytes) -> bool:
        try:
            return await self.say(line) == b""
        except ConnectionError:
            return True

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].transport.abort()


@pytest.fixture
async def caller(proxy: FaultProxy) -> AsyncIterator[Caller]:
    opened = Caller(proxy)
    yield opened
    opened.close()


async def test_bytes_pass_unchanged(proxy: FaultProxy, caller: Caller) -> None:
    assert await caller.say(b"two oat milk\n") == b"two oat milk\n"
    assert proxy.connection_count == 1


async def test_silence_holds_bytes_until_it_is_over(proxy: FaultProxy, caller: Caller) -> None:
    await caller.say(b"hello\n")
    proxy.behave(Fault.SILENT)
    waiting = asyncio.create_task(caller.say(b"still there?\n"))

    await asyncio.sleep(PATIENCE_SECONDS)
    assert not waiting.done()
    proxy.behave(Fault.NONE)

    assert await waiting == b"still there?\n"


async def test_refusal_resets_open_connections_and_closes_new_ones(proxy: FaultProxy, caller: Caller) -> None:
    await caller.say(b"hello\n")
    proxy.behave(Fault.REFUSED)

    late = Caller(proxy)

    assert await caller.says_nothing(b"hello?\n")
    assert await late.says_nothing(b"hello?\n")
    late.close()


async def test_slowness_delays_every_chunk(proxy: FaultProxy, caller: Caller) -> None:
    proxy.behave(Fault.SLOW)
    loop = asyncio.get_running_loop()
    begun = loop.time()

    assert await caller.say(b"hello\n") == b"hello\n"

    assert loop.time() - begun >= 0.2


async def test_a_cut_reply_ends_in_the_middle(proxy: FaultProxy, caller: Caller) -> None:
    proxy.behave(Fault.CUT)

    try:
        heard = await caller.say(b"hello\n")
    except ConnectionResetError:
        heard = b""

    assert b"hello\n".startswith(heard)
    assert len(heard) <= 3


async def test_the_proxy_has_no_port_before_its_start() -> None:
    with pytest.raises(RuntimeError):
        _ = FaultProxy("127.0.0.1", 1).port
