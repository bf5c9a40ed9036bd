"""Pipelines: their versions, and imports that they prepare."""

from __future__ import annotations

import asyncio
import json
import random
import re
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.protobuf import json_format
from shelfcast.ingestion.v1 import import_pb2, import_service_pb2, pipeline_pb2
from shelfcast.ingestion.v1 import pipeline_service_pb2 as pb
from shelfcast.jobs.v1 import job_pb2
from shelfcast.sales.v1 import data_version_service_pb2
from shelfcast_data.bootstrap.commands import create_api_key

from tests.integration.data.catalogue_client import Entries
from tests.integration.data.test_bad_files import reason_of
from tests.integration.data.test_same_day import start, stored

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shelfcast.sales.v1 import data_version_pb2

    from tests.integration.data.conftest import Service

DOCS = Path(__file__).parents[3] / "docs" / "imports.md"
TILL: list[dict[str, Any]] = [
    {"filter_rows": {"column": "Art", "drop_values": ["Storno", "Test"]}},
    {"cast_date": {"column": "Zeit", "forms": ["%d.%m.%Y %H:%M"]}},
    {
        "aggregate_business_day": {
            "timestamp_column": "Zeit",
            "shop_column": "Filiale",
            "day_ends_at_hour": 4,
        }
    },
    {"cast_number": {"column": "Menge", "decimal_sign": ",", "group_sign": "."}},
    {"cast_number": {"column": "Preis", "decimal_sign": ",", "affix": "EUR"}},
    {
        "convert_unit": {
            "column": "Menge",
            "case_pack_product_column": "Artikel",
            "unit_column": "Einheit",
            "unit_values": ["Kiste"],
        }
    },
    {
        "convert_unit": {
            "column": "Preis",
            "case_pack_product_column": "Artikel",
            "is_divided": True,
            "unit_column": "Einheit",
            "unit_values": ["Kiste"],
        }
    },
    {"rename": {"column": "Filiale", "to": "shop_id"}},
    {"rename": {"column": "Artikel", "to": "product_id"}},
    {"rename": {"column": "Menge", "to": "quantity"}},
    {"rename": {"column": "Preis", "to": "unit_price"}},
    {"keep_columns": {"columns": ["date", "shop_id", "product_id", "quantity", "unit_price"]}},
    {"fill_closed_days": {"shop_column": "shop_id"}},
]
HEADER = "Zeit;Filiale;Artikel;Menge;Einheit;Preis;Art\n"
RECEIPTS = (
    HEADER + "05.03.2026 18:05;mitte;cola;2;Stück;1,50 EUR;Verkauf\n"
    "06.03.2026 03:59;mitte;cola;1;Kiste;24,00 EUR;Verkauf\n"
    "05.03.2026 18:06;mitte;cola;9;Stück;1,50 EUR;Storno\n"
    "06.03.2026 04:00;mitte;cola;1.000;Stück;1,25 EUR;Verkauf\n"
    "gestern;mitte;cola;1;Stück;1,50 EUR;Verkauf\n"
    "07.03.2026 12:00;mitte;cola;zwei;Stück;1,50 EUR;Verkauf\n"
    "07.03.2026 12:00;mitte;brot;1;Kiste;1,50 EUR;Verkauf\n"
    "08.03.2026 12:00;mitte;cola;0;Stück;;Verkauf\n"
)


def steps_of(steps: Sequence[dict[str, Any]]) -> list[pipeline_pb2.PipelineStep]:
    return [json_format.ParseDict(step, pipeline_pb2.PipelineStep()) for step in steps]


class Pipelines:
    """The RPCs of pipelines with a good key."""

    def __init__(self, service: Service, key: str | None = None) -> None:
        self._stub = service.pipelines
        self._call: dict[str, Any] = {"timeout": 30, "metadata": service.auth(key)}

    async def create(self, name: str, steps: Sequence[dict[str, Any]]) -> pipeline_pb2.Pipeline:
        pipeline = pipeline_pb2.Pipeline(name=name, steps=steps_of(steps))
        return await self._stub.CreatePipeline(pb.CreatePipelineRequest(pipeline=pipeline), **self._call)

    async def update(
        self, name: str, steps: Sequence[dict[str, Any]], etag: str = ""
    ) -> pipeline_pb2.Pipeline:
        pipeline = pipeline_pb2.Pipeline(steps=steps_of(steps), etag=etag)
        request = pb.UpdatePipelineRequest(name=name, pipeline=pipeline)
        return await self._stub.UpdatePipeline(request, **self._call)

    async def get(self, name: str) -> pipeline_pb2.Pipeline:
        return await self._stub.GetPipeline(pb.GetPipelineRequest(name=name), **self._call)

    async def delete(self, name: str) -> None:
        await self._stub.DeletePipeline(pb.DeletePipelineRequest(name=name), **self._call)

    async def names(self) -> list[str]:
        reply = await self._stub.ListPipelines(pb.ListPipelinesRequest(), **self._call)
        return [each.name for each in reply.pipelines]

    async def version(self, name: str, version: int) -> pipeline_pb2.PipelineVersion:
        request = pb.GetPipelineVersionRequest(name=name, version=version)
        return await self._stub.GetPipelineVersion(request, **self._call)

    async def versions(self, name: str, size: int) -> list[list[int]]:
        """Give the numbers of the versions page by page."""
        pages, token = [], ""
        while True:
            request = pb.ListPipelineVersionsRequest(name=name, page_size=size, page_token=token)
            reply = await self._stub.ListPipelineVersions(request, **self._call)
            pages.append([each.version for each in reply.versions])
            token = reply.next_page_token
            if not token:
                return pages


@pytest.fixture
def pipelines(service: Service) -> Pipelines:
    return Pipelines(service)


async def newest(service: Service) -> data_version_pb2.DataVersion:
    request = data_version_service_pb2.GetCurrentDataVersionRequest()
    return await service.versions.GetCurrentDataVersion(request, timeout=30, metadata=service.auth())


async def rename(pipelines: Pipelines, name: str, column: str) -> pipeline_pb2.Pipeline:
    return await pipelines.create(name, [{"rename": {"column": column, "to": "quantity"}}])


async def prepare(service: Service) -> None:
    """Make the shop and the products of the receipts."""
    await Entries(service, "shop").create(
        shop_id="mitte", time_zone="Europe/Berlin", opening_weekdays=[1, 2, 3, 4, 5, 6]
    )
    await Entries(service, "product").create(product_id="cola", case_pack=12.0)


async def test_changed_steps_make_a_version_that_stays(pipelines: Pipelines) -> None:
    first = await rename(pipelines, "till", "Menge")

    same = await pipelines.update("till", [{"rename": {"column": "Menge", "to": "quantity"}}], first.etag)
    changed = await pipelines.update("till", [{"rename": {"column": "Anzahl", "to": "quantity"}}])
    await pipelines.delete("till")
    gone = await pipelines.names()
    back = await pipelines.update("till", TILL)
    kept = await pipelines.version("till", 1)

    assert (first.version, same.version, changed.version, back.version) == (1, 1, 2, 3)
    assert first.digest == same.digest != changed.digest
    assert gone == []
    assert (kept.digest, list(kept.steps)) == (first.digest, list(first.steps))
    assert list(back.steps) == steps_of(TILL)
    assert await pipelines.versions("till", 2) == [[3, 2], [1]]


async def test_all_faults_of_all_steps_are_named(pipelines: Pipelines) -> None:
    bad: list[dict[str, Any]] = [
        {"rename": {"column": "", "to": "x"}},
        {"cast_date": {"column": "day", "forms": ["%H:%M"]}},
        {"filter_rows": {"column": "kind", "keep_values": ["a"], "drop_values": ["b"]}},
    ]

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await pipelines.create("till", bad)

    assert reason_of(caught.value)[0] == "FIELD_MISSING"
    assert await pipelines.names() == []


@pytest.mark.parametrize("steps", [[], [{}]])
async def test_a_pipeline_has_steps(pipelines: Pipelines, steps: list[dict[str, Any]]) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await pipelines.create("till", steps)

    assert reason_of(caught.value)[0] in {"FIELD_MISSING", "FIELD_RULE_VIOLATED"}


async def test_pipelines_of_another_tenant_are_not_there(service: Service, pipelines: Pipelines) -> None:
    await rename(pipelines, "till", "Menge")
    other = Pipelines(service, await create_api_key(service.settings, "other", "admin", "tests"))

    for call in (other.get("till"), other.version("till", 1), other.versions("till", 9)):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call
        assert reason_of(caught.value)[0] in {"PIPELINE_NOT_FOUND", "PIPELINE_VERSION_NOT_FOUND"}


async def test_receipts_of_a_till_become_business_days(service: Service, pipelines: Pipelines) -> None:
    await prepare(service)
    made = await pipelines.create("till", TILL)

    done = await service.load(RECEIPTS.encode(), pipeline="till")

    assert (done.report.accepted_count, done.report.rejected_count) == (4, 3)
    assert [(each.row, each.pointer, each.value, each.rule) for each in done.report.rejections] == [
        (5, "Zeit", "gestern", "pipeline.date"),
        (6, "Menge", "zwei", "pipeline.number"),
        (7, "Menge", "1", "pipeline.factor"),
    ]
    assert (done.pipeline.filtered_count, done.pipeline.closed_count) == (1, 1)
    assert (done.same_day, done.schema_version) == (import_pb2.SAME_DAY_SUM, 1)
    assert stored(service) == [
        ("2026-03-05", "mitte", "cola", 14.0, pytest.approx(27 / 14, abs=1e-6), None, None, 0),
        ("2026-03-06", "mitte", "cola", 1000.0, 1.25, None, None, 0),
        ("2026-03-08", "mitte", "cola", 0.0, None, None, 0, 0),
    ]
    version = await newest(service)
    assert version.data_version == done.data_version
    assert (version.pipeline.name, version.pipeline.version) == ("till", 1)
    assert version.pipeline.digest == made.digest == done.pipeline.pipeline.digest
    assert version.schema_version == 1
    assert done.pipeline.preview == []


async def test_refused_rows_are_given_as_they_were_sent_and_mended_with_the_same_pipeline(
    service: Service, pipelines: Pipelines
) -> None:
    await prepare(service)
    await pipelines.create("till", TILL)
    done = await service.load(RECEIPTS.encode(), pipeline="till")

    request = import_service_pb2.DownloadImportRejectsRequest(import_id=done.import_id)
    call = service.imports.DownloadImportRejects(request, timeout=60, metadata=service.auth())
    rejects = b"".join([piece.data async for piece in call])
    mended = rejects.replace(b"gestern", b"09.03.2026 10:00").replace(b";zwei;", b";2;")
    again = await service.load(mended.replace(b";brot;", b";cola;"), pipeline="till")

    assert rejects.decode().splitlines() == [
        HEADER.strip() + ";refused_because",
        "gestern;mitte;cola;1;Stück;1,50 EUR;Verkauf;pipeline.date",
        "07.03.2026 12:00;mitte;cola;zwei;Stück;1,50 EUR;Verkauf;pipeline.number",
        "07.03.2026 12:00;mitte;brot;1;Kiste;1,50 EUR;Verkauf;pipeline.factor",
    ]
    assert (again.report.accepted_count, again.report.rejected_count) == (3, 0)


async def test_a_dry_run_shows_the_first_rows_before_and_after(
    service: Service, pipelines: Pipelines
) -> None:
    await prepare(service)
    await pipelines.create("till", TILL)

    done = await service.load(RECEIPTS.encode(), pipeline="till", dry_run=True)

    shown = {each.row: each for each in done.pipeline.preview}
    assert list(shown) == [1, 2, 3, 4, 5, 6, 7, 8]
    assert dict(shown[2].sent)["Menge"] == "1"
    assert dict(shown[2].prepared) == {
        "date": "2026-03-05",
        "shop_id": "mitte",
        "product_id": "cola",
        "quantity": "12",
        "unit_price": "2",
        "was_available": "",
    }
    assert (shown[3].outcome, dict(shown[3].prepared)) == (pipeline_pb2.PREVIEW_OUTCOME_FILTERED, {})
    assert shown[5].outcome == pipeline_pb2.PREVIEW_OUTCOME_REFUSED
    assert shown[8].prepared["was_available"] == "0"
    assert service.rows("SELECT COUNT(*) FROM sales") == [(0,)]
    assert service.rows("SELECT COUNT(*) FROM data_versions WHERE SUBSTR(cause, 1, 6) = 'import'") == [(0,)]


async def test_a_file_that_a_step_does_not_fit_is_refused_before_it_is_taken(
    service: Service, pipelines: Pipelines
) -> None:
    await pipelines.create("till", [{"drop_columns": {"columns": ["x"]}}, *TILL])

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await service.submit(RECEIPTS.encode(), pipeline="till")

    reason, facts = reason_of(caught.value)
    assert (reason, facts["step"], facts["kind"]) == ("PIPELINE_UNFIT", "1", "drop_columns")
    assert facts["problem"] == "there is no column 'x'"
    assert "Filiale" in facts["found"]
    assert [path for path in (service.settings.data_dir / "store").rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("name", ["unknown", "deleted"])
async def test_an_import_cannot_use_a_pipeline_that_is_not_there(
    service: Service, pipelines: Pipelines, name: str
) -> None:
    await rename(pipelines, "deleted", "Menge")
    await pipelines.delete("deleted")

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await service.submit(RECEIPTS.encode(), pipeline=name)

    assert reason_of(caught.value) == ("PIPELINE_NOT_FOUND", {"name": name})


AMOUNTS = b"date,store,item,a,b\n2026-01-01,1,1,5,7\n"


async def test_an_import_stays_with_the_version_that_it_was_handed_in_with(
    service: Service, pipelines: Pipelines
) -> None:
    first = await rename(pipelines, "till", "a")
    job = await service.submit(AMOUNTS, pipeline="till")
    await pipelines.update("till", [{"rename": {"column": "b", "to": "quantity"}}])
    await pipelines.delete("till")

    await service.work(job.job_id)

    version = await newest(service)
    assert [row[3] for row in stored(service)] == [5.0]
    assert (version.pipeline.version, version.pipeline.digest) == (1, first.digest)
    assert (await pipelines.version("till", 1)).digest == first.digest


async def test_the_same_file_with_another_version_is_another_import(
    service: Service, pipelines: Pipelines
) -> None:
    await rename(pipelines, "till", "a")
    first = await service.load(AMOUNTS, pipeline="till")
    again = await service.load(AMOUNTS, pipeline="till")
    await pipelines.update("till", [{"rename": {"column": "b", "to": "quantity"}}])
    other = await service.load(AMOUNTS, pipeline="till")

    assert again.repeated_import_id == first.import_id
    assert (other.repeated_import_id, other.report.accepted_count) == ("", 1)
    assert other.pipeline.pipeline.version == 2
    assert {row[3] for row in stored(service)} == {5.0, 7.0}


async def test_the_same_file_counts_anew_when_the_catalogue_says_something_else(
    service: Service, pipelines: Pipelines
) -> None:
    await Entries(service, "product").create(product_id="1", case_pack=6.0)
    steps = [
        {"rename": {"column": "a", "to": "quantity"}},
        {"convert_unit": {"column": "quantity", "case_pack_product_column": "item"}},
    ]
    await pipelines.create("cases", steps)
    await service.load(AMOUNTS, pipeline="cases")

    await Entries(service, "product").update({"product_id": "1"}, case_pack=10.0)
    other = await service.load(AMOUNTS, pipeline="cases")

    assert other.repeated_import_id == ""
    assert [row[3] for row in stored(service)] == [30.0, 50.0]


async def test_a_request_that_is_sent_again_gives_the_import_of_the_first_version(
    service: Service, pipelines: Pipelines
) -> None:
    key = (("idempotency-key", "one"),)
    await rename(pipelines, "till", "a")
    first = await service.submit(AMOUNTS, metadata=key, pipeline="till")
    same = await service.submit(AMOUNTS, metadata=key, pipeline="till")
    await pipelines.update("till", [{"rename": {"column": "b", "to": "quantity"}}])

    after = await service.submit(AMOUNTS, metadata=key, pipeline="till")

    assert {first.job_id, same.job_id, after.job_id} == {first.job_id}
    assert service.rows("SELECT pipeline_version FROM imports") == [(1,)]


async def test_an_import_with_a_pipeline_is_undone(service: Service, pipelines: Pipelines) -> None:
    await rename(pipelines, "till", "a")
    done = await service.load(AMOUNTS, pipeline="till")

    request = import_service_pb2.UndoImportRequest(import_id=done.import_id)
    undone = await service.imports.UndoImport(request, timeout=30, metadata=service.auth())
    after = await newest(service)
    again = await service.load(AMOUNTS, pipeline="till")

    assert undone.undone_data_version == after.data_version
    assert not after.HasField("pipeline")
    assert (again.repeated_import_id, again.report.accepted_count) == ("", 1)


async def test_versions_tell_by_which_pipeline_they_were_made(service: Service, pipelines: Pipelines) -> None:
    await rename(pipelines, "till", "a")
    await service.load(AMOUNTS, pipeline="till")
    await service.load(AMOUNTS, mapping={"quantity": "b"})

    request = data_version_service_pb2.ListDataVersionsRequest()
    reply = await service.versions.ListDataVersions(request, timeout=30, metadata=service.auth())

    told = [(each.pipeline.name, each.HasField("schema_version")) for each in reply.data_versions]
    assert told == [("", True), ("till", True), *[("", False)] * (len(told) - 2)]


async def test_money_is_converted_by_the_rate_of_its_day(service: Service, pipelines: Pipelines) -> None:
    rates = [
        {"currency_code": "USD", "valid_from": "2026-01-01", "rate": 0.9},
        {"currency_code": "USD", "valid_from": "2026-02-01", "rate": 0.8},
    ]
    convert = {
        "columns": ["price"],
        "to_currency_code": "EUR",
        "currency_column": "money",
        "date_column": "date",
        "rates": rates,
    }
    await pipelines.create("import", [{"convert_currency": convert}])
    text = (
        "date,store,item,sales,price,money\n"
        "2026-01-31,1,1,1,10,USD\n2026-02-01,1,1,1,10,USD\n2026-02-02,1,1,1,10,EUR\n2026-02-03,1,1,1,,USD\n"
        "2025-12-31,1,1,1,10,USD\n2026-02-04,1,1,1,10,CHF\n"
    )

    done = await service.load(text.encode(), pipeline="import")

    assert [row[4] for row in stored(service)] == [9.0, 8.0, 10.0, None]
    assert [(each.row, each.pointer, each.rule) for each in done.report.rejections] == [
        (5, "price", "pipeline.rate"),
        (6, "price", "pipeline.currency"),
    ]


async def test_a_closure_marks_its_days(service: Service, pipelines: Pipelines) -> None:
    await Entries(service, "shop").create(shop_id="1")
    await Entries(service, "closure").create(
        closure_id="refit", shop_id="1", start_date="2026-01-02", end_date="2026-01-03"
    )
    fill = {"shop_column": "store", "quantity_column": "sales", "available_column": "in_stock"}
    await pipelines.create("closed", [{"fill_closed_days": fill}])
    text = (
        "date,store,item,sales,in_stock\n"
        "2026-01-01,1,1,0,1\n2026-01-02,1,1,0,1\n2026-01-03,1,1,3,1\n2026-01-02,2,1,0,1\n"
    )

    done = await service.load(text.encode(), pipeline="closed")

    assert [(row[0], row[1], row[6]) for row in stored(service)] == [
        ("2026-01-01", "1", 1),
        ("2026-01-02", "1", 0),
        ("2026-01-02", "2", 1),
        ("2026-01-03", "1", 1),
    ]
    assert done.pipeline.closed_count == 1


def night_receipts(count: int) -> tuple[bytes, dict[tuple[str, str], int]]:
    """Give receipts in no order, one in fifty of them bad, and the quantity of each business day."""
    chance, days, rows = random.Random(3), defaultdict[tuple[str, str], int](int), []
    for place in range(count):
        day, hour, item = chance.randint(2, 28), chance.randint(0, 23), str(chance.randint(1, 3))
        quantity = chance.randint(1, 9)
        bad = place % 50 == 0
        if not bad:
            days[f"2026-03-{day - (hour < 4):02d}", item] += quantity
        rows.append(f"2026-03-{day:02d}T{hour:02d}:30,1,{item},{'x' if bad else quantity}\n")
    return ("at,store,item,sales\n" + "".join(rows)).encode(), dict(days)


@pytest.mark.parametrize("done", ["half of the file", "half of the days"])
async def test_a_killed_worker_adds_no_business_day_twice(
    service: Service, pipelines: Pipelines, done: str
) -> None:
    content, days = night_receipts(4000)
    step = {"timestamp_column": "at", "shop_column": "store", "day_ends_at_hour": 4}
    await pipelines.create("night", [{"aggregate_business_day": step}])
    job = await service.submit(content, pipeline="night")
    reached = {
        "half of the file": "SELECT done_row >= 2000 FROM imports",
        "half of the days": "SELECT COUNT(*) >= 30 FROM sales",
    }[done]
    process = start([service.settings.database_url, str(service.settings.data_dir), job.job_id])
    while not service.rows(reached)[0][0] and process.poll() is None:
        await asyncio.sleep(0.005)
    process.kill()
    process.wait()
    await asyncio.sleep(1.2)

    await asyncio.to_thread(service.runner.run, job.job_id)

    ended = await service.imports.GetImport(
        import_service_pb2.GetImportRequest(import_id=job.job_id), timeout=30, metadata=service.auth()
    )
    assert job.status == job_pb2.JOB_STATUS_PENDING
    assert ended.status == import_pb2.IMPORT_STATUS_COMPLETED
    assert (ended.report.accepted_count, ended.report.rejected_count) == (3920, 80)
    assert [each.row for each in ended.report.rejections] == list(range(1, 4000, 50))
    assert {(row[0], row[2]): row[3] for row in stored(service)} == days
    assert service.rows("SELECT COUNT(*) FROM staged_sales") == [(0,)]


async def test_the_example_of_the_docs_runs(service: Service, pipelines: Pipelines) -> None:
    page = DOCS.read_text(encoding="utf-8")
    told = re.search(r"```json\n(.*?)```", page, re.DOTALL)
    till = re.search(r"```csv\n(.*?)```", page, re.DOTALL)
    assert told is not None
    assert till is not None
    pipeline = json.loads(told[1])
    await pipelines.create(pipeline["name"], pipeline["steps"])

    done = await service.load(till[1].encode(), pipeline=pipeline["name"])

    assert [(row[0], row[3], row[4]) for row in stored(service)] == [
        ("2026-03-05", 14.0, 1.5),
        ("2026-03-06", 1000.0, 1.25),
    ]
    assert (done.report.accepted_count, done.pipeline.filtered_count) == (3, 1)
    assert [each.rule for each in done.report.rejections] == ["pipeline.date"]
