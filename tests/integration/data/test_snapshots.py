"""Snapshots by month and differences of data versions over gRPC, on both stores."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import grpc
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from shelfcast.ingestion.v1 import import_service_pb2
from shelfcast.sales.v1 import data_version_pb2, sale_service_pb2
from shelfcast.sales.v1 import data_version_service_pb2 as versions_pb2
from shelfcast_data.adapters.archive.files import ArchiveFiles
from shelfcast_data.adapters.arrow.snapshot_file import SnapshotFiles
from shelfcast_data.adapters.arrow.tables import SalesTables
from shelfcast_data.adapters.files.folder import Folder
from shelfcast_data.adapters.sql.read_route import ReadRoute
from shelfcast_data.adapters.sql.sales_table import SalesTable
from shelfcast_data.adapters.sql.transaction import DataTx
from shelfcast_data.domain.data_version import Changes
from shelfcast_servicekit.transact import Transactor

from tests.integration.data.test_sales import HEADER, create, table

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.data.conftest import Service

ADDED = data_version_pb2.DAY_CHANGE_ADDED
CORRECTED = data_version_pb2.DAY_CHANGE_CORRECTED
WITHDRAWN = data_version_pb2.DAY_CHANGE_WITHDRAWN


async def snapshot(service: Service, **fields: Any) -> data_version_pb2.Snapshot:  # noqa: ANN401 - fields of a message
    request = versions_pb2.CreateSnapshotRequest(**fields)
    return await service.versions.CreateSnapshot(request, timeout=30, metadata=service.auth())


async def rows_of(service: Service, made: data_version_pb2.Snapshot) -> list[dict[str, Any]]:
    read = versions_pb2.ReadSnapshotRequest(snapshot_id=made.snapshot_id)
    found, _ = await table(service.versions.ReadSnapshot(read, timeout=30, metadata=service.auth()))
    return found.to_pylist()


async def differences(service: Service, **fields: Any) -> versions_pb2.DiffDataVersionsResponse:  # noqa: ANN401 - fields of a message
    request = versions_pb2.DiffDataVersionsRequest(**fields)
    return await service.versions.DiffDataVersions(request, timeout=30, metadata=service.auth())


async def withdraw(service: Service, sale_id: str) -> None:
    request = sale_service_pb2.DeleteSaleRequest(sale_id=sale_id)
    await service.sales.DeleteSale(request, timeout=30, metadata=service.auth())


def store_of(service: Service) -> Path:
    return service.settings.data_dir / "store"


async def anew(service: Service) -> str:
    """Give the digest of the newest data's snapshot, written without a parent."""
    store: Transactor[DataTx] = Transactor(service.worker_engine, None, DataTx)
    folder = Folder(service.settings.store_url)
    table = SalesTable(ReadRoute(store), ArchiveFiles(folder))
    tables = SalesTables(table, SnapshotFiles(folder))
    view = store.read_sync(lambda tx: tx.versions("acme").view())
    return tables.write_snapshot("acme", view, None, Changes((), ())).digest


def many_months(days: int = 200) -> bytes:
    first = date(2017, 1, 1)
    lines = [
        f"{first + timedelta(days=day)},s{shop},p{day % 3},{day % 7},1.5,0,1\n"
        for day in range(days)
        for shop in (1, 2)
    ]
    return HEADER + "".join(lines).encode()


async def test_a_snapshot_holds_the_current_rows_and_is_made_once(service: Service) -> None:
    rows = (
        b"2017-02-02,s2,b,2.5,1.29,1,0\n2017-01-01,s2,b,1,,,\n2017-01-01,s1,c,3,,0,1\n2017-01-01,s2,a,-1,,,\n"
    )
    await service.load(HEADER + rows)
    gone = await create(service, shop_id="s9", product_id="gone")
    await withdraw(service, gone.sale_id)

    first, again = await snapshot(service), await snapshot(service)
    found = await rows_of(service, first)

    assert first == again
    assert (first.row_count, first.first_date, first.last_date) == (3, "2017-01-01", "2017-02-02")
    assert first.data_version == "dv-3"
    assert [(part.month, part.row_count) for part in first.parts] == [("2017-01", 2), ("2017-02", 1)]
    paths = [store_of(service) / part.store_path for part in first.parts]
    assert [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths] == [
        part.digest for part in first.parts
    ]
    listed = store_of(service) / first.store_path
    assert hashlib.sha256(listed.read_bytes()).hexdigest() == first.digest
    assert pa.concat_tables(map(pq.read_table, paths)).to_pylist() == found
    assert [(*tuple(row.values())[:2], row["date"].month, *list(row.values())[3:]) for row in found] == [
        ("s1", "c", 1, 3.0, None, False, True),
        ("s2", "b", 1, 1.0, None, None, None),
        ("s2", "b", 2, 2.5, 1.29, True, False),
    ]


async def test_one_more_day_writes_one_part(service: Service) -> None:
    await service.load(many_months())
    first = await snapshot(service)
    await create(service, shop_id="s1", product_id="p9", date="2017-03-05")

    second = await snapshot(service)

    changed = [
        old.month for old, new in zip(first.parts, second.parts, strict=True) if old.digest != new.digest
    ]
    assert changed == ["2017-03"]
    assert second.parent_snapshot_id == first.snapshot_id
    assert not first.HasField("parent_snapshot_id")
    assert second.row_count == first.row_count + 1
    assert second.digest == await anew(service)


async def test_equal_contents_have_equal_digests_however_they_came_about(service: Service) -> None:
    chance = np.random.default_rng(20_261_121)
    await service.load(many_months())
    first = await snapshot(service)
    for _ in range(12):
        day = date(2017, 1, 1) + timedelta(days=int(chance.integers(0, 260)))
        product = f"p{chance.integers(0, 4)}"
        made = await create(
            service, product_id=product, date=day.isoformat(), quantity=float(chance.integers(9))
        )
        if chance.random() < 0.5:
            await withdraw(service, made.sale_id)
        if chance.random() < 0.5:
            await snapshot(service)

    last = await snapshot(service)

    assert last.digest == await anew(service)
    assert last.digest != first.digest


async def test_a_day_added_and_withdrawn_gives_the_first_snapshot_again(service: Service) -> None:
    await service.load(many_months(40))
    first = await snapshot(service)
    made = await create(service, product_id="p9", date="2020-05-05")
    between = await snapshot(service)
    await withdraw(service, made.sale_id)

    last = await snapshot(service)

    assert [part.month for part in between.parts][-1] == "2020-05"
    assert (last.snapshot_id, last.digest) == (first.snapshot_id, first.digest)


async def test_an_undone_import_is_gone_from_snapshot_and_told_as_a_difference(service: Service) -> None:
    await service.load(many_months(200))
    first = await snapshot(service)
    undone = await service.load(HEADER + b"2017-03-05,s1,p9,7,,,\n2017-03-04,s1,p2,99,,,\n")
    await snapshot(service)
    request = import_service_pb2.UndoImportRequest(import_id=undone.import_id)
    await service.imports.UndoImport(request, timeout=30, metadata=service.auth())

    last = await snapshot(service)
    found = await differences(service, data_version=last.data_version)

    assert (last.digest, last.HasField("parent_snapshot_id")) == (first.digest, True)
    assert [(each.product_id, each.change) for each in found.differences] == [
        ("p2", CORRECTED),
        ("p9", WITHDRAWN),
    ]
    assert (found.differences[0].before.quantity, found.differences[0].after.quantity) == (99.0, 6.0)


async def test_earlier_versions_are_shown_as_they_were(service: Service) -> None:
    await create(service, quantity=5)
    between = datetime.now(UTC)
    await create(service, quantity=8)
    await snapshot(service)

    by_version = await snapshot(service, data_version="dv-1")
    by_time = await snapshot(service, as_of=between)

    assert by_version == by_time
    assert by_version.data_version == "dv-1"
    assert [row["quantity"] for row in await rows_of(service, by_version)] == [5.0]


async def test_a_damaged_parent_is_not_built_upon(service: Service) -> None:
    await service.load(many_months())
    first = await snapshot(service)
    (store_of(service) / first.parts[0].store_path).unlink()
    await create(service, shop_id="s1", product_id="p9", date="2017-06-05")

    second = await snapshot(service)

    assert not second.HasField("parent_snapshot_id")
    assert len(await rows_of(service, second)) == second.row_count == first.row_count + 1


async def test_a_snapshot_whose_part_is_gone_is_made_again(service: Service) -> None:
    await create(service)
    first = await snapshot(service)
    (store_of(service) / first.parts[0].store_path).unlink()

    again = await snapshot(service)

    assert again.digest == first.digest
    assert len(await rows_of(service, again)) == 1


@pytest.mark.parametrize("is_list", [True, False])
async def test_a_damaged_snapshot_is_told_and_the_next_one_is_whole(service: Service, is_list: bool) -> None:
    await create(service)
    made = await snapshot(service)
    path = store_of(service) / (made.store_path if is_list else made.parts[0].store_path)
    path.write_bytes(path.read_bytes()[:-1] + b"?")

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await rows_of(service, made)
    mended = await snapshot(service)

    assert caught.value.code() is grpc.StatusCode.INTERNAL
    assert len(await rows_of(service, mended)) == 1


async def test_no_snapshot_without_sales(service: Service) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await service.versions.CreateSnapshot(
            versions_pb2.CreateSnapshotRequest(), timeout=30, metadata=service.auth()
        )

    assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION


async def test_differences_tell_each_day_and_count_all(service: Service) -> None:
    await service.load(HEADER + b"2017-01-01,s1,a,1,,,\n2017-01-02,s1,a,2,,,\n2017-01-01,s2,b,3,1.5,,\n")
    gone = await create(service, shop_id="s1", product_id="a", date="2017-01-02", quantity=2.5)
    await withdraw(service, gone.sale_id)
    await service.load(HEADER + b"2017-01-01,s2,b,3,1.75,1,\n2017-01-09,s1,a,4,,,\n")

    found = await differences(service, data_version="dv-4", base_data_version="dv-1")
    newest = await differences(service, data_version="dv-4")

    assert (found.added_count, found.corrected_count, found.withdrawn_count) == (1, 1, 1)
    assert (found.series_count, found.base_data_version, newest.base_data_version) == (2, "dv-1", "dv-3")
    assert [(each.shop_id, each.date, each.change) for each in found.differences] == [
        ("s1", "2017-01-02", WITHDRAWN),
        ("s1", "2017-01-09", ADDED),
        ("s2", "2017-01-01", CORRECTED),
    ]
    gone_day, new_day, other = found.differences
    assert (gone_day.before.quantity, gone_day.HasField("after")) == (2.0, False)
    assert (new_day.after.quantity, new_day.HasField("before")) == (4.0, False)
    assert (other.before.unit_price, other.after.unit_price) == (1.5, 1.75)
    assert (other.before.HasField("is_promotion"), other.after.is_promotion) == (False, True)
    assert [each.date for each in newest.differences] == ["2017-01-09", "2017-01-01"]


async def test_differences_come_in_pages(service: Service) -> None:
    await create(service)
    await service.load(many_months(20))
    wanted = {"data_version": "dv-2", "page_size": 7}

    pages = [await differences(service, **wanted)]
    while pages[-1].next_page_token:
        pages.append(await differences(service, **wanted, page_token=pages[-1].next_page_token))

    days = [(each.shop_id, each.product_id, each.date) for page in pages for each in page.differences]
    assert len(days) == pages[0].added_count == pages[-1].added_count == 40
    assert days == sorted(set(days))


async def test_a_day_set_back_is_no_difference(service: Service) -> None:
    await create(service, quantity=5)
    await create(service, quantity=6)
    await create(service, quantity=5)

    found = await differences(service, data_version="dv-3", base_data_version="dv-1")

    assert (found.corrected_count, list(found.differences)) == (0, [])


@pytest.mark.parametrize(
    ("version", "base", "code"),
    [
        ("dv-9", None, grpc.StatusCode.NOT_FOUND),
        ("dv-1", "dv-2", grpc.StatusCode.INVALID_ARGUMENT),
        ("newest", None, grpc.StatusCode.NOT_FOUND),
    ],
)
async def test_differences_of_unknown_or_reversed_versions_are_refused(
    service: Service, version: str, base: str | None, code: grpc.StatusCode
) -> None:
    await create(service, quantity=5)
    await create(service, quantity=6)

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await differences(service, data_version=version, base_data_version=base)

    assert caught.value.code() is code
