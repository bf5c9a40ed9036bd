"""The choice of the monitoring service's parts, and their life."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from shelfcast.identity.v1 import api_key_service_pb2  # noqa: F401 - its rules, for the channel's retries
from shelfcast.monitoring.v1 import (
    health_board_service_pb2_grpc,
    log_service_pb2_grpc,
    trace_service_pb2_grpc,
)
from shelfcast_servicekit.auth import ChainVerifier, TokenMinter, TokenVerifier
from shelfcast_servicekit.channel import open_channel
from shelfcast_servicekit.engine import create_service_engine
from shelfcast_servicekit.executor import BlockingExecutor
from shelfcast_servicekit.paging import PageTokens
from shelfcast_servicekit.remote_api_key import RemoteApiKeyVerifier
from shelfcast_servicekit.server import Registration, serve
from shelfcast_servicekit.telemetry import setup_telemetry

from shelfcast_monitoring.adapters.probes import GatewayProbe, GrpcProbe, RedisProbe
from shelfcast_monitoring.adapters.prometheus_meter import PrometheusMeter
from shelfcast_monitoring.adapters.sql.telemetry_store import POOL_SIZE, SqlTelemetryStore
from shelfcast_monitoring.application.prune_telemetry import PruneTelemetry, Retention
from shelfcast_monitoring.application.read_telemetry import ListLogs, ListTraces, ReadTrace
from shelfcast_monitoring.application.take_in_telemetry import Intake, QueueLimits
from shelfcast_monitoring.application.watch_health import WatchHealth
from shelfcast_monitoring.entrypoints.grpc.servicer import HealthBoardServicer, LogServicer, TraceServicer
from shelfcast_monitoring.entrypoints.otlp.receiver import OtlpReceiver, start_receiver
from shelfcast_monitoring.entrypoints.otlp.servicer import (
    OtlpLogsServicer,
    OtlpMetricsServicer,
    OtlpTraceServicer,
)
from shelfcast_monitoring.ports import IntakeMeter, Probe, Signal

if TYPE_CHECKING:
    from shelfcast_monitoring.domain.log_entry import LogEntry
    from shelfcast_monitoring.domain.span import Span
    from shelfcast_monitoring.settings import MonitoringSettings

SCRIPT_LOCATION: Final = "shelfcast_monitoring:migrations"
VERSION_TABLE: Final = "monitoring_alembic_version"
FLUSH_SECONDS: Final = 3.0
MEGABYTE: Final = 1024 * 1024
HOUR_SECONDS: Final = 3600.0

PACKAGE: Final = "shelfcast.monitoring.v1"


@dataclass(frozen=True, slots=True)
class Intakes:
    """The queues between senders and the store."""

    spans: Intake[Span]
    """Queue of spans."""
    logs: Intake[LogEntry]
    """Queue of log records."""
    meter: IntakeMeter
    """What counts them."""


def make_store(settings: MonitoringSettings) -> SqlTelemetryStore:
    """Give the store in the settings' database, whose tables must stand."""
    engine = create_service_engine(settings.database_url, pool_size=POOL_SIZE)
    return SqlTelemetryStore(engine, max_spans_per_trace=settings.max_spans_per_trace)


def make_intakes(settings: MonitoringSettings, store: SqlTelemetryStore, meter: IntakeMeter) -> Intakes:
    """Give the queues before the store."""
    limits = QueueLimits(settings.otlp_queue_items, settings.otlp_queue_mb * MEGABYTE)
    return Intakes(
        spans=Intake(Signal.SPANS, store.add_spans, meter, limits),
        logs=Intake(Signal.LOGS, store.add_logs, meter, limits),
        meter=meter,
    )


def make_pruner(settings: MonitoringSettings, store: SqlTelemetryStore) -> PruneTelemetry:
    """Give the use case that keeps the store small."""
    retention = Retention(
        trace_seconds=settings.trace_retention_hours * HOUR_SECONDS,
        log_seconds=settings.log_retention_hours * HOUR_SECONDS,
        trace_bytes=settings.trace_store_mb * MEGABYTE,
        log_bytes=settings.log_store_mb * MEGABYTE,
    )
    return PruneTelemetry(store, retention)


async def open_receiver(settings: MonitoringSettings, intakes: Intakes) -> OtlpReceiver:
    """Start the OTLP receiver. Raises: RuntimeError when its port is taken."""
    token = settings.otlp_token
    return await start_receiver(
        OtlpTraceServicer(intakes.spans, intakes.meter),
        OtlpLogsServicer(intakes.logs, intakes.meter),
        OtlpMetricsServicer(intakes.meter),
        address=(settings.otlp_host, settings.otlp_port),
        token="" if token is None else token.get_secret_value(),
    )


def registrations(
    store: SqlTelemetryStore, watch_health: WatchHealth, tokens: PageTokens
) -> list[Registration]:
    """Give the RPC services of monitoring."""
    traces = TraceServicer(ReadTrace(store), ListTraces(store), tokens)
    logs = LogServicer(ListLogs(store), tokens)
    board = HealthBoardServicer(watch_health)
    return [
        Registration(
            trace_service_pb2_grpc.add_TraceServiceServicer_to_server, traces, f"{PACKAGE}.TraceService"
        ),
        Registration(log_service_pb2_grpc.add_LogServiceServicer_to_server, logs, f"{PACKAGE}.LogService"),
        Registration(
            health_board_service_pb2_grpc.add_HealthBoardServiceServicer_to_server,
            board,
            f"{PACKAGE}.HealthBoardService",
        ),
    ]


class Probes:
    """The probes of all services, in the order of the board."""

    def __init__(self, settings: MonitoringSettings) -> None:
        """Open a way to every service; call it on the running event loop."""
        self._executor = BlockingExecutor("health-http", 1)
        redis = Redis.from_url(settings.redis_url, retry=Retry(NoBackoff(), 0), max_connections=1)
        self._grpc = [
            GrpcProbe("data", settings.data_target),
            GrpcProbe("model", settings.model_target),
            GrpcProbe("planning", settings.planning_target),
            GrpcProbe("monitoring", settings.monitoring_target),
        ]
        self._redis = RedisProbe("redis", redis)
        gateway = GatewayProbe("api-gateway", settings.gateway_url, self._executor)
        self.all: tuple[Probe, ...] = (gateway, *self._grpc, self._redis)

    async def close(self) -> None:
        """Close every way."""
        for probe in self._grpc:
            await probe.close()
        await self._redis.close()
        self._executor.close()


async def run(settings: MonitoringSettings) -> None:
    """Serve until SIGTERM or SIGINT; the tables must stand."""
    telemetry = setup_telemetry(settings.service_name, settings)
    key = settings.token_key()
    store = make_store(settings)
    intakes = make_intakes(settings, store, PrometheusMeter())
    receiver = await open_receiver(settings, intakes)
    probes = Probes(settings)
    watch_health = WatchHealth(probes.all, settings.health_timeout_seconds)
    channel = open_channel(settings.data_target, "data", TokenMinter(key))
    verifier = ChainVerifier(
        TokenVerifier(key, settings.service_name), RemoteApiKeyVerifier(channel, settings.service_name)
    )

    async def stop() -> None:
        await receiver.stop()
        await intakes.spans.flush(FLUSH_SECONDS)
        await intakes.logs.flush(FLUSH_SECONDS)
        await probes.close()
        await channel.close()
        store.close()

    await serve(
        settings,
        registrations(store, watch_health, PageTokens(key)),
        verifier,
        on_stop=stop,
        background=[
            intakes.spans.run,
            intakes.logs.run,
            partial(make_pruner(settings, store).run, settings.prune_seconds),
            partial(watch_health.run, settings.health_board_seconds),
        ],
        telemetry=telemetry,
    )
