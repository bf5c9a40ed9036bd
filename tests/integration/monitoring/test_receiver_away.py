"""F41: the receiver dies, freezes and comes back; those who send feel nothing of it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import grpc
import pytest_asyncio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from opentelemetry.sdk.trace import TracerProvider
from prometheus_client import REGISTRY
from shelfcast_monitoring.adapters.sql.telemetry_store import POOL_SIZE, SqlTelemetryStore
from shelfcast_monitoring.ports import TraceFilter
from shelfcast_servicekit.engine import create_service_engine
from shelfcast_servicekit.telemetry import QueuedSpans, _span_queue
from shelfcast_testing.redis_process import free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from opentelemetry.trace import Tracer


@dataclass
class Monitoring:
    """The service as a process of its own, which the test may kill."""

    folder: Path
    port: int
    otlp_port: int
    process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        environment = os.environ | {  # noqa: TID251 - the child's environment
            "SHELFCAST_DATA_DIR": str(self.folder),
            "SHELFCAST_PORT": str(self.port),
            "SHELFCAST_OTLP_PORT": str(self.otlp_port),
            "OTEL_EXPORTER_OTLP_ENDPOINT": "none",
        }
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "shelfcast_monitoring", env=environment, stderr=asyncio.subprocess.DEVNULL
        )
        async with grpc.aio.insecure_channel(f"127.0.0.1:{self.port}") as channel:
            request = health_pb2.HealthCheckRequest()
            await health_pb2_grpc.HealthStub(channel).Check(request, timeout=40, wait_for_ready=True)

    def send_signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    async def ended(self) -> int:
        assert self.process is not None
        return await asyncio.wait_for(self.process.wait(), 20)


@pytest_asyncio.fixture
async def monitoring(tmp_path: Path) -> AsyncIterator[Monitoring]:
    service = Monitoring(tmp_path, free_port(), free_port())
    await service.start()
    yield service
    if service.process is not None and service.process.returncode is None:
        service.process.kill()
        await service.process.wait()


def make_spans(tracer: Tracer, count: int) -> None:
    for _ in range(count):
        with tracer.start_as_current_span("step", attributes={"shelfcast.tenant": "corner-shop"}):
            pass


def not_sent() -> float:
    name = "telemetry_dropped_total"
    reasons = ("receiver_away", "queue_full")
    return sum(REGISTRY.get_sample_value(name, {"signal": "spans", "why": why}) or 0 for why in reasons)


async def stored_traces(folder: Path) -> int:
    engine = create_service_engine(f"sqlite:///{folder}/monitoring.sqlite", pool_size=POOL_SIZE, traced=False)
    store = SqlTelemetryStore(engine)
    found = await store.traces(TraceFilter(), None, 100_000)
    store.close()
    return len(found)


async def test_no_sender_waits_for_a_frozen_or_dead_receiver(monitoring: Monitoring) -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    queue = _span_queue(f"http://127.0.0.1:{monitoring.otlp_port}")
    provider.add_span_processor(QueuedSpans(queue))
    tracer = provider.get_tracer("test")
    await asyncio.to_thread(make_spans, tracer, 200)

    monitoring.send_signal(signal.SIGSTOP)
    before = not_sent()
    await asyncio.to_thread(make_spans, tracer, 10_000)
    assert not_sent() > before  # more than the queue holds: dropped at once, where a wait would never end
    monitoring.send_signal(signal.SIGKILL)
    await monitoring.ended()
    before = not_sent()
    await asyncio.to_thread(make_spans, tracer, 10_000)

    await until(lambda: not_sent() > before)

    known = await stored_traces(monitoring.folder)
    await monitoring.start()
    async with asyncio.timeout(60):
        while await stored_traces(monitoring.folder) <= known:
            await asyncio.to_thread(make_spans, tracer, 10)
            await asyncio.sleep(0.5)
    await asyncio.to_thread(queue.close, 5)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not holds():
            await asyncio.sleep(0.1)


async def test_sigterm_stores_what_was_received_and_ends_in_order(monitoring: Monitoring) -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    queue = _span_queue(f"http://127.0.0.1:{monitoring.otlp_port}")
    provider.add_span_processor(QueuedSpans(queue))
    tracer = provider.get_tracer("test")
    for _ in range(100):
        with tracer.start_as_current_span("last words"):
            pass
    await asyncio.to_thread(queue.close, 5)

    monitoring.send_signal(signal.SIGTERM)

    assert await monitoring.ended() == 0
    assert await stored_traces(monitoring.folder) == 100
