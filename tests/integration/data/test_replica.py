"""Large reads of a data version on a replica that has come so far, and on the primary where it has not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING

import pytest
from prometheus_client import REGISTRY
from shelfcast_data.adapters.archive.files import ArchiveFiles
from shelfcast_data.adapters.files.folder import Folder
from shelfcast_data.adapters.sql.read_route import PAUSE_SECONDS, ReadRoute
from shelfcast_data.adapters.sql.sales_table import SalesTable
from shelfcast_data.adapters.sql.transaction import DataTx
from shelfcast_data.bootstrap.commands import create_api_key
from shelfcast_data.bootstrap.database import migrate
from shelfcast_data.bootstrap.worker import quality_handler
from shelfcast_data.settings import DataSettings
from shelfcast_servicekit.engine import create_service_engine
from shelfcast_servicekit.transact import Transactor

from tests.integration.data.conftest import serving
from tests.integration.data.replication import Pair, replicating
from tests.integration.data.test_exports import export
from tests.integration.data.test_sales import HEADER, create, history
from tests.integration.data.test_snapshots import rows_of, snapshot

if TYPE_CHECKING:
    from pathlib import Path

    from shelfcast_data.domain.data_version import View

    from tests.integration.data.conftest import Service

pytestmark = pytest.mark.mysql
ROWS = HEADER + b"2017-02-02,s2,b,2.5,1.29,1,0\n2017-02-03,s1,a,4,,,\n"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with replicating(tmp_path_factory.mktemp("replication")) as made:
        made.primary.run("CREATE DATABASE shelf")
        settings = DataSettings(database_url=made.primary.url("shelf"), data_dir=made.primary.folder)
        migrate(settings)
        yield made


@pytest.fixture
async def service(pair: Pair, tmp_path: Path) -> AsyncIterator[Service]:
    """Give a service whose tenant is empty, with a replica that follows."""
    for table in pair.primary.run("SHOW TABLES FROM shelf"):
        if table[0] != "data_alembic_version":
            pair.primary.run(f"TRUNCATE shelf.{table[0]}")
    pair.replica.run("START SLAVE SQL_THREAD")
    settings = DataSettings(
        data_dir=tmp_path,
        database_url=pair.primary.url("shelf"),
        data_replica_url=pair.replica.url("shelf"),
        port=0,
        redis_url="redis://127.0.0.1:1/0",
        otel_exporter_otlp_endpoint="none",
    )
    key = await create_api_key(settings, "acme", "admin", "tests")
    async with serving(settings, key) as made:
        yield made


def reads(outcome: str) -> float:
    return REGISTRY.get_sample_value("replica_reads_total", {"outcome": outcome}) or 0.0


async def test_exports_and_snapshots_are_read_on_the_replica(service: Service, pair: Pair) -> None:
    await service.load(ROWS)
    pair.catch_up()
    before = reads("replica")
    # What only the replica has tells where the rows come from.
    pair.replica.run("UPDATE shelf.sales SET quantity = 77 WHERE quantity = 4")

    made = await snapshot(service)
    exported = await export(service, "sales.csv")

    assert reads("replica") > before
    assert [row["quantity"] for row in await rows_of(service, made)] == [77.0, 2.5]
    assert b"77" in exported
    assert {sale.quantity for sale in (await history(service)).sales} == {4.0, 2.5}


async def test_a_replica_that_lags_is_not_read(service: Service, pair: Pair) -> None:
    await service.load(ROWS)
    pair.catch_up()
    pair.replica.run("STOP SLAVE SQL_THREAD")
    await create(service, product_id="new", quantity=9)
    before = reads("behind")

    made = await snapshot(service)

    assert reads("behind") > before
    assert {row["quantity"] for row in await rows_of(service, made)} == {2.5, 4.0, 9.0}
    older = await snapshot(service, data_version="dv-1")
    assert {row["quantity"] for row in await rows_of(service, older)} == {2.5, 4.0}


async def test_a_check_of_quality_is_read_on_the_replica(service: Service, pair: Pair) -> None:
    await service.load(ROWS)
    pair.catch_up()
    engine = create_service_engine(pair.replica.url("shelf"), pool_size=2)
    handler = quality_handler(service.settings, service.worker_engine, engine)
    before = reads("replica")

    view = handler.check_quality.store.read_sync(lambda tx: tx.versions("acme").view())
    batches = list(handler.check_quality.sales.batches(view))

    assert sum(len(batch.rows.sales) for batch in batches) == 2
    assert reads("replica") > before
    engine.dispose()


async def test_a_database_of_another_history_is_no_replica(service: Service, pair: Pair) -> None:
    await service.load(ROWS)
    pair.catch_up()
    pair.replica.run("UPDATE shelf.data_versions SET row_count = row_count + 1")
    before = reads("behind")

    await export(service, "sales.csv")

    assert reads("behind") > before


def route_of(service: Service, pair: Pair, clock: Clock) -> tuple[ReadRoute, View]:
    primary: Transactor[DataTx] = Transactor(service.worker_engine, None, DataTx)
    engine = create_service_engine(pair.replica.url("shelf"), pool_size=4)
    route = ReadRoute(primary, Transactor(engine, None, DataTx), clock)
    return route, primary.read_sync(lambda tx: tx.versions("acme").view())


def sales_table(service: Service, route: ReadRoute) -> SalesTable:
    return SalesTable(route, ArchiveFiles(Folder(service.settings.store_url)))


class Clock:
    """A clock that is put forward by hand."""

    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


async def test_a_replica_that_dies_amid_a_table_loses_no_row(service: Service, pair: Pair) -> None:
    lines = b"".join(b"2017-02-%02d,s1,p%03d,1,,,\n" % (1 + n % 28, n // 28) for n in range(28 * 80))
    await service.load(HEADER + lines)
    pair.catch_up()
    clock = Clock()
    route, view = route_of(service, pair, clock)
    batches = sales_table(service, route).batches(view)

    first = await asyncio.to_thread(next, batches)
    pair.replica.stop()
    rest = await asyncio.to_thread(list, batches)

    assert sum(len(batch.rows.sales) for batch in [first, *rest]) == 28 * 80
    away = reads("away")
    assert sum(len(batch.rows.sales) for batch in sales_table(service, route).batches(view)) == 28 * 80
    assert reads("away") == away + 1
    pair.replica.start()
    pair.catch_up()
    clock.seconds = PAUSE_SECONDS
    on_replica = reads("replica")
    list(sales_table(service, route).batches(view))
    assert reads("replica") == on_replica + 1
