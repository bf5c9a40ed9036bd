"""Months of sales in files instead of the database: what is read stays what it was, on both stores."""

from __future__ import annotations

import asyncio
import random
from datetime import date
from typing import TYPE_CHECKING, Any

import grpc
import orjson
import pyarrow.parquet as pq
import pytest
from shelfcast.ingestion.v1 import import_service_pb2
from shelfcast.sales.v1 import sale_service_pb2
from shelfcast_data.adapters.archive.archiver import SalesArchiver
from shelfcast_data.adapters.archive.files import ArchiveFiles
from shelfcast_data.adapters.backup.refusal import OperationRefused
from shelfcast_data.adapters.files.folder import Folder
from shelfcast_data.adapters.sql.archives import ArchiveRows
from shelfcast_data.adapters.sql.transaction import DataTx
from shelfcast_data.application.import_run import ImportOutcome, ImportRun
from shelfcast_data.bootstrap.archive import archive, unarchive
from shelfcast_data.bootstrap.commands import backup
from shelfcast_servicekit.transact import Transactor

from tests.integration.data.test_exports import export
from tests.integration.data.test_sales import HEADER, create, history, version
from tests.integration.data.test_snapshots import anew, differences, many_months, rows_of, snapshot, withdraw

if TYPE_CHECKING:
    from pathlib import Path

    from shelfcast_data.adapters.archive.archiver import ArchiveReport

    from tests.integration.data.conftest import Service

APRIL = date(2017, 4, 1)
ALL_ROWS = (
    "SELECT series_no, sale_date, load_no, quantity, unit_price, is_promotion, was_available, is_return,"
    " is_withdrawn FROM sales ORDER BY 1, 2, 3"
)
OLD = "SELECT COUNT(*) FROM sales WHERE sale_date < '2017-04-01'"


def archiver_of(service: Service) -> SalesArchiver:
    store: Transactor[DataTx] = Transactor(service.worker_engine, None, DataTx)
    return SalesArchiver(store, ArchiveFiles(Folder(service.settings.store_url)), "acme", 0.0)


async def moved(service: Service, before: date = APRIL) -> ArchiveReport:
    return await asyncio.to_thread(archive, service.settings, "acme", before, 0.0)


async def brought_back(service: Service, first: date = date(2000, 1, 1)) -> ArchiveReport:
    return await asyncio.to_thread(unarchive, service.settings, "acme", first)


async def many_kinds(service: Service) -> None:
    """Store 200 days with corrections, withdrawals, returns, unknown values and an undone import."""
    await service.load(many_months())
    await create(service, shop_id="s1", product_id="p1", date="2017-01-02", quantity=99.123456)
    await create(service, shop_id="s9", product_id="p9", date="2016-12-31", quantity=-2, is_return=True)
    sale = await create(service, shop_id="s1", product_id="p2", date="2017-02-03", quantity=1)
    await withdraw(service, sale.sale_id)
    undone = await service.load(HEADER + b"2017-03-03,s1,p0,55,,,\n2017-05-05,s1,p0,56,,,\n")
    request = import_service_pb2.UndoImportRequest(import_id=undone.import_id)
    await service.imports.UndoImport(request, timeout=10, metadata=service.auth())


async def test_what_is_read_stays_what_it_was(service: Service) -> None:
    await many_kinds(service)
    stored, exported = service.rows(ALL_ROWS), await export(service, "sales.csv")
    before = await rows_of(service, await snapshot(service))
    digest = await anew(service)

    report = await moved(service)

    assert service.rows(OLD) == [(0,)]
    assert report.row_count == len([row for row in stored if str(row[1]) < "2017-04-01"])
    assert report.month_count == 4
    assert await export(service, "sales.csv") == exported
    assert await anew(service) == digest
    assert await rows_of(service, await snapshot(service)) == before


async def test_months_come_back_row_by_row(service: Service) -> None:
    await many_kinds(service)
    stored = service.rows(ALL_ROWS)
    await moved(service)

    report = await brought_back(service)

    assert service.rows(ALL_ROWS) == stored
    assert report.month_count == 4
    assert service.rows("SELECT archived_before FROM tenants") == [(None,)]
    assert len((await history(service, page_size=500)).sales) > 300


async def test_some_months_come_back(service: Service) -> None:
    await service.load(many_months())
    exported = await export(service, "sales.csv")
    await moved(service)

    await brought_back(service, date(2017, 3, 1))

    assert service.rows(OLD) == [(62,)]
    assert (await history(service, start="2017-03-01")).archived_before == "2017-03-01"
    assert await export(service, "sales.csv") == exported


async def test_history_says_what_is_archived(service: Service) -> None:
    await service.load(many_months())
    await moved(service)

    told = await history(service, page_size=1000)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await history(service, start="2017-03-31")

    assert told.archived_before == "2017-04-01"
    assert min(sale.date for sale in told.sales) == "2017-04-01"
    assert "Sales before 2017-04-01 are archived" in str(refused.value.details())
    assert refused.value.code() is grpc.StatusCode.FAILED_PRECONDITION


async def test_nothing_is_said_where_nothing_is_archived(service: Service) -> None:
    await service.load(many_months())

    assert not (await history(service)).HasField("archived_before")


async def test_a_correction_of_an_archived_sale_is_refused_with_the_reason(service: Service) -> None:
    sale = await create(service, date="2017-01-05")
    await create(service, date="2017-05-05")
    await moved(service)

    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await service.sales.DeleteSale(
            sale_service_pb2.DeleteSaleRequest(sale_id=sale.sale_id), timeout=5, metadata=service.auth()
        )

    assert refused.value.code() is grpc.StatusCode.FAILED_PRECONDITION


@pytest.mark.parametrize("day", ["2017-01-05", "2017-01-06"])
async def test_a_sale_of_an_archived_day_is_refused_until_its_month_is_back(
    service: Service, day: str
) -> None:
    await create(service, date="2017-01-05")
    await create(service, date="2017-05-05")
    await moved(service)
    stored, newest = service.rows(ALL_ROWS), await version(service)

    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await create(service, date=day, quantity=9)

    assert refused.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert "Sales before 2017-04-01 are archived" in str(refused.value.details())
    assert (service.rows(ALL_ROWS), await version(service)) == (stored, newest)
    await brought_back(service)
    await create(service, date=day, quantity=9)
    assert (day, 9) in [(sale.date, sale.quantity) for sale in (await history(service)).sales]


async def test_the_refusal_of_one_sale_leaves_those_beside_it(service: Service) -> None:
    await create(service, date="2017-01-05")
    await create(service, date="2017-05-05")
    await moved(service)

    days = [create(service, date=day, quantity=7) for day in ("2017-05-06", "2017-01-06", "2017-05-07")]
    told = await asyncio.gather(*days, return_exceptions=True)

    assert [isinstance(each, grpc.aio.AioRpcError) for each in told] == [False, True, False]
    kept = [sale.date for sale in (await history(service)).sales]
    assert kept == ["2017-05-05", "2017-05-06", "2017-05-07"]


@pytest.mark.parametrize("same_day", ["SAME_DAY_REFUSE", "SAME_DAY_SUM"])
async def test_rows_of_a_file_for_archived_days_are_refused(service: Service, same_day: str) -> None:
    await service.load(many_months())
    await moved(service)

    late = HEADER + b"2017-05-05,s1,p0,9,,,\n2017-03-03,s1,p0,55,,,\n2017-05-06,s1,p0,9,,,\n"
    job = await service.submit(late, same_day=same_day)
    ended = await service.work(job.job_id)
    request = import_service_pb2.ListImportRejectsRequest(import_id=job.job_id)
    reply = await service.imports.ListImportRejects(request, timeout=5, metadata=service.auth())

    assert (ended.result["accepted_count"], ended.result["rejected_count"]) == (2, 1)
    assert [(each.row, each.rule) for each in reply.rejections] == [(2, "row.archived")]


async def test_changes_and_differences_tell_of_archived_days(service: Service) -> None:
    await service.load(many_months())
    first = await version(service)
    await create(service, shop_id="s1", product_id="p1", date="2017-01-02", quantity=99)
    await create(service, shop_id="s1", product_id="p1", date="2017-06-02", quantity=98)
    second = await version(service)
    told = await differences(service, data_version=second, base_data_version=first)

    await moved(service)

    assert await differences(service, data_version=second, base_data_version=first) == told
    assert len(told.differences) == 2


async def test_rows_stored_before_the_move_and_published_after_it_count_and_join_the_file(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    await service.load(many_months())
    publish = ImportRun.publish

    def publish_after_a_move(run: ImportRun) -> ImportOutcome:
        archiver_of(service).archive(APRIL)
        return publish(run)

    with monkeypatch.context() as patch:
        patch.setattr(ImportRun, "publish", publish_after_a_move)
        await service.load(HEADER + b"2017-01-02,s1,p1,99,,,\n")
    exported = await export(service, "sales.csv")

    again = await moved(service)

    assert b",99," in exported
    assert again.month_count == 1
    assert service.rows(OLD) == [(0,)]
    assert await export(service, "sales.csv") == exported
    stored = await brought_back(service)
    assert stored.month_count == 3
    assert await export(service, "sales.csv") == exported


async def test_what_is_not_published_stays(service: Service) -> None:
    await service.load(many_months())
    job = await service.submit(HEADER + b"".join(b"2017-01-%02d,s5,new,1,,,\n" % day for day in range(1, 29)))
    open_load = service.rows("SELECT last_number FROM tenants")[0][0] + 1
    with service.worker_engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE tenants SET last_number = {open_load}")
        connection.exec_driver_sql(
            "INSERT INTO sales (tenant_no, series_no, sale_date, load_no, quantity, is_return, is_withdrawn)"
            f" SELECT tenant_no, series_no, '2017-01-01', {open_load}, 7, 0, 0 FROM series"
            " WHERE product_id = 'p1'"
        )

    await moved(service)

    assert service.rows("SELECT DISTINCT load_no FROM sales WHERE sale_date < '2017-04-01'") == [(open_load,)]
    assert (await service.work(job.job_id)).result["rejected_count"] == 28


async def test_the_files_can_be_read_without_the_database(service: Service) -> None:
    await many_kinds(service)
    await moved(service)

    (listed,) = (service.settings.data_dir / "store" / "archive").glob("*/manifest.json")
    manifest = orjson.loads(listed.read_bytes())

    assert manifest["archived_before"] == "2017-04-01"
    assert [each["month"] for each in manifest["months"]] == ["2016-12", "2017-01", "2017-02", "2017-03"]
    for each in manifest["months"]:
        table = pq.read_table(listed.parent / each["file"])
        assert table.num_rows == each["row_count"]
    first = pq.read_table(listed.parent / manifest["months"][0]["file"]).to_pylist()[0]
    assert (first["shop_id"], first["product_id"], float(first["quantity"])) == ("s9", "p9", -2.0)
    assert first["unit_price"] is None
    assert first["is_return"]


async def test_a_damaged_file_is_told(service: Service) -> None:
    await service.load(many_months())
    await moved(service)
    for path in (service.settings.data_dir / "store" / "archive").glob("*/2017-02-*.parquet"):
        path.write_bytes(path.read_bytes()[:-9] + b"otherwise")

    with pytest.raises(grpc.aio.AioRpcError) as damaged:
        await export(service, "sales.csv")

    assert "2017-02" in str(damaged.value.details())


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("back", [False, True])
async def test_a_kill_at_any_transaction_loses_and_doubles_nothing(
    service: Service, monkeypatch: pytest.MonkeyPatch, back: bool
) -> None:
    await many_kinds(service)
    stored, exported = service.rows(ALL_ROWS), await export(service, "sales.csv")
    monkeypatch.setattr("shelfcast_data.adapters.archive.archiver.ROWS_AT_ONCE", 40)
    if back:
        await moved(service)
    plain = Transactor.transact_sync
    left = 0

    def counted(self: Transactor[Any], work: Any) -> Any:  # noqa: ANN401 - as the method
        nonlocal left
        left -= 1
        if left < 0:
            raise Killed
        return plain(self, work)

    def act() -> None:
        mover = archiver_of(service)
        if back:
            mover.bring_back(date(2000, 1, 1))
        else:
            mover.archive(APRIL)

    is_done, kills = False, 0
    chance = random.Random(7)
    while not is_done:
        left = 2 * kills + chance.randrange(3)  # each try comes further than the one before
        monkeypatch.setattr(Transactor, "transact_sync", counted)
        try:
            await asyncio.to_thread(act)
            is_done = True
        except Killed:
            kills += 1
        monkeypatch.setattr(Transactor, "transact_sync", plain)
        if kills % 4 == 1:
            assert await export(service, "sales.csv") == exported
    assert kills
    assert await export(service, "sales.csv") == exported
    await brought_back(service)
    assert service.rows(ALL_ROWS) == stored


async def test_reading_amid_moves_sees_every_row_once(service: Service) -> None:
    await service.load(many_months(120))
    exported = await export(service, "sales.csv")
    over = asyncio.Event()

    async def to_and_fro() -> None:
        for _ in range(3):
            await moved(service)
            await brought_back(service)
        over.set()

    moves, seen = asyncio.create_task(to_and_fro()), 0
    while not over.is_set():
        assert await export(service, "sales.csv") == exported
        seen += 1
    await moves
    assert seen


async def test_two_that_contradict_each_other_stop(service: Service) -> None:
    await service.load(many_months())
    await moved(service)
    mover = archiver_of(service)
    store: Transactor[DataTx] = Transactor(service.worker_engine, None, DataTx)
    store.transact_sync(lambda tx: mover._begun(tx, date(2017, 1, 1)))

    with pytest.raises(OperationRefused, match="run `unarchive` again"):
        mover.archive(date(2017, 6, 1))

    mover.bring_back(date(2017, 1, 1))
    assert store.read_sync(lambda tx: ArchiveRows(tx.connection, 1).get()).months == ()


async def test_a_tenant_that_is_not_there_is_told(service: Service) -> None:
    with pytest.raises(OperationRefused, match="There is no tenant nobody"):
        await asyncio.to_thread(archive, service.settings, "nobody", APRIL, 0.0)


async def test_a_backup_holds_the_archive(service: Service, tmp_path: Path) -> None:
    await service.load(many_months())
    await moved(service)

    taken = await asyncio.to_thread(backup, service.settings, tmp_path / "b")

    names = [each.store_path for each in taken.files]
    assert len([name for name in names if name.startswith("archive/")]) == 4
