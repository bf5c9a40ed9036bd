"""Backups of a running service and their way back, within a store and from one store to the other."""

from __future__ import annotations

import asyncio
import hashlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import orjson
import pytest
from shelfcast.catalog.v1 import product_pb2, product_service_pb2
from shelfcast.inventory.v1 import stock_movement_pb2, stock_movement_service_pb2
from shelfcast.jobs.v1 import job_pb2
from shelfcast_data.adapters.backup.refusal import OperationRefused
from shelfcast_data.adapters.sql.every_table import every_table
from shelfcast_data.adapters.sql.moment import one_moment
from shelfcast_data.adapters.sql.schema import SERIES
from shelfcast_data.bootstrap.commands import backup, restore
from shelfcast_data.bootstrap.database import VERSION_TABLE, migrate
from shelfcast_data.bootstrap.worker import import_handler
from shelfcast_data.ports.imports import ImportFiles
from shelfcast_data.settings import DataSettings
from shelfcast_servicekit.engine import create_service_engine
from shelfcast_servicekit.jobs.context import JobContext, JobSignals
from sqlalchemy import inspect, select

from tests.integration.data.conftest import STORES, made_database, serving
from tests.integration.data.test_sales import HEADER, create, history
from tests.integration.data.test_snapshots import many_months, rows_of, snapshot

if TYPE_CHECKING:
    from pathlib import Path

    from shelfcast_data.domain.file_chunk import FileChunk
    from shelfcast_data.domain.import_record import ImportRecord
    from shelfcast_data.domain.pipeline_plan import Plan

    from tests.integration.data.conftest import Service

LINES = 3000


@pytest.fixture(params=STORES)
def target(request: pytest.FixtureRequest, settings: DataSettings, tmp_path: Path) -> Iterator[DataSettings]:
    """Give the settings of another service, on an empty, migrated database."""
    folder = tmp_path / "target"
    folder.mkdir()
    with made_database(request.param, folder) as url:
        made = settings.model_copy(
            update={"database_url": url, "data_dir": folder, "store_url": (folder / "store").as_uri()}
        )
        migrate(made)
        yield made


def digests(settings: DataSettings) -> dict[str, tuple[int, str]]:
    """Give the row count and a digest of all rows of each table."""
    engine = create_service_engine(settings.database_url, pool_size=1, traced=False)
    found = {}
    with engine.connect() as connection:
        for table in every_table():
            rows = connection.execute(select(table).order_by(*table.primary_key)).fetchall()
            found[table.name] = len(rows), hashlib.sha256(repr(rows).encode()).hexdigest()
    engine.dispose()
    return found


def files(settings: DataSettings) -> dict[str, bytes]:
    store = settings.data_dir / "store"
    return {str(path.relative_to(store)): path.read_bytes() for path in store.rglob("*") if path.is_file()}


def names(folder: Path, first: str) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.lstrip(".").startswith(first)]


async def filled(service: Service) -> None:
    """Store something in each of the tables that a day of work fills."""
    await service.load(HEADER + b"2017-02-02,s2,b,2.5,1.29,1,0\n2017-02-02,s2,b,9,,,\n2017-02-03,s2,b,x,,,\n")
    await service.load(many_months(70))
    await create(service, quantity=0.000001, unit_price=99_999.123456)
    product = product_pb2.Product(product_id="p77", name="Grüne Äpfel 🍏", unit="kg")
    await service.products.CreateProduct(
        product_service_pb2.CreateProductRequest(product=product), timeout=30, metadata=service.auth()
    )
    movement = stock_movement_pb2.StockMovement(
        kind=stock_movement_pb2.STOCK_MOVEMENT_KIND_RECEIPT, shop_id="s1", product_id="p1", quantity=7.25
    )
    await service.stock.CreateStockMovement(
        stock_movement_service_pb2.CreateStockMovementRequest(movement=movement),
        timeout=30,
        metadata=service.auth(),
    )


async def test_a_restored_service_is_the_one_that_was_backed_up(
    service: Service, target: DataSettings, tmp_path: Path
) -> None:
    await filled(service)
    made = await snapshot(service)
    await service.submit(HEADER + b"2019-01-01,s1,a,1,,,\n", file_name="waits.csv")
    place = tmp_path / "backups" / "monday"

    taken = await asyncio.to_thread(backup, service.settings, place)
    await asyncio.to_thread(restore, target, place)

    assert digests(target) == digests(service.settings)
    assert files(target) == files(service.settings)
    assert taken.row_count == sum(count for count, _ in digests(target).values())
    async with serving(target, service.key) as restored:  # the key of the first service opens the second
        assert await history(restored, page_size=500) == await history(service, page_size=500)
        assert await rows_of(restored, made) == await rows_of(service, made)
        assert (await create(restored)).sale_id


class Disturbed:
    """Files of imports; something else happens after the second chunk."""

    def __init__(self, inner: ImportFiles, happens: Callable[[], object]) -> None:
        self._inner = inner
        self._happens = happens

    def chunks(self, record: ImportRecord, plan: Plan | None) -> Iterator[FileChunk]:
        for place, chunk in enumerate(self._inner.chunks(record, plan)):
            if place == 2:
                self._happens()
            yield chunk

    def remove(self, record: ImportRecord) -> None:
        self._inner.remove(record)


async def days(service: Service) -> list[tuple[str, float]]:
    return [(sale.sale_id, sale.quantity) for sale in (await history(service, page_size=1000)).sales]


@pytest.mark.parametrize("same_day", ["refuse", "sum"])
async def test_a_backup_amid_an_import_shows_none_of_it_and_resumes(
    service: Service, target: DataSettings, tmp_path: Path, same_day: str
) -> None:
    await create(service, shop_id="s0")
    content = HEADER + b"".join(
        b"2017-%02d-%02d,s%d,a,%d,,,\n" % (1 + n // 28 % 12, 1 + n % 28, n // 336, n) for n in range(LINES)
    )
    job = await service.submit(content, same_day=f"SAME_DAY_{same_day.upper()}")
    handler = import_handler(service.settings, service.worker_engine)
    disturbed = Disturbed(handler.import_sales.files, lambda: backup(service.settings, tmp_path / "b"))
    amid = replace(handler, import_sales=replace(handler.import_sales, files=disturbed))
    claimed = service.ledger.claim(job.job_id, 0.05)
    assert claimed is not None
    await asyncio.to_thread(amid.run, JobContext(claimed, service.ledger, JobSignals()))
    await asyncio.to_thread(restore, target, tmp_path / "b")

    async with serving(target, service.key) as restored:
        table = "staged_sales" if same_day == "sum" else "sales"
        (stored,) = restored.rows(f"SELECT COUNT(*) FROM {table}")[0]
        shown = [sale.shop_id for sale in (await history(restored)).sales]
        ended = await restored.work(job.job_id)
        after, before = await days(restored), await days(service)

    assert 1 < stored < LINES
    assert shown == ["s0"]
    assert (ended.status, ended.attempt) == (job_pb2.JOB_STATUS_COMPLETED, 2)
    assert ended.result["accepted_count"] == LINES
    assert after == before
    assert len(after) == 1000


async def test_what_is_written_during_a_backup_is_not_in_it(service: Service) -> None:
    await create(service)

    with one_moment(service.worker_engine) as connection:
        await create(service, product_id="later")
        seen = connection.scalars(select(SERIES.c.product_id)).all()

    assert seen == ["oat-milk-1l"]


async def test_a_flipped_byte_is_refused_before_the_first_row(
    service: Service, target: DataSettings, tmp_path: Path
) -> None:
    await filled(service)
    await snapshot(service)
    place = tmp_path / "b"
    backup(service.settings, place)
    empty = digests(target)
    paths = [path for path in place.rglob("*") if path.is_file() and path.name != "manifest.json"]
    assert len(paths) > len(every_table())

    for path in paths:
        sound = path.read_bytes()
        middle = len(sound) // 2
        path.write_bytes(sound[:middle] + bytes([sound[middle] ^ 1]) + sound[middle + 1 :])
        with pytest.raises(OperationRefused, match="digest differs"):
            restore(target, place)
        path.write_bytes(sound)

    assert (digests(target), files(target)) == (empty, {})


async def test_a_restore_that_breaks_leaves_nothing(
    service: Service, target: DataSettings, tmp_path: Path
) -> None:
    await filled(service)
    await snapshot(service)
    place = tmp_path / "b"
    backup(service.settings, place)
    empty = digests(target)
    manifest = orjson.loads((place / "manifest.json").read_bytes())
    last = manifest["tables"][-1]
    told = f"{last['name']} got {last['row_count']} rows of {last['row_count'] + 1}"
    last["row_count"] += 1
    (place / "manifest.json").write_bytes(orjson.dumps(manifest))

    with pytest.raises(OperationRefused, match=told):
        restore(target, place)

    assert (digests(target), files(target)) == (empty, {})


async def test_a_restore_into_a_database_with_rows_is_refused(service: Service, tmp_path: Path) -> None:
    backup(service.settings, tmp_path / "b")
    before = digests(service.settings)

    with pytest.raises(OperationRefused, match="not empty: the table api_keys has rows"):
        restore(service.settings, tmp_path / "b")

    assert digests(service.settings) == before


async def test_another_revision_is_refused(service: Service, target: DataSettings, tmp_path: Path) -> None:
    place = tmp_path / "b"
    backup(service.settings, place)
    manifest = orjson.loads((place / "manifest.json").read_bytes())
    (place / "manifest.json").write_bytes(orjson.dumps(manifest | {"revision": "0001"}))

    with pytest.raises(OperationRefused, match="schema revision 0001"):
        restore(target, place)


@pytest.mark.parametrize("store", STORES)
def test_a_database_without_tables_is_refused(store: str, tmp_path: Path) -> None:
    with (
        made_database(store, tmp_path) as url,
        pytest.raises(OperationRefused, match="Run `python -m shelfcast_data migrate` first"),
    ):
        backup(DataSettings(database_url=url, data_dir=tmp_path), tmp_path / "b")


async def test_a_backup_appears_whole_or_not_at_all(service: Service, tmp_path: Path) -> None:
    await filled(service)
    place = tmp_path / "b"
    backup(service.settings, place)
    first = (place / "manifest.json").read_bytes()

    with pytest.raises(OperationRefused, match="there already"):
        backup(service.settings, place)
    with service.worker_engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE tenants")
    with pytest.raises(Exception, match="tenants"):
        backup(service.settings, tmp_path / "c")

    assert (place / "manifest.json").read_bytes() == first
    assert names(tmp_path, "b") == ["b"]
    assert names(tmp_path, "c") == []


def test_every_table_of_the_database_is_in_a_backup(settings: DataSettings) -> None:
    migrate(settings)
    engine = create_service_engine(settings.database_url, pool_size=1, traced=False)

    stored = inspect(engine).get_table_names()

    engine.dispose()
    assert {table.name for table in every_table()} == set(stored) - {VERSION_TABLE}


@pytest.mark.parametrize(("database_url", "target"), [("sqlite", "sqlite")], indirect=True)
def test_the_commands_say_what_they_did_or_what_to_do(
    settings: DataSettings, target: DataSettings, tmp_path: Path
) -> None:
    migrate(settings)

    taken = command(settings, "backup", tmp_path / "b")
    loaded = command(target, "restore", tmp_path / "b")
    wrong = command(target, "restore", tmp_path / "nowhere")

    told = f"{tmp_path / 'b'}: {len(every_table())} tables, 0 rows, 0 files, of 20"
    assert (taken.returncode, taken.stdout.startswith(told)) == (0, True)
    assert (loaded.returncode, loaded.stdout) == (0, taken.stdout)
    assert (wrong.returncode, "is no backup" in wrong.stderr) == (1, True)


def command(settings: DataSettings, name: str, folder: Path) -> subprocess.CompletedProcess[str]:
    variables = {"DATABASE_URL": settings.database_url, "STORE_URL": settings.store_url}
    environment = {f"SHELFCAST_{key}": value for key, value in variables.items()}
    return subprocess.run(
        [sys.executable, "-m", "shelfcast_data", name, str(folder)],
        env=os.environ | environment,  # noqa: TID251 - a process of its own
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
