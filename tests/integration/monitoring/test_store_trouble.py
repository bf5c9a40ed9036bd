"""A store that is full, read-only or away: what the receiver does about it, and pruning on real tables."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from shelfcast_monitoring.adapters.sql.telemetry_store import POOL_SIZE, SqlTelemetryStore
from shelfcast_monitoring.application.prune_telemetry import PruneTelemetry, Retention
from shelfcast_monitoring.domain.log_entry import LogEntry
from shelfcast_monitoring.domain.span import Span, SpanKind, SpanStatus
from shelfcast_monitoring.errors import StoreRefused
from shelfcast_monitoring.ports import LogFilter, Signal, TraceFilter
from shelfcast_servicekit.engine import create_service_engine
from shelfcast_servicekit.errors import UpstreamUnavailable
from sqlalchemy import event

if TYPE_CHECKING:
    from sqlalchemy.engine.interfaces import DBAPIConnection

    from tests.integration.monitoring.conftest import Service

NOON = 1_790_000_000_000_000_000
MEGABYTE = 1024 * 1024


def span(number: int) -> Span:
    return Span(
        trace_id=f"{number:032x}",
        span_id=f"{number:016x}",
        parent_span_id="",
        service="shelfcast-data",
        name="step",
        kind=SpanKind.SERVER,
        status=SpanStatus.OK,
        status_message="",
        start_ns=NOON + number,
        end_ns=NOON + number + 1,
        tenant="corner-shop",
        attributes={"bulk": "x" * 2000},
        linked_trace_ids=(),
    )


def log(number: int) -> LogEntry:
    return LogEntry(NOON + number, "shelfcast-data", 9, "x" * 2000, "", "", "", {})


async def test_a_store_that_cannot_write_refuses_for_good(service: Service) -> None:
    engine = create_service_engine(str(service.store._engine.url), pool_size=POOL_SIZE)

    @event.listens_for(engine, "connect")
    def _forbid(connection: DBAPIConnection, _: object) -> None:
        connection.execute("PRAGMA query_only = ON")  # as a full disk does

    store = SqlTelemetryStore(engine)

    with pytest.raises(StoreRefused):
        await store.add_spans(lambda: [span(1)])
    store.close()


async def test_a_database_that_is_away_may_be_asked_again() -> None:
    engine = create_service_engine("mysql+pymysql://nobody@127.0.0.1:1/none", pool_size=POOL_SIZE)
    store = SqlTelemetryStore(engine)

    with pytest.raises(UpstreamUnavailable):
        await store.add_spans(lambda: [span(1)])
    store.close()


async def test_pruning_keeps_the_newest_within_the_limit(service: Service) -> None:
    for first in range(0, 1500, 500):
        await service.store.add_spans(lambda first=first: [span(first + n) for n in range(1, 501)])  # type: ignore[misc]
        await service.store.add_logs(lambda first=first: [log(first + n) for n in range(1, 501)])  # type: ignore[misc]
    pruner = PruneTelemetry(service.store, Retention(3600, 3600, MEGABYTE, MEGABYTE))

    gone = await pruner()

    assert gone > 1500
    assert 0 < await service.store.size_bytes(Signal.SPANS) <= MEGABYTE
    assert await service.store.size_bytes(Signal.LOGS) <= MEGABYTE
    newest = await service.store.traces(TraceFilter(), None, 1)
    assert newest[0].trace_id == f"{1500:032x}"


async def test_pruning_by_age_empties_what_nobody_hears_of(service: Service) -> None:
    await service.store.add_spans(lambda: [span(1)])
    await service.store.add_logs(lambda: [log(1)])
    await asyncio.sleep(0.05)
    pruner = PruneTelemetry(service.store, Retention(0.01, 0.01, MEGABYTE, MEGABYTE))

    assert await pruner() == 2
    assert list(await service.store.logs(LogFilter(), None, 9)) == []
