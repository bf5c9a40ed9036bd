"""The health board against real servers: serving, draining, silent, gone."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from shelfcast_monitoring.adapters.probes import GatewayProbe, GrpcProbe, RedisProbe
from shelfcast_monitoring.application.watch_health import WatchHealth
from shelfcast_monitoring.bootstrap import Probes
from shelfcast_monitoring.domain.health import Finding, Health
from shelfcast_servicekit.auth import ChainVerifier, TokenVerifier
from shelfcast_servicekit.executor import BlockingExecutor
from shelfcast_servicekit.server import start_server
from shelfcast_testing.redis_process import RedisProcess

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from shelfcast_monitoring.settings import MonitoringSettings
    from shelfcast_servicekit.server import RunningServer


class FakePeer:
    """A TCP server that answers requests with what the test says."""

    def __init__(self, answers: dict[bytes, bytes]) -> None:
        self.answers = answers
        self.port = 0
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.read(4096)
        for start, answer in self.answers.items():
            if request.startswith(start):
                writer.write(answer)
                await writer.drain()
        writer.close()


def http(status: int) -> bytes:
    return f"HTTP/1.1 {status} Word\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()


@pytest.fixture
def executor() -> Iterator[BlockingExecutor]:
    made = BlockingExecutor("test-http", 1)
    yield made
    made.close()


@pytest_asyncio.fixture
async def server() -> AsyncIterator[RunningServer]:
    running = await start_server([], ChainVerifier(TokenVerifier(b"k" * 32, "data")))
    yield running
    await running.drain(0)


async def test_a_service_that_serves_is_serving(server: RunningServer) -> None:
    probe = GrpcProbe("data", server.target)

    assert await probe.look(2.0) == Finding(Health.SERVING)
    await probe.close()


async def test_a_service_that_drains_is_not_serving(server: RunningServer) -> None:
    probe = GrpcProbe("data", server.target)
    await server.set_serving(is_serving=False)

    assert await probe.look(2.0) == Finding(Health.NOT_SERVING, "it starts or drains")
    await probe.close()


async def test_a_service_that_is_gone_is_unreachable() -> None:
    probe = GrpcProbe("data", "127.0.0.1:1")

    assert await probe.look(2.0) == Finding(Health.UNREACHABLE, "gRPC UNAVAILABLE")
    await probe.close()


@pytest.mark.parametrize(
    ("live", "ready", "expected"),
    [
        (200, 200, Finding(Health.SERVING)),
        (200, 503, Finding(Health.NOT_SERVING, "/livez 200, /readyz 503")),
        (500, 200, Finding(Health.NOT_SERVING, "/livez 500, /readyz 200")),
    ],
)
async def test_the_gateway_is_asked_whether_it_lives_and_is_ready(
    executor: BlockingExecutor, live: int, ready: int, expected: Finding
) -> None:
    peer = FakePeer({b"GET /livez ": http(live), b"GET /readyz ": http(ready)})
    await peer.start()

    finding = await GatewayProbe("api-gateway", f"http://127.0.0.1:{peer.port}", executor).look(2.0)

    assert finding == expected
    await peer.stop()


async def test_a_gateway_that_is_gone_or_talks_nonsense_is_unreachable(executor: BlockingExecutor) -> None:
    peer = FakePeer({b"GET": b"SSH-2.0-hello\r\n"})
    await peer.start()

    nonsense = await GatewayProbe("api-gateway", f"http://127.0.0.1:{peer.port}", executor).look(2.0)
    gone = await GatewayProbe("api-gateway", "http://127.0.0.1:1", executor).look(2.0)

    assert nonsense == Finding(Health.UNREACHABLE, "HTTP: BadStatusLine")
    assert gone == Finding(Health.UNREACHABLE, "HTTP: ConnectionRefusedError")
    await peer.stop()


def redis_probe(url: str) -> RedisProbe:
    return RedisProbe("redis", Redis.from_url(url, retry=Retry(NoBackoff(), 0)))


@pytest.mark.redis
async def test_redis_is_seen_serving_frozen_and_gone(tmp_path: Path) -> None:
    process = RedisProcess(tmp_path)
    await asyncio.to_thread(process.start)
    probe = redis_probe(process.url)
    watch = WatchHealth([probe], 0.5)

    serving = (await watch.look()).entries[0].finding
    process.freeze()
    frozen = (await watch.look()).entries[0].finding
    process.thaw()
    process.kill()
    gone = (await watch.look()).entries[0].finding

    assert (serving.health, serving.detail) == (Health.SERVING, "")
    assert frozen == Finding(Health.UNREACHABLE, "no answer within 0.5 s")
    assert gone == Finding(Health.UNREACHABLE, "Redis: ConnectionError")
    await probe.close()


async def test_the_board_names_every_service_in_order(settings: MonitoringSettings) -> None:
    probes = Probes(settings)
    watch = WatchHealth(probes.all, 2.0)

    board = await watch.look()

    names = [entry.service for entry in board.entries]
    assert names == ["api-gateway", "data", "model", "planning", "monitoring", "redis"]
    assert all(entry.checked_at == entry.since for entry in board.entries)
    await probes.close()
