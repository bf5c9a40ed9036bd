"""What every telemetry store does, on SQLite and on MariaDB, with the migrated tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from shelfcast_monitoring.adapters.sql.schema import METADATA
from shelfcast_monitoring.adapters.sql.telemetry_store import POOL_SIZE, SqlTelemetryStore
from shelfcast_monitoring.domain.log_entry import LogEntry
from shelfcast_monitoring.domain.span import Span, SpanKind, SpanStatus
from shelfcast_monitoring.ports import (
    EVERYONE,
    LogFilter,
    LogPosition,
    Signal,
    Tenant,
    TraceFilter,
    TracePosition,
)
from shelfcast_servicekit.engine import create_service_engine
from shelfcast_servicekit.migrate import upgrade
from shelfcast_testing.mysql import mysql_database_url
from sqlalchemy import inspect

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence
    from pathlib import Path

MOST = 50
SHOP, RIVAL = Tenant("corner-shop"), Tenant("rival")
SECOND = 1_000_000_000
NOON = 1_790_000_000 * SECOND


class Clock:
    """The store's clock, set by the test."""

    def __init__(self) -> None:
        self.now_ns = NOON

    def __call__(self) -> int:
        return self.now_ns


def trace_id(number: int) -> str:
    return f"{number:032x}"


def span(number: int = 1, trace: int = 1, **changed: object) -> Span:
    fields: dict[str, object] = {
        "trace_id": trace_id(trace),
        "span_id": f"{number:016x}",
        "parent_span_id": "",
        "service": "shelfcast-data",
        "name": "GetProduct",
        "kind": SpanKind.SERVER,
        "status": SpanStatus.OK,
        "status_message": "",
        "start_ns": NOON + number * SECOND,
        "end_ns": NOON + number * SECOND + SECOND // 2,
        "tenant": SHOP,
        "attributes": {"rpc.method": "GetProduct", "note": "Grüße 🥛"},
        "linked_trace_ids": (trace_id(99),),
    }
    return Span(**(fields | changed))  # type: ignore[arg-type]  # the test names the fields


def log(number: int = 1, **changed: object) -> LogEntry:
    fields: dict[str, object] = {
        "recorded_ns": NOON + number * SECOND,
        "service": "shelfcast-data",
        "severity": 9,
        "body": f"line {number}",
        "trace_id": "",
        "span_id": "",
        "tenant": SHOP,
        "attributes": {"logger": "shelfcast.server"},
    }
    return LogEntry(**(fields | changed))  # type: ignore[arg-type]  # the test names the fields


@pytest.fixture(scope="module")
def mysql_url() -> Iterator[str]:
    with mysql_database_url("monitoring") as url:
        yield url


@pytest.fixture(params=["sqlite", pytest.param("mysql", marks=pytest.mark.mysql)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/monitoring.sqlite"
    url: str = request.getfixturevalue("mysql_url")
    return url


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest_asyncio.fixture
async def store(database_url: str, clock: Clock) -> AsyncIterator[SqlTelemetryStore]:
    upgrade(database_url, "shelfcast_monitoring:migrations", "monitoring_alembic_version")
    engine = create_service_engine(database_url, pool_size=POOL_SIZE)
    made = SqlTelemetryStore(engine, max_spans_per_trace=MOST, now_ns=clock)
    yield made
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN")
        for table in METADATA.sorted_tables:
            connection.execute(table.delete())
    made.close()


async def add(store: SqlTelemetryStore, *spans: Span) -> int:
    return await store.add_spans(lambda: spans)


async def add_logs(store: SqlTelemetryStore, *entries: LogEntry) -> int:
    return await store.add_logs(lambda: entries)


def numbers(entries: Sequence[LogEntry]) -> list[str]:
    return [entry.body.removeprefix("line ") for entry in entries]


async def test_the_migrated_tables_are_those_of_the_schema(
    store: SqlTelemetryStore, database_url: str
) -> None:
    engine = create_service_engine(database_url, pool_size=1, traced=False)
    found = inspect(engine)

    for table in METADATA.sorted_tables:
        columns = {column["name"] for column in found.get_columns(table.name)}
        assert columns == set(table.columns.keys())
        indexes = {index["name"] for index in found.get_indexes(table.name)}
        assert {index.name for index in table.indexes} <= indexes
    engine.dispose()


async def test_a_span_comes_back_as_it_went_in(store: SqlTelemetryStore) -> None:
    sent = span(1, status=SpanStatus.ERROR, status_message="no such product", parent_span_id="ab" * 8)

    assert await add(store, sent) == 1

    assert list(await store.spans_of(trace_id(1), SHOP, 10)) == [sent]


async def test_a_span_sent_twice_is_stored_once(store: SqlTelemetryStore) -> None:
    await add(store, span(1), span(1, name="repeated"), span(2))

    assert await add(store, span(2), span(3)) == 1

    [summary] = await store.traces(TraceFilter(), None, 10)
    assert summary.span_count == 3
    assert len(await store.spans_of(trace_id(1), EVERYONE, 10)) == 3


async def test_a_summary_follows_spans_that_arrive_in_any_order(store: SqlTelemetryStore) -> None:
    await add(store, span(3, name="late", status=SpanStatus.ERROR))
    await add(store, span(1, name="first", service="shelfcast-gateway"))
    await add(store, span(2, name="middle"))

    [summary] = await store.traces(TraceFilter(), None, 10)

    assert (summary.name, summary.service) == ("first", "shelfcast-gateway")
    assert (summary.span_count, summary.error_count) == (3, 1)
    assert summary.start_ns == NOON + SECOND
    assert summary.end_ns == NOON + 3 * SECOND + SECOND // 2


async def test_spans_past_the_largest_trace_are_left_out(store: SqlTelemetryStore) -> None:
    assert await add(store, *(span(number) for number in range(1, MOST - 9))) == MOST - 10
    assert await add(store, *(span(number) for number in range(100, 150))) == 10
    assert await add(store, span(500)) == 0

    assert len(await store.spans_of(trace_id(1), SHOP, 1000)) == MOST


async def test_a_batch_of_thousands_goes_in_at_once(store: SqlTelemetryStore) -> None:
    spans = [span(number, trace=number) for number in range(1, 1501)]

    assert await add(store, *spans) == 1500

    assert len(await store.traces(TraceFilter(), None, 2000)) == 1500


async def test_another_tenant_sees_nothing_of_a_trace(store: SqlTelemetryStore) -> None:
    await add(store, span(1), span(2, tenant="", name="SELECT sql"))

    assert list(await store.spans_of(trace_id(1), RIVAL, 10)) == []
    assert list(await store.traces(TraceFilter(tenant=RIVAL), None, 10)) == []


async def test_steps_without_a_tenant_belong_to_their_trace(store: SqlTelemetryStore) -> None:
    await add(store, span(1), span(2, tenant="", name="SELECT sql"))

    assert [seen.name for seen in await store.spans_of(trace_id(1), SHOP, 10)] == ["GetProduct", "SELECT sql"]


async def test_a_trace_without_any_tenant_is_the_operators(store: SqlTelemetryStore) -> None:
    await add(store, span(1, tenant=""))

    assert list(await store.spans_of(trace_id(1), SHOP, 10)) == []
    assert len(await store.spans_of(trace_id(1), EVERYONE, 10)) == 1


async def test_a_trace_of_two_tenants_shows_each_only_its_own_steps(store: SqlTelemetryStore) -> None:
    await add(store, span(1, tenant=RIVAL, name="secret of the rival", status=SpanStatus.ERROR), span(2))

    assert [seen.name for seen in await store.spans_of(trace_id(1), SHOP, 10)] == ["GetProduct"]
    [summary] = await store.traces(TraceFilter(tenant=SHOP), None, 10)
    assert (summary.name, summary.span_count, summary.error_count) == ("GetProduct", 1, 0)
    assert summary.start_ns == NOON + SECOND


async def test_traces_are_filtered_by_service_duration_and_errors(store: SqlTelemetryStore) -> None:
    await add(
        store,
        span(1, trace=1, service="shelfcast-model", end_ns=NOON + 9 * SECOND),
        span(2, trace=2, status=SpanStatus.ERROR),
        span(3, trace=3),
        span(4, trace=3, service="shelfcast-model"),
    )

    async def found(wanted: TraceFilter) -> list[str]:
        return [summary.trace_id for summary in await store.traces(wanted, None, 10)]

    assert await found(TraceFilter()) == [trace_id(3), trace_id(2), trace_id(1)]
    assert await found(TraceFilter(service="shelfcast-model")) == [trace_id(3), trace_id(1)]
    assert await found(TraceFilter(min_duration_ns=5 * SECOND)) == [trace_id(1)]
    assert await found(TraceFilter(only_errors=True)) == [trace_id(2)]
    assert await found(TraceFilter(service="SHELFCAST-MODEL")) == []


async def test_pages_of_traces_neither_repeat_nor_skip_equal_times(store: SqlTelemetryStore) -> None:
    await add(store, *(span(1, trace=number) for number in range(1, 8)))

    seen: list[str] = []
    after: TracePosition | None = None
    while page := await store.traces(TraceFilter(tenant=SHOP), after, 3):
        seen += [summary.trace_id for summary in page]
        after = TracePosition(page[-1].start_ns, page[-1].trace_id)

    assert seen == [trace_id(number) for number in range(7, 0, -1)]


async def test_a_log_record_comes_back_as_it_went_in(store: SqlTelemetryStore) -> None:
    sent = log(1, trace_id=trace_id(1), span_id="cd" * 8, body="Käse \x00 🧀")

    assert await add_logs(store, sent) == 1

    [found] = await store.logs(LogFilter(tenant=SHOP), None, 10)
    assert found.log_id > 0
    assert (found.body, found.attributes, found.trace_id) == (sent.body, sent.attributes, sent.trace_id)


async def test_logs_are_filtered_by_trace_service_severity_and_tenant(store: SqlTelemetryStore) -> None:
    await add(store, span(1, trace=7))
    await add_logs(
        store,
        log(1, trace_id=trace_id(7), tenant=""),
        log(2, service="shelfcast-model", severity=17),
        log(3, tenant=RIVAL),
        log(4, tenant=""),
    )

    async def found(wanted: LogFilter) -> list[str]:
        return numbers(await store.logs(wanted, None, 10))

    assert await found(LogFilter()) == ["4", "3", "2", "1"]
    assert await found(LogFilter(tenant=SHOP)) == ["2", "1"]
    assert await found(LogFilter(tenant=RIVAL)) == ["3"]
    assert await found(LogFilter(trace_id=trace_id(7))) == ["1"]
    assert await found(LogFilter(service="shelfcast-model")) == ["2"]
    assert await found(LogFilter(min_severity=13)) == ["2"]


async def test_pages_of_logs_neither_repeat_nor_skip_equal_times(store: SqlTelemetryStore) -> None:
    await add_logs(store, *(log(number, recorded_ns=NOON) for number in range(7)))

    seen: list[str] = []
    after: LogPosition | None = None
    while page := await store.logs(LogFilter(), after, 3):
        seen += numbers(page)
        after = LogPosition(page[-1].recorded_ns, page[-1].log_id)

    assert seen == ["6", "5", "4", "3", "2", "1", "0"]


async def test_old_traces_go_with_all_that_belongs_to_them(store: SqlTelemetryStore, clock: Clock) -> None:
    await add(store, span(1, trace=1), span(2, trace=1))
    clock.now_ns += 3600 * SECOND
    await add(store, span(1, trace=2))

    dropped = await store.drop_traces(10, received_before_ns=clock.now_ns)

    assert dropped.count == 1
    assert dropped.size_bytes == span(1).size_bytes + span(2).size_bytes
    assert list(await store.spans_of(trace_id(1), EVERYONE, 10)) == []
    assert [line.trace_id for line in await store.traces(TraceFilter(service="shelfcast-data"), None, 9)] == [
        trace_id(2)
    ]
    assert await store.size_bytes(Signal.SPANS) == span(1).size_bytes


async def test_a_trace_that_is_still_heard_of_is_not_old(store: SqlTelemetryStore, clock: Clock) -> None:
    await add(store, span(1))
    clock.now_ns += 3600 * SECOND
    await add(store, span(2))

    assert (await store.drop_traces(10, received_before_ns=clock.now_ns)).count == 0


async def test_the_oldest_logs_go_first(store: SqlTelemetryStore, clock: Clock) -> None:
    for number in range(4):
        clock.now_ns += SECOND
        await add_logs(store, log(number))

    dropped = await store.drop_logs(3, None)

    assert dropped.count == 3
    assert numbers(await store.logs(LogFilter(), None, 10)) == ["3"]
    assert await store.size_bytes(Signal.LOGS) == log(3).size_bytes


async def test_an_empty_store_has_no_size_and_nothing_to_drop(store: SqlTelemetryStore) -> None:
    assert await store.size_bytes(Signal.SPANS) == await store.size_bytes(Signal.LOGS) == 0
    assert (await store.drop_traces(10, None)).count == (await store.drop_logs(10, None)).count == 0


async def test_a_broken_batch_leaves_nothing_behind(store: SqlTelemetryStore) -> None:
    def broken() -> list[Span]:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await store.add_spans(broken)

    assert list(await store.traces(TraceFilter(), None, 10)) == []
