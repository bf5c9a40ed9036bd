"""The same rows in every form of file give the same sales and the same refusals."""

from __future__ import annotations

import gzip
import io
import json
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import grpc
import openpyxl
import pyarrow as pa
import pytest
from pyarrow import parquet

from tests.integration.data.test_bad_files import reason_of, zipped

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shelfcast.ingestion.v1 import import_pb2

    from tests.integration.data.conftest import Service

NAMES = ["date", "store", "item", "sales", "price", "promo"]
ROWS: Sequence[Sequence[str]] = [
    ["2017-01-01", "1", "a", "5", "1.25", "true"],
    ["2017-01-02", "1", 'b, "c"', "7.5", "", "false"],
    ["2017-02-30", "1", "a", "5", "", ""],
    ["2017-01-03", "1", "a", "many", "", ""],
    ["2017-01-04", "1", "a\nb", "5", "", ""],
    ["2017-01-05", "ä", "a", "0", "0.000001", "1"],
]
REFUSED = [
    (3, "date", "2017-02-30", "date.calendar"),
    (4, "sales", "many", "quantity.number"),
    (5, "item", "a\ufffdb", "product_id.form"),
]


def ndjson(rows: Sequence[Sequence[object]]) -> bytes:
    return b"".join(json.dumps(dict(zip(NAMES, row, strict=True))).encode() + b"\n" for row in rows)


def array(rows: Sequence[Sequence[object]]) -> bytes:
    return json.dumps([dict(zip(NAMES, row, strict=True)) for row in rows], indent=1).encode()


def packed(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    parquet.write_table(table, sink)
    return sink.getvalue()


def columns(rows: Sequence[Sequence[object]]) -> bytes:
    return packed(pa.table([pa.array(list(column)) for column in zip(*rows, strict=True)], names=NAMES))


def workbook(rows: Sequence[Sequence[object]]) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (NAMES, *rows):
        sheet.append([None if cell == "" else cell for cell in row])
    sink = io.BytesIO()
    book.save(sink)
    return sink.getvalue()


FORMS: dict[str, Callable[[Sequence[Sequence[object]]], bytes]] = {
    "NDJSON": ndjson,
    "JSON": array,
    "Parquet": columns,
    "XLSX": workbook,
    "NDJSON in gzip": lambda rows: gzip.compress(ndjson(rows)),
    "JSON in zip": lambda rows: zipped(array(rows)),
}


def refusals(done: import_pb2.Import) -> list[tuple[int, str, str, str]]:
    return [(each.row, each.pointer, each.value, each.rule) for each in done.report.rejections]


def stored(service: Service) -> list[tuple[str, str, float | None, float | None]]:
    """Give shop, product, quantity and price of each sale; SQLite holds millionths as whole numbers."""
    rows = service.rows(
        "SELECT shop_id, product_id, quantity, unit_price"
        " FROM sales JOIN series ON series.series_no = sales.series_no ORDER BY sale_date"
    )
    return [(shop, product, units(quantity), units(price)) for shop, product, quantity, price in rows]


def units(value: int | Decimal | None) -> float | None:
    return value / 1_000_000 if isinstance(value, int) else None if value is None else float(value)


@pytest.mark.parametrize("form", FORMS)
async def test_every_form_gives_the_same_rows_and_refusals(service: Service, form: str) -> None:
    done = await service.load(FORMS[form](ROWS))

    assert refusals(done) == REFUSED
    assert done.report.accepted_count == 3
    assert stored(service) == [("1", "a", 5, 1.25), ("1", 'b, "c"', 7.5, None), ("ä", "a", 0, 0.000001)]


async def test_typed_cells_read_as_their_text(service: Service) -> None:
    table = pa.table(
        {
            "date": pa.array([datetime(2017, 1, 1), datetime(2017, 1, 2)], pa.timestamp("ns")),  # noqa: DTZ001
            "store": pa.array([1, 2], pa.int8()),
            "item": pa.array(["a", "b"]).dictionary_encode(),
            "sales": pa.array([5.0, 1e-6]),
            "price": pa.array([None, 2.5]),
            "promo": pa.array([True, None]),
            "nested": pa.array([[1], [2]]),
        }
    )

    done = await service.load(packed(table))

    assert refusals(done) == []
    assert stored(service) == [("1", "a", 5, None), ("2", "b", 0.000001, 2.5)]


async def test_a_workbook_of_days_and_numbers_is_read(service: Service) -> None:
    rows = [[date(2017, 1, 1), 1, "a", 5, 1.25, True], [datetime(2017, 1, 2), 2.0, 7, 0.5, None, False]]  # noqa: DTZ001

    done = await service.load(workbook(rows))

    assert refusals(done) == []
    assert stored(service) == [("1", "a", 5, 1.25), ("2", "7", 0.5, None)]


async def test_numbers_of_json_keep_their_digits(service: Service) -> None:
    line = b'{"date":"2017-01-01","store":1,"item":2,"sales":123456789.123456}\n'

    done = await service.load(line + line.replace(b"123456789.123456", b"NaN").replace(b"-01-01", b"-01-02"))

    assert refusals(done) == [(2, "sales", "NaN", "quantity.finite")]
    assert stored(service) == [("1", "2", 123456789.123456, None)]


async def test_a_line_that_is_no_object_is_a_refused_row(service: Service) -> None:
    good = ndjson([["2017-01-01", "1", "a", "5", "", ""]])

    done = await service.load(good + b'{"date": "2017-\n\n[1]\n' + good.replace(b"01-01", b"01-02"))

    assert [(row, rule) for row, _, _, rule in refusals(done)] == [(2, "row.columns"), (4, "row.columns")]
    assert done.report.accepted_count == 2


async def test_a_name_that_appears_late_is_a_column_all_the_same(service: Service) -> None:
    late = b'{"date":"2017-01-02","store":"1","item":"a","sales":3,"is_return":true}\n'
    rows = b"".join(
        b'{"date":"2017-01-01","store":"1","item":"p%d","sales":3}\n' % number for number in range(3000)
    )

    done = await service.load(rows + late)

    assert dict(done.mapping)["is_return"] == "is_return"
    assert done.report.accepted_count == 3001


EMPTY = pa.table({name: pa.array([], pa.utf8()) for name in NAMES})
BAD = {
    "damaged Parquet": (columns(ROWS)[:-40] + b"\0" * 40, "FILE_UNREADABLE"),
    "Parquet that breaks off": (columns(ROWS)[:200], "FILE_UNREADABLE"),
    "Parquet without rows": (packed(EMPTY), "FILE_EMPTY"),
    "dense Parquet": (
        packed(pa.table({name: pa.array(["2017-01-01"] * 3_000_000) for name in NAMES})),
        "EXPANSION_TOO_LARGE",
    ),
    "a workbook without its sheet": (workbook(ROWS)[:-300], "FILE_UNREADABLE"),
    "a workbook of nothing": (zipped(b"", "[Content_Types].xml"), "FILE_UNREADABLE"),
    "JSON that breaks off": (array(ROWS)[:-20], "FILE_UNREADABLE"),
    "JSON without a record": (b"[]", "FILE_EMPTY"),
    "one object over many lines": (json.dumps({"sales": []}, indent=1).encode(), "FILE_UNREADABLE"),
    "JSON without a column": (b'[{"date": "2017-01-01", "sales": 1}]', "COLUMN_MISSING"),
    "an endless text": (b'[{"date": "' + b"x" * 4_000_000, "LINE_TOO_LONG"),
    "an endless line": (b'{"date": "' + b"x" * 4_000_000, "LINE_TOO_LONG"),
}


@pytest.mark.parametrize("case", BAD)
async def test_a_damaged_file_is_refused_at_once(service: Service, case: str) -> None:
    content, reason = BAD[case]

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await service.submit(content)

    assert reason_of(caught.value)[0] == reason
    assert [path for path in (service.settings.data_dir / "store").rglob("*") if path.is_file()] == []
