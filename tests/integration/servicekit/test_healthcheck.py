"""The command by which a container asks its server whether it serves."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from shelfcast_servicekit.auth import ChainVerifier, TokenVerifier
from shelfcast_servicekit.healthcheck import is_serving
from shelfcast_servicekit.server import start_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from shelfcast_servicekit.server import RunningServer


@pytest_asyncio.fixture
async def server() -> AsyncIterator[RunningServer]:
    running = await start_server([], ChainVerifier(TokenVerifier(b"k" * 32, "data")))
    yield running
    await running.drain(0)


async def command(*arguments: str) -> int:
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "shelfcast_servicekit.healthcheck", *arguments
    )
    return await asyncio.wait_for(child.wait(), 30)


async def test_the_command_tells_a_server_from_none(server: RunningServer) -> None:
    assert await command(server.target) == 0
    assert await command("127.0.0.1:1", "--timeout", "0.5") == 1


async def test_a_draining_server_does_not_serve(server: RunningServer) -> None:
    assert await asyncio.to_thread(is_serving, server.target)

    await server.set_serving(is_serving=False)

    assert not await asyncio.to_thread(is_serving, server.target)


@pytest.mark.parametrize(
    ("path", "status", "serves"),
    [("/readyz", 200, True), ("/readyz", 503, False), ("/elsewhere", 200, False)],
)
async def test_an_http_server_must_answer_200_on_the_path(path: str, status: int, serves: bool) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = (await reader.readline()).decode()
        code = status if line.startswith("GET /readyz ") else 404
        writer.write(f"HTTP/1.1 {code} Word\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    listener = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]

    found = await asyncio.to_thread(is_serving, f"http://127.0.0.1:{port}{path}")

    assert found is serves
    listener.close()
    await listener.wait_closed()


async def test_an_http_server_that_is_gone_does_not_serve() -> None:
    assert not await asyncio.to_thread(is_serving, "http://127.0.0.1:1/readyz")
