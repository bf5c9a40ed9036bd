"""The server of a service: start, health, background work, drain."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1._async import HealthServicer
from grpc_reflection.v1alpha import reflection
from prometheus_client import Histogram, start_http_server

from shelfcast_servicekit.channel import MAX_MESSAGE_BYTES
from shelfcast_servicekit.interceptors.access import AccessStage
from shelfcast_servicekit.interceptors.auth import AuthStage
from shelfcast_servicekit.interceptors.deadline import DeadlineStage
from shelfcast_servicekit.interceptors.errors import ErrorStage
from shelfcast_servicekit.interceptors.hall import Hall
from shelfcast_servicekit.interceptors.telemetry import TelemetryStage
from shelfcast_servicekit.interceptors.validation import ValidationStage
from shelfcast_servicekit.permissions import rules_of
from shelfcast_servicekit.telemetry import Telemetry, setup_telemetry

if TYPE_CHECKING:
    from shelfcast_servicekit.auth import CredentialVerifier
    from shelfcast_servicekit.settings import ServiceSettings

S = TypeVar("S")

GRACE_SECONDS: Final = 10.0
MAX_CONCURRENT_STREAMS: Final = 1024
LAG_EVERY_SECONDS: Final = 0.25
CANCEL_AGAIN_SECONDS: Final = 0.5

_LAG: Final = Histogram(
    "event_loop_lag_seconds",
    "How late the event loop ran a timer.",
    buckets=(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0),
)
_LOG: Final = logging.getLogger("shelfcast.server")

AddToServer = Callable[[object, grpc.aio.Server], None]
Hook = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Registration:
    """One RPC service to serve."""

    add_to_server: Callable[..., None]
    """Generated `add_XServicer_to_server`."""
    servicer: object
    """Object with the RPC methods."""
    full_name: str
    """Full name, for instance `shelfcast.jobs.v1.JobService`."""


class RunningServer:
    """A started server: its port, its health, and its orderly end."""

    def __init__(self, server: grpc.aio.Server, port: int, health: HealthServicer) -> None:
        """Take over a server that is already started."""
        self._server = server
        self.port = port
        self._health = health

    @property
    def target(self) -> str:
        """Address for a channel."""
        return f"127.0.0.1:{self.port}"

    async def set_serving(self, *, is_serving: bool, service: str = "") -> None:
        """Say in gRPC health whether a service (empty: the whole server) can do its work."""
        status = health_pb2.HealthCheckResponse.SERVING
        if not is_serving:
            status = health_pb2.HealthCheckResponse.NOT_SERVING
        await self._health.set(service, status)

    async def drain(self, grace_seconds: float = GRACE_SECONDS) -> None:
        """Turn new calls away, let running ones finish within the grace, and stop."""
        await self._health.enter_graceful_shutdown()
        await self._server.stop(grace_seconds)


async def start_server(
    registrations: Sequence[Registration],
    verifier: CredentialVerifier,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    share_port: bool = False,
) -> RunningServer:
    """Start a gRPC server with all interceptors, health v1 and reflection.

    share_port: whether other processes may listen on the port too, if they say so as well.
    Raises: MethodUndeclared for an RPC without `access` or `call`; RuntimeError when the port is taken.
    """
    names = [registration.full_name for registration in registrations]
    options = (("grpc.so_reuseport", int(share_port)), *_OPTIONS)
    server = grpc.aio.server(interceptors=[_hall(names, verifier)], options=options)
    for registration in registrations:
        registration.add_to_server(registration.servicer, server)
    health = HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(health, server)
    reflection.enable_server_reflection((*names, "grpc.health.v1.Health", reflection.SERVICE_NAME), server)
    bound = server.add_insecure_port(f"{host}:{port}")
    await server.start()
    for name in ("", *names):
        await health.set(name, health_pb2.HealthCheckResponse.SERVING)
    return RunningServer(server, bound, health)


_OPTIONS: Final = (
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_concurrent_streams", MAX_CONCURRENT_STREAMS),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
)


def _hall(names: Sequence[str], verifier: CredentialVerifier) -> Hall:
    stages = (
        TelemetryStage(),
        AccessStage(),
        ErrorStage(),
        AuthStage(verifier),
        DeadlineStage(),
        ValidationStage(),
    )
    return Hall(rules_of(names), stages)


async def serve(  # noqa: PLR0913 - a service's whole life in one call, by keyword
    settings: ServiceSettings,
    registrations: Sequence[Registration],
    verifier: CredentialVerifier,
    *,
    on_start: Hook | None = None,
    on_stop: Hook | None = None,
    background: Sequence[Hook] = (),
    telemetry: Telemetry | None = None,
    share_port: bool = False,
) -> None:
    """Serve until SIGTERM or SIGINT, then drain: the whole life of a gRPC service.

    on_start: awaited before the port is bound (warm-up). on_stop: awaited after the last call.
    background: endless coroutines (beacons, sweepers), cancelled before `on_stop`.
    telemetry: what `setup_telemetry` gave, when the service called it itself.
    share_port: as in `start_server`.
    """
    telemetry = telemetry or setup_telemetry(settings.service_name, settings)
    stopping = _stop_signal()
    try:
        if on_start is not None:
            await on_start()
        if settings.metrics_port:
            start_http_server(settings.metrics_port, addr="127.0.0.1")
        server = await start_server(
            registrations,
            verifier,
            host=settings.bind_host,
            port=settings.port,
            share_port=share_port,
        )
        gc.collect()
        gc.freeze()
        _LOG.info("%s serves on %s:%s", settings.service_name, settings.bind_host, server.port)
        async with _running([measure_loop_lag, *background]):
            await stopping.wait()
            await server.drain()
    finally:
        if on_stop is not None:
            await on_stop()
        telemetry.shutdown()


def _stop_signal() -> asyncio.Event:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    return stopping


@contextlib.asynccontextmanager
async def _running(background: Sequence[Hook]) -> AsyncIterator[None]:
    """Keep background coroutines going within the block; one that fails is logged and begun again."""
    async with asyncio.TaskGroup() as group:
        tasks = {group.create_task(_for_ever(work)) for work in background}
        try:
            yield
        finally:
            await end(tasks)


async def end(tasks: set[asyncio.Task[None]]) -> None:
    """Cancel tasks until they have ended: a client may take a cancellation for a lost connection.

    Their clean-up is cut off too if it takes longer than `CANCEL_AGAIN_SECONDS`.
    """
    while tasks:
        for task in tasks:
            task.cancel()
        _, tasks = await asyncio.wait(tasks, timeout=CANCEL_AGAIN_SECONDS)


async def _for_ever(work: Hook) -> None:
    pause = 1.0
    while True:
        try:
            await work()
        except Exception:  # noqa: BLE001 - the outermost frame of background work
            _LOG.exception("background work failed; it begins again in %.0f s", pause)
        else:
            return
        await asyncio.sleep(pause)
        pause = min(pause * 2, 30.0)


async def measure_loop_lag() -> None:
    """Measure for ever how late the event loop runs a timer."""
    while True:
        due = time.perf_counter() + LAG_EVERY_SECONDS
        await asyncio.sleep(LAG_EVERY_SECONDS)
        _LAG.observe(max(0.0, time.perf_counter() - due))
