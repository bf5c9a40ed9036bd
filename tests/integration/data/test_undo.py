"""Imports that are taken back: nothing is deleted, and nobody sees their rows any more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
import pyarrow as pa
import pytest
from shelfcast.ingestion.v1 import import_pb2, import_service_pb2
from shelfcast.sales.v1 import data_version_service_pb2 as versions_pb2
from shelfcast.sales.v1 import sale_pb2, sale_service_pb2
from shelfcast_data.bootstrap.commands import create_api_key

if TYPE_CHECKING:
    from tests.integration.data.conftest import Service

HEADER = "date,store,item,sales\n"
MONDAY = (HEADER + "2017-01-01,1,1,5\n2017-01-02,1,1,6\n2017-01-01,2,1,7\n").encode()
TUESDAY = (HEADER + "2017-01-02,1,1,60\n2017-01-03,1,1,8\n").encode()
Rows = list[tuple[str, str, str, float | None]]


async def undo(service: Service, import_id: str, key: str | None = None) -> import_pb2.Import:
    request = import_service_pb2.UndoImportRequest(import_id=import_id)
    return await service.imports.UndoImport(request, timeout=30, metadata=service.auth(key))


async def history(service: Service, **fields: Any) -> Rows:  # noqa: ANN401 - fields of a message
    request = sale_service_pb2.ListSalesHistoryRequest(page_size=1000, **fields)
    reply = await service.sales.ListSalesHistory(request, timeout=30, metadata=service.auth())
    return [(row.shop_id, row.product_id, row.date, row.quantity) for row in reply.sales]


async def changes(service: Service, since: str) -> Rows:
    request = versions_pb2.ReadChangesRequest(since_data_version=since)
    call = service.versions.ReadChanges(request, timeout=30, metadata=service.auth())
    data = b"".join([chunk.ipc async for chunk in call])
    with pa.ipc.open_stream(pa.BufferReader(data)) as reader:
        rows = reader.read_all().to_pylist()
    return [(row["shop_id"], row["product_id"], str(row["date"]), row["quantity"]) for row in rows]


async def digest(service: Service) -> str:
    request = versions_pb2.CreateSnapshotRequest()
    return (await service.versions.CreateSnapshot(request, timeout=30, metadata=service.auth())).digest


async def test_what_was_stored_before_an_import_counts_again(service: Service) -> None:
    await service.load(MONDAY)
    before, digest_before = await history(service), await digest(service)
    tuesday = await service.load(TUESDAY)

    undone = await undo(service, tuesday.import_id)

    assert undone.undone_data_version == "dv-3"
    assert undone.HasField("undone_at")
    assert undone.status == import_pb2.IMPORT_STATUS_COMPLETED
    assert await history(service) == before
    assert await digest(service) == digest_before


async def test_the_time_before_the_undo_still_sees_the_rows(service: Service) -> None:
    tuesday = await service.load(TUESDAY)
    seen = await history(service)
    known = service.rows("SELECT created_at FROM data_versions WHERE number = 1")[0][0]

    undone = await undo(service, tuesday.import_id)

    at = str(known).replace(" ", "T") + "Z"
    assert await history(service) == []
    assert await history(service, as_of=at) == seen
    assert await history(service, as_of=undone.undone_at.ToJsonString()) == []
    assert service.rows("SELECT COUNT(*) FROM sales") == [(2,)]


async def test_changes_tell_what_is_below_and_what_is_gone(service: Service) -> None:
    await service.load(MONDAY)
    tuesday = await service.load(TUESDAY)

    await undo(service, tuesday.import_id)

    gone: Rows = [("1", "1", "2017-01-02", 6.0), ("1", "1", "2017-01-03", None)]
    assert await changes(service, "dv-2") == gone
    assert await changes(service, "dv-1") == []
    assert await changes(service, "dv-3") == []


async def test_a_day_that_was_corrected_and_undone_since_is_told_as_it_is_now(service: Service) -> None:
    await service.load(MONDAY)
    tuesday = await service.load(TUESDAY)
    await undo(service, tuesday.import_id)
    await service.load((HEADER + "2017-01-03,1,1,9\n").encode())

    assert await changes(service, "dv-2") == [
        ("1", "1", "2017-01-02", 6.0),
        ("1", "1", "2017-01-03", 9.0),
    ]
    assert await changes(service, "dv-1") == [("1", "1", "2017-01-03", 9.0)]


async def test_what_was_told_after_an_import_stays(service: Service) -> None:
    monday = await service.load(MONDAY)
    await service.load(TUESDAY)

    await undo(service, monday.import_id)

    assert await history(service) == [("1", "1", "2017-01-02", 60.0), ("1", "1", "2017-01-03", 8.0)]
    assert await changes(service, "dv-2") == [
        ("1", "1", "2017-01-01", None),
        ("1", "1", "2017-01-02", 60.0),
        ("2", "1", "2017-01-01", None),
    ]


async def test_import_undo_import_gives_the_same_snapshot(service: Service) -> None:
    first = await service.load(MONDAY)
    whole = await digest(service)
    await undo(service, first.import_id)

    again = await service.load(MONDAY)

    assert again.repeated_import_id == ""
    assert (again.report.accepted_count, again.report.repeated_count) == (3, 0)
    assert await digest(service) == whole
    assert (await service.load(MONDAY)).repeated_import_id == again.import_id


async def test_a_file_that_only_repeated_undone_rows_can_be_sent_again(service: Service) -> None:
    monday = await service.load(MONDAY)
    both = MONDAY + b"2017-01-09,1,1,1\n"
    await service.load(both)
    await undo(service, monday.import_id)

    again = await service.load(both)

    assert again.repeated_import_id == ""
    assert (again.report.accepted_count, again.report.repeated_count) == (3, 1)
    assert [row[3] for row in await history(service)] == [5.0, 6.0, 1.0, 7.0]


async def test_undoing_twice_changes_nothing(service: Service) -> None:
    done = await service.load(MONDAY)
    first = await undo(service, done.import_id)

    second = await undo(service, done.import_id)

    assert second == first
    assert service.rows("SELECT COUNT(*) FROM data_versions") == [(2,)]


async def test_a_sale_of_a_day_that_was_undone_is_gone_and_can_be_recorded_anew(service: Service) -> None:
    done = await service.load(MONDAY)
    await undo(service, done.import_id)
    sale = sale_pb2.Sale(shop_id="1", product_id="1", date="2017-01-01", quantity=5)

    made = await service.sales.CreateSale(
        sale_service_pb2.CreateSaleRequest(sale=sale), timeout=30, metadata=service.auth()
    )

    assert made.quantity == 5
    assert await history(service) == [("1", "1", "2017-01-01", 5.0)]


@pytest.mark.parametrize("kind", ["dry run", "repeat", "pending", "nothing new"])
async def test_what_stored_nothing_cannot_be_undone(service: Service, kind: str) -> None:
    if kind == "pending":
        import_id = (await service.submit(MONDAY)).job_id
    else:
        if kind != "dry run":
            await service.load(MONDAY)
        content = MONDAY + b"\n" if kind == "nothing new" else MONDAY
        import_id = (await service.load(content, dry_run=kind == "dry run")).import_id

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await undo(service, import_id)

    expected = {
        "dry run": "it was a dry run",
        "repeat": "it only repeated the import",
        "pending": "it has not completed",
        "nothing new": "it has stored nothing",
    }
    assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert expected[kind] in (caught.value.details() or "")


async def test_nobody_undoes_another_tenants_import(service: Service) -> None:
    done = await service.load(MONDAY)
    other = await create_api_key(service.settings, "other", "admin", "tests")

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await undo(service, done.import_id, other)

    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
    assert len(await history(service)) == 3


async def test_weeks_and_months_forget_an_undone_import_too(service: Service) -> None:
    await service.load(MONDAY)
    tuesday = await service.load(TUESDAY)
    await undo(service, tuesday.import_id)

    assert await history(service, granularity=sale_service_pb2.GRANULARITY_MONTH) == [
        ("1", "1", "2017-01-01", 11.0),
        ("2", "1", "2017-01-01", 7.0),
    ]


async def test_a_snapshot_of_the_version_before_the_undo_still_has_its_rows(service: Service) -> None:
    await service.load(MONDAY)
    tuesday = await service.load(TUESDAY)
    whole = await digest(service)
    await undo(service, tuesday.import_id)

    request = versions_pb2.CreateSnapshotRequest(data_version="dv-2")
    earlier = await service.versions.CreateSnapshot(request, timeout=30, metadata=service.auth())

    assert await digest(service) != whole
    assert earlier.digest == whole
