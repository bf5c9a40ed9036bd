"""Real stores, servers and exporters for the tests of servicekit."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import grpc
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from shelfcast.jobs.v1 import job_service_pb2_grpc
from shelfcast_servicekit.auth import ChainVerifier, TokenMinter, TokenVerifier
from shelfcast_servicekit.channel import open_channel
from shelfcast_servicekit.engine import create_service_engine
from shelfcast_servicekit.executor import BlockingExecutor
from shelfcast_servicekit.server import Registration, RunningServer, start_server
from shelfcast_testing.mysql import mysql_database_url
from shelfcast_testing.redis_process import RedisProcess
from sqlalchemy import Engine

TOKEN_KEY = b"a key for tests that is long enough"


@pytest.fixture(params=["sqlite", pytest.param("mysql", marks=pytest.mark.mysql)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/test.sqlite"
        return
    with mysql_database_url("servicekit") as url:
        yield url


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = create_service_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def executor() -> Iterator[BlockingExecutor]:
    executor = BlockingExecutor("test-db", threads=8)
    yield executor
    executor.close()


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RedisProcess]:
    process = RedisProcess(tmp_path)
    process.start()
    yield process
    process.kill()


@pytest.fixture(scope="session")
def _exporter() -> InMemorySpanExporter:
    exporter = InMemorySpanExporter()
    provider = trace.get_tracer_provider()
    if not isinstance(provider, TracerProvider):
        provider = TracerProvider(shutdown_on_exit=False)
        trace.set_tracer_provider(provider)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return exporter


@pytest.fixture
def spans(_exporter: InMemorySpanExporter) -> InMemorySpanExporter:
    _exporter.clear()
    return _exporter


@pytest.fixture
def minter() -> TokenMinter:
    return TokenMinter(TOKEN_KEY)


@pytest.fixture
async def serve_jobs() -> AsyncIterator[Callable[..., object]]:
    """Start a server around a JobService servicer; stopped after the test."""
    running: list[RunningServer] = []

    async def start(servicer: job_service_pb2_grpc.JobServiceServicer) -> RunningServer:
        registration = Registration(
            job_service_pb2_grpc.add_JobServiceServicer_to_server, servicer, "shelfcast.jobs.v1.JobService"
        )
        verifier = ChainVerifier(TokenVerifier(TOKEN_KEY, "model"))
        server = await start_server([registration], verifier)
        running.append(server)
        return server

    yield start
    for server in running:
        await server.drain(0)


@pytest.fixture
async def connect(minter: TokenMinter) -> AsyncIterator[Callable[..., grpc.aio.Channel]]:
    """Open channels to the audience `model`; closed after the test."""
    channels: list[grpc.aio.Channel] = []

    def open_to(target: str) -> grpc.aio.Channel:
        channel = open_channel(target, "model", minter)
        channels.append(channel)
        return channel

    yield open_to
    for channel in channels:
        await channel.close()


@pytest.fixture
def tenant() -> str:
    return f"tenant-{secrets.token_hex(4)}"
