"""Lists as CSV, XLSX and Parquet files, on both stores."""

from __future__ import annotations

import asyncio
import csv
import io
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, cast

import grpc
import openpyxl
import pyarrow.parquet as pq
import pytest
from openpyxl.worksheet._writer import ALL_TEMP_FILES
from shelfcast.catalog.v1 import product_pb2, product_service_pb2
from shelfcast.exports.v1 import export_service_pb2
from shelfcast_data.adapters.export import sheets
from shelfcast_data.application.hand_out_exports import ExportOutlet
from shelfcast_data.bootstrap.commands import create_api_key
from shelfcast_data.domain.export import Column, ExportForm, Kind
from shelfcast_servicekit.executor import BlockingExecutor

from tests.integration.data.test_sales import HEADER, create

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from shelfcast_data.domain.export import Part
    from shelfcast_data.ports.store import Store
    from shelfcast_data.ports.tables import Tables

    from tests.integration.data.conftest import Service

SALES = b"2017-01-02,s2,b,2.5,1.29,1,0\n2017-01-01,s1,c,3,,0,1\n2017-01-03,s1,b,4,,,\n"
DANGEROUS = ["=1+1", "+1", "-1", "@SUM(A1)"]


async def export(service: Service, file: str, key: str | None = None, **fields: Any) -> bytes:  # noqa: ANN401 - fields of a message
    request = export_service_pb2.DownloadExportRequest(file=file, **fields)
    call = service.exports.DownloadExport(request, timeout=60, metadata=service.auth(key))
    return b"".join([message.data async for message in call])


async def refusal(service: Service, file: str, key: str | None = None, **fields: Any) -> grpc.aio.AioRpcError:  # noqa: ANN401 - fields of a message
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await export(service, file, key, **fields)
    return caught.value


async def put_product(service: Service, product_id: str, **fields: Any) -> None:  # noqa: ANN401 - fields of a message
    product = product_pb2.Product(product_id=product_id, **fields)
    request = product_service_pb2.CreateProductRequest(product=product)
    await service.products.CreateProduct(request, timeout=30, metadata=service.auth())


def rows_of_csv(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode("utf-8"), newline="")))


def rows_of_workbook(data: bytes) -> list[tuple[Any, ...]]:
    return list(openpyxl.load_workbook(io.BytesIO(data))["export"].iter_rows(values_only=True))


async def test_exported_sales_are_what_an_import_takes(service: Service) -> None:
    await service.load(HEADER + SALES)

    exported = await export(service, "sales.csv")
    again = await service.load(exported)

    assert rows_of_csv(exported)[1:] == [
        {
            "shop_id": "s1",
            "product_id": "c",
            "date": "2017-01-01",
            "quantity": "3",
            "unit_price": "",
            "is_promotion": "false",
            "was_available": "true",
        },
        {
            "shop_id": "s2",
            "product_id": "b",
            "date": "2017-01-02",
            "quantity": "2.5",
            "unit_price": "1.29",
            "is_promotion": "true",
            "was_available": "false",
        },
    ]
    assert (again.report.repeated_count, again.report.rejected_count) == (3, 0)


async def test_the_forms_hold_the_same_rows(service: Service) -> None:
    await service.load(HEADER + SALES)

    header, *rows = rows_of_workbook(await export(service, "sales.xlsx"))
    table = pq.read_table(io.BytesIO(await export(service, "sales.parquet")))

    assert list(header) == table.column_names
    plain = [tuple(row.values()) for row in table.to_pylist()]
    assert [(*row[:2], row[2].date(), *row[3:]) for row in rows] == plain
    assert plain[2] == ("s2", "b", date(2017, 1, 2), 2.5, 1.29, True, False)


async def test_sales_are_narrowed(service: Service) -> None:
    await service.load(HEADER + SALES)
    before = datetime.now(UTC).isoformat()
    await create(service, shop_id="s1", product_id="b", date="2017-01-03", quantity=9)

    by_ids = await export(service, "sales.csv", shop_id="s1", product_id="b")
    by_dates = await export(service, "sales.csv", start="2017-01-01", end="2017-01-02")
    by_time = await export(service, "sales.csv", product_id="b", shop_id="s1", as_of=before)

    assert [row["quantity"] for row in rows_of_csv(by_ids)] == ["9"]
    assert [row["date"] for row in rows_of_csv(by_dates)] == ["2017-01-01", "2017-01-02"]
    assert [row["quantity"] for row in rows_of_csv(by_time)] == ["4"]


async def test_withdrawn_days_are_left_out_and_no_sales_are_a_header(service: Service) -> None:
    assert rows_of_csv(await export(service, "sales.csv")) == []
    assert (await export(service, "sales.csv")).startswith(b'"shop_id","product_id","date"')


async def test_every_list_goes_out_whole(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        await put_product(service, f"p{number}", name=f"Product {number}", price=1.5 if number else None)
    monkeypatch.setattr("shelfcast_data.entrypoints.grpc.list_table.MAX_PAGE_SIZE", 2)

    products = rows_of_csv(await export(service, "products.csv"))
    keys = rows_of_csv(await export(service, "api-keys.csv"))

    assert [row["product_id"] for row in products] == [f"p{number}" for number in range(5)]
    assert [row["price"] for row in products] == ["", "1.5", "1.5", "1.5", "1.5"]
    assert datetime.fromisoformat(products[0]["created_at"]).tzinfo is not None
    assert [row["name"] for row in keys] == ["tests"]


async def test_no_text_becomes_a_formula(service: Service) -> None:
    for number, text in enumerate(DANGEROUS):
        await put_product(service, f"p{number}", name=text)
    await put_product(service, "p9", name="a = b")

    names = [row["name"] for row in rows_of_csv(await export(service, "products.csv"))]
    book = openpyxl.load_workbook(io.BytesIO(await export(service, "products.xlsx")))
    cells = [row[1] for row in book["export"].iter_rows(min_row=2)]

    assert names == [*(f"'{text}" for text in DANGEROUS), "a = b"]
    assert [(cell.value, cell.data_type) for cell in cells] == [(text, "s") for text in [*DANGEROUS, "a = b"]]


async def test_the_permission_of_the_list_is_needed_too(service: Service) -> None:
    viewer = await create_api_key(service.settings, "acme", "viewer", "looks")

    allowed = await export(service, "products.csv", viewer)
    refused = await refusal(service, "api-keys.csv", viewer)

    assert allowed.startswith(b'"product_id"')
    assert refused.code() is grpc.StatusCode.PERMISSION_DENIED


async def test_other_tenants_are_not_exported(service: Service) -> None:
    await service.load(HEADER + SALES)
    other = await create_api_key(service.settings, "rival", "admin", "other")

    assert rows_of_csv(await export(service, "sales.csv", other)) == []


@pytest.mark.parametrize("file", ["sales", "sales.pdf", "secrets.csv", "../sales.csv", ".csv"])
async def test_unknown_files_are_not_found(service: Service, file: str) -> None:
    assert (await refusal(service, file)).code() is grpc.StatusCode.NOT_FOUND


async def test_a_filter_that_the_list_has_not_is_refused(service: Service) -> None:
    assert (await refusal(service, "shops.csv", product_id="b")).code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_a_reversed_range_is_refused(service: Service) -> None:
    refused = await refusal(service, "sales.csv", start="2017-02-01", end="2017-01-01")

    assert refused.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_a_workbook_with_too_many_rows_is_refused_and_removed(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    await service.load(HEADER + SALES)
    monkeypatch.setattr(sheets, "MOST_ROWS", 2)

    refused = await refusal(service, "sales.xlsx")

    assert refused.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert list((service.settings.data_dir / "exports").iterdir()) == []
    assert not ALL_TEMP_FILES


@pytest.mark.parametrize("form", [ExportForm.PARQUET, ExportForm.XLSX])
async def test_a_client_that_hangs_up_leaves_nothing_behind(form: ExportForm, tmp_path: Path) -> None:
    executor = BlockingExecutor("tables", 2)
    outlet = ExportOutlet(cast("Store", None), cast("Tables", None), sheets.ExportFiles(tmp_path), executor)
    columns = [Column("name", Kind.TEXT), Column("number", Kind.WHOLE)]

    async def parts() -> AsyncGenerator[Part]:
        while True:
            yield {"name": ["x" * 20] * 20_000, "number": list(range(20_000))}

    async def taken() -> None:
        async for _ in outlet.file(form, columns, parts()):
            pass

    for pause in (0.0, 0.001, 0.002, 0.01, 0.05, 0.1, 0.2):
        task = asyncio.create_task(taken())
        await asyncio.sleep(pause)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    assert executor.in_flight == 0
    assert not await asyncio.to_thread(lambda: list(tmp_path.iterdir()))
    assert not ALL_TEMP_FILES
    executor.close()
