"""A monitoring service in this process: real receiver, real store, real gRPC server."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import grpc
import pytest
import pytest_asyncio
from prometheus_client import CollectorRegistry
from shelfcast.monitoring.v1 import health_board_service_pb2_grpc as board_rpc
from shelfcast.monitoring.v1 import log_service_pb2_grpc as log_rpc
from shelfcast.monitoring.v1 import trace_service_pb2_grpc as trace_rpc
from shelfcast_monitoring import bootstrap
from shelfcast_monitoring.adapters.prometheus_meter import PrometheusMeter
from shelfcast_monitoring.application.watch_health import WatchHealth
from shelfcast_monitoring.settings import MonitoringSettings
from shelfcast_servicekit.auth import Caller, ChainVerifier, TokenMinter, TokenVerifier
from shelfcast_servicekit.channel import open_channel
from shelfcast_servicekit.migrate import upgrade
from shelfcast_servicekit.paging import PageTokens
from shelfcast_servicekit.server import RunningServer, start_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from shelfcast_monitoring.adapters.sql.telemetry_store import SqlTelemetryStore
    from shelfcast_monitoring.entrypoints.otlp.receiver import OtlpReceiver

KEY = b"k" * 32
RIGHTS = frozenset({"traces.read", "logs.read", "health_board.read"})


@dataclass
class Service:
    """The running parts and a way to each."""

    server: RunningServer
    receiver: OtlpReceiver
    store: SqlTelemetryStore
    intakes: bootstrap.Intakes
    registry: CollectorRegistry
    watch: WatchHealth
    channel: grpc.aio.Channel

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.receiver.port}"

    @property
    def traces(self) -> trace_rpc.TraceServiceAsyncStub:
        return trace_rpc.TraceServiceStub(self.channel)

    @property
    def logs(self) -> log_rpc.LogServiceAsyncStub:
        return log_rpc.LogServiceStub(self.channel)

    @property
    def board(self) -> board_rpc.HealthBoardServiceAsyncStub:
        return board_rpc.HealthBoardServiceStub(self.channel)

    def counted(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(f"monitoring_telemetry_{name}", labels) or 0.0

    async def settled(self) -> None:
        """Wait until nothing waits for the store."""
        await until(lambda: self.intakes.spans.waiting == 0 and self.intakes.logs.waiting == 0)


async def until(holds: Callable[[], bool], timeout_seconds: float = 10.0) -> None:
    async with asyncio.timeout(timeout_seconds):
        while not holds():
            await asyncio.sleep(0.01)


def caller(tenant: str = "corner-shop") -> Caller:
    return Caller(tenant, "api-key:operator", RIGHTS)


@pytest.fixture
def settings(tmp_path: Path) -> MonitoringSettings:
    return MonitoringSettings(data_dir=tmp_path, port=0, otlp_port=0, health_timeout_seconds=0.5)


@pytest_asyncio.fixture
async def service(settings: MonitoringSettings) -> AsyncIterator[Service]:
    upgrade(settings.database_url, bootstrap.SCRIPT_LOCATION, bootstrap.VERSION_TABLE)
    registry = CollectorRegistry()
    store = bootstrap.make_store(settings)
    intakes = bootstrap.make_intakes(settings, store, PrometheusMeter(registry))
    receiver = await bootstrap.open_receiver(settings, intakes)
    watch = WatchHealth((), 0.5)
    rpcs = bootstrap.registrations(store, watch, PageTokens(KEY))
    server = await start_server(rpcs, ChainVerifier(TokenVerifier(KEY, "monitoring")))
    channel = open_channel(server.target, "monitoring", TokenMinter(KEY))
    writers = [asyncio.create_task(intakes.spans.run()), asyncio.create_task(intakes.logs.run())]
    yield Service(server, receiver, store, intakes, registry, watch, channel)
    await receiver.stop()
    for writer in writers:
        writer.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await writer
    await channel.close()
    await server.drain(0)
    store.close()
