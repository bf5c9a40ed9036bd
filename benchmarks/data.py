"""The system of record: import into SQLite, snapshots, reads for training, one series' history, mixed load.

Each figure stands beside a bare read or write of the same rows in the same run. Variables: DATA (folder of
the data set, or a CSV file with the same columns), MYSQL_URL, FACTOR (the long table is so many times as
long), ROUNDS (of each measurement), SECONDS (of the mixed load), WRITES and READS (calls a second in it),
SERVERS (processes that serve it on one port).
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import count
from pathlib import Path

import grpc
import numpy as np
import polars as pl
import pyarrow.parquet as pq
from data_service import (
    ENVIRONMENT,
    DataService,
    bare_rows,
    connect,
    mariadb,
    migrated,
    repeated_csv,
    running,
    source_csv,
)
from report import Figure, publish
from shelfcast.sales.v1 import (
    data_version_pb2,
    data_version_service_pb2,
    data_version_service_pb2_grpc,
    sale_pb2,
    sale_service_pb2,
    sale_service_pb2_grpc,
)
from shelfcast_model.adapters.data_service.training import SnapshotSource

FACTOR = int(ENVIRONMENT.get("FACTOR") or 12)
ROUNDS = int(ENVIRONMENT.get("ROUNDS") or 5)
SECONDS = float(ENVIRONMENT.get("SECONDS") or 15)
WRITES = int(ENVIRONMENT.get("WRITES") or 100)
READS = int(ENVIRONMENT.get("READS") or 1000)
SERVERS = int(ENVIRONMENT.get("SERVERS") or 1)

TENANT = "bench"
HISTORY_DAYS = 92
FEWEST_READS = 50
WARM_UP_SECONDS = 10.0
CHANNELS = 8
"""Connections of the mixed load, which the kernel shares out among the servers."""
_RUNS = count()


def main() -> None:
    """Measure and publish."""
    with tempfile.TemporaryDirectory(prefix="shelfcast-bench-") as name:
        folder = Path(name)
        source = source_csv(folder)
        figures = [_sqlite_import(source, folder)]
        with mariadb() as (_, url), running(url, folder) as service:
            service.load(source)
            figures += _snapshots(service, source, folder)
        with mariadb() as (_, url), running(url, folder, SERVERS) as service:
            service.load(source)
            service.rest()
            figures += _mixed_load(service, _newest_day(source))
        with mariadb() as (database, url), running(url, folder) as service:
            service.load(repeated_csv(source, folder, FACTOR))
            service.rest()
            figures.append(_history(service, database))
    publish("data", figures)
    if not all(figure.holds in {True, None} for figure in figures):
        sys.exit(1)


def _sqlite_import(source: Path, folder: Path) -> Figure:
    """Import into SQLite beside a bare `executemany` in one transaction into a clone of the same table."""
    rows = list(bare_rows(source).iter_rows())
    bare = folder / "bare.sqlite"
    migrated(f"sqlite:///{bare}", folder)
    with sqlite3.connect(bare) as connection:
        begun = time.perf_counter()
        connection.executemany(
            "INSERT INTO sales (tenant_no, series_no, sale_date, load_no, quantity) VALUES (?, ?, ?, ?, ?)",
            rows,
        )
        connection.commit()
        reference = len(rows) / (time.perf_counter() - begun)
    with running(f"sqlite:///{folder}/own.sqlite", folder) as service:
        job, seconds = service.load(source)
    assert job.result["accepted_count"] == len(rows), job.result
    rate = len(rows) / seconds
    return _ratio("import of sales into SQLite, from first byte to job's end", rate, "rows/s", reference, 0.5)


def _snapshots(service: DataService, source: Path, folder: Path) -> list[Figure]:
    table = pl.read_csv(source).sort("store", "item", "date").to_arrow()
    bare = folder / "bare.parquet"
    written = _median_seconds(lambda: pq.write_table(table, bare, compression="zstd"))
    read = _median_seconds(lambda: _bare_read(bare))
    first, made = _timed_snapshot(service)
    day_seconds = []
    last = date.fromisoformat(made.last_date)
    for number in range(ROUNDS):
        service.load(_one_day(source, folder, last + timedelta(days=1 + number)))
        seconds, made = _timed_snapshot(service)
        assert made.parent_snapshot_id
        day_seconds.append(seconds)
    key = (service.folder / "secrets" / "internal_token_key").read_text(encoding="ascii").strip().encode()
    shared = SnapshotSource(service.target, key, service.folder / "store")
    streamed = SnapshotSource(service.target, key, None)
    return [
        _bounded("snapshot of all rows", first, "s", 2.0, written),
        _bounded("snapshot with one more day", statistics.median(day_seconds), "s", 0.3, written),
        _bounded("reading all series for training, shared folder",
                 _median_seconds(lambda: shared.newest(TENANT)), "s", 0.5, read),
        _bounded("reading all series for training, over gRPC",
                 _median_seconds(lambda: streamed.newest(TENANT)), "s", None, read),
    ]  # fmt: skip


def _bare_read(path: Path) -> None:
    """Read a Parquet file and give its sales the place of their series and day, as training needs them."""
    table = pq.read_table(path)
    codes = [np.unique(np.asarray(table.column(name)), return_inverse=True)[1] for name in ("store", "item")]
    day = np.unique(np.asarray(table.column("date")), return_inverse=True)[1]
    grid = np.full((codes[0].max() + 1, codes[1].max() + 1, day.max() + 1), np.nan)
    grid[codes[0], codes[1], day] = np.asarray(table.column("sales"))


def _timed_snapshot(service: DataService) -> tuple[float, data_version_pb2.Snapshot]:
    async def ask() -> tuple[float, data_version_pb2.Snapshot]:
        async with grpc.aio.insecure_channel(service.target) as channel:
            stub = data_version_service_pb2_grpc.DataVersionServiceStub(channel)
            await channel.channel_ready()
            begun = time.perf_counter()
            made = await stub.CreateSnapshot(
                data_version_service_pb2.CreateSnapshotRequest(), timeout=60, metadata=service.metadata
            )
            return time.perf_counter() - begun, made

    return asyncio.run(ask())


def _one_day(source: Path, folder: Path, day: date) -> Path:
    """Give the rows of one more day: those of the last one under another date."""
    path = folder / "day.csv"
    frame = pl.read_csv(source)
    newest = frame.filter(pl.col("date") == pl.col("date").max())
    newest.with_columns(date=pl.lit(day.isoformat())).write_csv(path)
    return path


def _history(service: DataService, database: str) -> Figure:
    """Read one series' last year among all rows of the long table, beside a bare SELECT of the same rows."""
    with connect(database) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM sales")
        (rows,) = cursor.fetchone() or (0,)
        cursor.execute("SELECT MAX(sale_date) FROM sales")
        (last,) = cursor.fetchone() or (date.min,)
        start = last - timedelta(days=HISTORY_DAYS - 1)
        cursor.execute("SELECT series_no, shop_id, product_id FROM series ORDER BY RAND(7) LIMIT 300")
        found = cursor.fetchall()
        first, series = found[:100], found[100:]
        bare = []
        for series_no, _, _ in series:
            begun = time.perf_counter()
            cursor.execute(
                "SELECT sale_date, quantity, unit_price, is_promotion, was_available FROM sales WHERE"
                " tenant_no = 1 AND series_no = %s AND sale_date >= %s ORDER BY sale_date",
                (series_no, start),
            )
            cursor.fetchall()
            bare.append(1000 * (time.perf_counter() - begun))
    asyncio.run(
        _histories(service, [row[1:] for row in first], start)
    )  # a new service has compiled nothing yet
    own = asyncio.run(_histories(service, [row[1:] for row in series], start))
    name = f"sales/history of one series, {HISTORY_DAYS} days out of {rows:,} rows, at rest, p50"
    return _bounded(name, statistics.median(own), "ms", 5.0, statistics.median(bare))


async def _histories(service: DataService, series: list[tuple[str, str]], start: date) -> list[float]:
    times = []
    async with grpc.aio.insecure_channel(service.target) as channel:
        stub = sale_service_pb2_grpc.SaleServiceStub(channel)
        await channel.channel_ready()
        for shop, product in series:
            request = sale_service_pb2.ListSalesHistoryRequest(
                shop_id=shop, product_id=product, start=start.isoformat(), page_size=1000
            )
            begun = time.perf_counter()
            reply = await stub.ListSalesHistory(request, timeout=5, metadata=service.metadata)
            times.append(1000 * (time.perf_counter() - begun))
            assert len(reply.sales) == HISTORY_DAYS, (shop, product, len(reply.sales))
    return times


@dataclass
class Calls:
    """What became of calls that were begun at fixed times, however long the earlier ones took."""

    milliseconds: list[float] = field(default_factory=list)
    failed: int = 0

    def figure(self, name: str, bar: float | None) -> Figure:
        """Give the 99th percentile, from the time that each call was due."""
        value = float(np.percentile(self.milliseconds, 99)) if self.milliseconds else None
        holds = None if bar is None else not self.failed and value is not None and value <= bar
        return Figure(f"{name}, {len(self.milliseconds):,} calls, {self.failed} failed, p99", value, "ms",
                      bar="" if bar is None else f"<= {bar:g} ms", holds=holds)  # fmt: skip


def _newest_day(source: Path) -> date:
    return date.fromisoformat(str(pl.read_csv(source)["date"].max()))


def _mixed_load(service: DataService, newest: date) -> list[Figure]:
    """Measure at the wanted rate of reads, then at half of it and so on until the writes are in time.

    Before, some seconds that do not count: a sustained load is asked for, and a service that has just
    started has compiled no statement and read no history yet.
    """
    asyncio.run(_mixed(service, newest, FEWEST_READS, WARM_UP_SECONDS))
    figures: list[Figure] = []
    reads_per_second = READS
    while reads_per_second >= FEWEST_READS:
        writes, reads = asyncio.run(_mixed(service, newest, reads_per_second, SECONDS))
        what = f"{WRITES} writes/s beside {reads_per_second:,} reads/s"
        figures += [writes.figure(f"{what}: writes", 50.0), reads.figure(f"{what}: reads", None)]
        if figures[-2].holds:
            break
        reads_per_second //= 2
    return figures


async def _mixed(
    service: DataService, newest: date, reads_per_second: int, seconds: float
) -> tuple[Calls, Calls]:
    """Begin writes and reads at fixed rates for some seconds."""
    writes, reads = Calls(), Calls()
    first_new = newest + timedelta(days=100 + next(_RUNS) * 1000)
    async with contextlib.AsyncExitStack() as stack:
        own = [("grpc.use_local_subchannel_pool", 1)]
        channels = [grpc.aio.insecure_channel(service.target, own) for _ in range(CHANNELS)]
        for channel in channels:
            await stack.enter_async_context(channel)
            await channel.channel_ready()
        stubs = [sale_service_pb2_grpc.SaleServiceStub(channel) for channel in channels]

        async def write(number: int) -> None:
            sale = sale_pb2.Sale(
                shop_id=str(1 + number % 10),
                product_id=str(1 + number // 10 % 50),
                date=(first_new + timedelta(days=number // 500)).isoformat(),
                quantity=float(number % 37),
            )
            request = sale_service_pb2.CreateSaleRequest(sale=sale)
            await stubs[number % CHANNELS].CreateSale(request, timeout=5, metadata=service.metadata)

        async def read(number: int) -> None:
            request = sale_service_pb2.ListSalesHistoryRequest(
                shop_id=str(1 + number % 10),
                product_id=str(1 + number // 10 % 50),
                start=(newest - timedelta(days=6)).isoformat(),
                end=newest.isoformat(),
            )
            await stubs[number % CHANNELS].ListSalesHistory(request, timeout=5, metadata=service.metadata)

        await asyncio.gather(
            _at_rate(WRITES, seconds, write, writes), _at_rate(reads_per_second, seconds, read, reads)
        )
    return writes, reads


async def _at_rate(rate: int, seconds: float, call: Callable[[int], object], seen: Calls) -> None:
    began = time.perf_counter()
    waiting = []
    for number in range(int(rate * seconds)):
        due = began + number / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        waiting.append(asyncio.create_task(_one(call, number, due, seen)))
    await asyncio.gather(*waiting)


async def _one(call: Callable[[int], object], number: int, due: float, seen: Calls) -> None:
    try:
        await call(number)  # type: ignore[misc]  # an awaitable
    except grpc.aio.AioRpcError:
        seen.failed += 1
    else:
        seen.milliseconds.append(1000 * (time.perf_counter() - due))


def _median_seconds(work: Callable[[], object]) -> float:
    seconds = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begun)
    return statistics.median(seconds)


def _ratio(name: str, value: float, unit: str, reference: float, bar: float) -> Figure:
    ratio = value / reference
    return Figure(name, value, unit, reference, ratio, f"ratio >= {bar:g}", ratio >= bar)


def _bounded(name: str, value: float, unit: str, bar: float | None, reference: float) -> Figure:
    words = "" if bar is None else f"<= {bar:g} {unit}"
    return Figure(
        name, value, unit, reference, value / reference, words, None if bar is None else value <= bar
    )


if __name__ == "__main__":
    main()
