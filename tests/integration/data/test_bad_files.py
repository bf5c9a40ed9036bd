"""Files that cannot be taken, whole or in part: place and remedy are named, nothing is half-written."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Callable
from typing import TYPE_CHECKING

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from shelfcast.ingestion.v1 import import_pb2, import_service_pb2
from shelfcast.jobs.v1 import job_pb2

if TYPE_CHECKING:
    from tests.integration.data.conftest import Service

HEADER = b"date,store,item,sales\n"
GOOD = b"2017-01-01,1,1,5\n"


def reason_of(error: grpc.aio.AioRpcError) -> tuple[str, dict[str, str]]:
    status = rpc_status.from_call(error)
    info = error_details_pb2.ErrorInfo()
    for detail in status.details:
        if detail.Is(info.DESCRIPTOR):
            detail.Unpack(info)
    return info.reason, dict(info.metadata)


def zipped(content: bytes, *names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names or ("sales.csv",):
            archive.writestr(name, content)
    return buffer.getvalue()


REFUSED = {
    "empty": (b"", "FILE_EMPTY"),
    "blank": (b"\n \n", "FILE_EMPTY"),
    "only a header": (HEADER, "FILE_EMPTY"),
    "missing column": (b"date,store,item\n2017-01-01,1,1\n", "COLUMN_MISSING"),
    "no header": (GOOD * 3, "COLUMN_MISSING"),
    "wrong delimiter": (b"date:store:item:sales\n2017-01-01:1:1:5\n", "DELIMITER_WRONG"),
    "UTF-16": ("date,store,item,sales\n2017-01-01,1,1,5\n".encode("utf-16"), "ENCODING_UNSUPPORTED"),
    "UTF-16 without a mark": (
        "date,store,item,sales\n2017-01-01,1,1,5\n".encode("utf-16-le"),
        "ENCODING_UNSUPPORTED",
    ),
    "Latin-1": ("date,store,item,menge ä\n2017-01-01,1,1,5\n".encode("latin-1"), "ENCODING_UNSUPPORTED"),
    "a program": (b"MZ\x90\x00" + GOOD, "FILE_UNREADABLE"),
    "NUL in the header": (b"date,store,item,sales\0\n" + GOOD, "FILE_UNREADABLE"),
    "a column twice": (b"date,store,item,sales,sales\n2017-01-01,1,1,5,5\n", "FILE_UNREADABLE"),
    "10,000 columns": (b",".join(b"c%d" % n for n in range(10_000)) + b"\n1\n", "FILE_UNREADABLE"),
    "a long line": (HEADER + b"x" * 3_000_000, "LINE_TOO_LONG"),
    "a long header": (b"x" * 3_000_000, "LINE_TOO_LONG"),
    "gzip that breaks off": (gzip.compress(HEADER + GOOD * 1000)[:-20], "FILE_UNREADABLE"),
    "gzip bomb": (gzip.compress(HEADER + GOOD * 2_000_000), "EXPANSION_TOO_LARGE"),
    "zip bomb": (zipped(HEADER + GOOD * 2_000_000), "EXPANSION_TOO_LARGE"),
    "zip in zip": (zipped(zipped(HEADER + GOOD)), "FILE_UNREADABLE"),
    "zip of two": (zipped(HEADER + GOOD, "a.csv", "b.csv"), "FILE_UNREADABLE"),
    "a workbook": (zipped(b"<x/>", "[Content_Types].xml", "sheet.xml"), "FILE_UNREADABLE"),
    "a damaged zip": (b"PK\x03\x04" + b"\x00" * 100, "FILE_UNREADABLE"),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_a_file_is_refused_at_once(service: Service, case: str) -> None:
    content, reason = REFUSED[case]

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await service.submit(content)

    assert reason_of(caught.value)[0] == reason
    assert service.rows("SELECT COUNT(*) FROM imports") == [(0,)]
    assert service.rows("SELECT COUNT(*) FROM data_jobs") == [(0,)]
    left = [path for path in (service.settings.data_dir / "store").rglob("*") if path.is_file()]
    assert left == []


async def test_a_missing_column_is_named_with_what_was_found(service: Service) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await service.submit(b"when;store;units\n2017-01-01;1;5\n")

    assert reason_of(caught.value) == (
        "COLUMN_MISSING",
        {"columns": "date, product_id", "found": "when, store, units"},
    )


ROWS = {
    "2017-02-30,1,1,5": ("date", "2017-02-30", "date.calendar"),
    "30.09.2017,1,1,5": ("date", "30.09.2017", "date.form"),
    ",1,1,5": ("date", "", "date.required"),
    "2017-01-02,1,1,many": ("sales", "many", "quantity.number"),
    '2017-01-02,1,1,"1,5"': ("sales", "1,5", "quantity.number"),
    "2017-01-02,1,1,NaN": ("sales", "NaN", "quantity.finite"),
    "2017-01-02,1,1,-Infinity": ("sales", "-Infinity", "quantity.finite"),
    "2017-01-02,1,1,": ("sales", "", "quantity.required"),
    "2017-01-02,1,1,-3": ("sales", "-3", "quantity.negative"),
    "2017-01-02,1,1,1e12": ("sales", "1e12", "quantity.range"),
    "2017-01-02,1,,5": ("item", "", "product_id.required"),
    "2017-01-02,1,batch,5": ("item", "batch", "product_id.reserved"),
    f"2017-01-02,1,{'x' * 10_000},5": ("item", "x" * 200, "product_id.form"),
    "2017-01-02,1, 1,5": ("item", " 1", "product_id.form"),
    "2017-01-02,a\0b,1,5": ("store", "a\ufffdb", "shop_id.form"),
    "2017-01-02,1,1": ("", "2017-01-02,1,1", "row.columns"),
    "2017-01-02,1,1,5,6": ("", "2017-01-02,1,1,5,6", "row.columns"),
    '2017-01-02,1,"1,5': ("", '2017-01-02,1,"1,5', "row.quote"),
    "2017-01-01,1,1,7": ("", "1 / 1 / 2017-01-01", "row.duplicate"),
}


@pytest.mark.parametrize("row", ROWS)
async def test_a_bad_row_is_reported_and_the_others_are_taken(service: Service, row: str) -> None:
    column, value, rule = ROWS[row]

    done = await service.load(HEADER + GOOD + row.encode() + b"\n2017-01-03,1,1,9\n")

    assert [(each.row, each.pointer, each.value, each.rule) for each in done.report.rejections] == [
        (2, column, value, rule)
    ]
    assert done.report.rejections[0].detail
    assert (done.report.accepted_count, done.report.rejected_count) == (2, 1)
    assert service.rows("SELECT COUNT(*) FROM sales") == [(2,)]


async def test_rows_that_are_not_utf8_are_reported(service: Service) -> None:
    done = await service.load(
        HEADER + GOOD + "2017-01-02,1,ä,5\n".encode("latin-1") + GOOD.replace(b"01,1", b"05,1", 1)
    )

    assert [(each.row, each.rule) for each in done.report.rejections] == [(2, "row.encoding")]
    assert done.report.accepted_count == 2


async def test_numbers_of_rows_hold_over_chunks_and_blank_lines(service: Service) -> None:
    rows = [f"2017-01-{1 + n % 28:02d},1,{n},{n}" for n in range(400)]
    rows[150], rows[151], rows[390] = "", "bad", "2017-02-30,1,390,1"

    done = await service.load(HEADER + "\r\n".join(rows).encode())

    assert [(each.row, each.rule) for each in done.report.rejections] == [
        (152, "row.columns"),
        (391, "date.calendar"),
    ]
    assert done.report.accepted_count == 397


async def test_a_duplicate_far_away_in_the_file_is_reported(service: Service) -> None:
    rows = [f"2017-01-{1 + n % 28:02d},1,{n},{n}" for n in range(400)]

    done = await service.load(HEADER + "\n".join([*rows, rows[3], rows[7]]).encode())

    assert [(each.row, each.rule) for each in done.report.rejections] == [
        (401, "row.duplicate"),
        (402, "row.duplicate"),
    ]
    assert service.rows("SELECT COUNT(*) FROM sales") == [(400,)]


async def test_a_long_line_deep_in_a_gzip_fails_the_upload(service: Service) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await service.submit(gzip.compress(HEADER + GOOD * 100 + b"y" * 3_000_000))

    reason, facts = reason_of(caught.value)
    assert reason == "LINE_TOO_LONG"
    assert facts["offset"] == str(len(HEADER) + 100 * len(GOOD))


@pytest.mark.parametrize("pack", [gzip.compress, zipped])
async def test_compressed_files_are_taken(service: Service, pack: Callable[[bytes], bytes]) -> None:
    done = await service.load(pack(HEADER + GOOD))

    assert done.report.accepted_count == 1


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffDate;Store ID;Product-ID;Qty\r\n2017-01-01;1;1;5\r\n",
        "ds\tshop\tsku\ty\n2017-01-01 00:00:00\t1\t1\t5.0\n",
        'date|store|item|sales|note\n2017-01-01|1|1|5|"a ""quoted"" | note"\n',
        "date,store,item,sales\r2017-01-01,1,1,5\r",
    ],
)
async def test_usual_forms_of_csv_are_taken(service: Service, text: str) -> None:
    done = await service.load(text.encode())

    assert done.report.accepted_count == 1
    assert service.rows("SELECT shop_id, product_id FROM series") == [("1", "1")]


async def test_columns_can_be_mapped_and_the_shop_given(service: Service) -> None:
    text = b"when,what,much\n2017-01-01,a/b,5\n"

    done = await service.load(
        text, mapping={"date": "when", "product_id": "what", "much": "quantity"}, shop_id="s1"
    )

    assert dict(done.mapping) == {"date": "when", "product_id": "what", "quantity": "much"}
    assert service.rows("SELECT shop_id, product_id FROM series") == [("s1", "a/b")]


async def test_a_mapping_of_an_unknown_column_is_refused(service: Service) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await service.submit(HEADER + GOOD, mapping={"date": "when"})

    assert reason_of(caught.value)[0] == "MAPPING_INVALID"


async def test_a_dry_run_reports_and_stores_nothing(service: Service) -> None:
    done = await service.load(HEADER + GOOD + b"2017-02-30,1,1,5\n", dry_run=True)

    assert (done.report.accepted_count, done.report.rejected_count) == (1, 1)
    assert done.is_dry_run
    for table in ("sales", "series", "products", "shops", "data_versions"):
        assert service.rows(f"SELECT COUNT(*) FROM {table}") == [(0,)]


async def test_a_damaged_file_found_by_the_worker_leaves_nothing(service: Service) -> None:
    content = HEADER + b"".join(b"2017-01-%02d,1,%d,5\n" % (1 + n % 28, n) for n in range(500))
    job = await service.submit(content)
    (path,) = list((service.settings.data_dir / "store" / "imports").iterdir())
    path.write_bytes(content + b"z" * 2_000_000)

    ended = await service.work(job.job_id)

    assert ended.status == job_pb2.JOB_STATUS_FAILED
    assert ended.error["code"] == "LINE_TOO_LONG"
    for table in ("sales", "series", "products", "data_versions", "import_rejects"):
        assert service.rows(f"SELECT COUNT(*) FROM {table}") == [(0,)]
    record = await service.imports.GetImport(
        import_service_pb2.GetImportRequest(import_id=job.job_id), timeout=30, metadata=service.auth()
    )
    assert record.status == import_pb2.IMPORT_STATUS_FAILED
