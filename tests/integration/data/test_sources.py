"""Import sources: tables of another database that sales are read from."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.protobuf import field_mask_pb2
from pydantic import SecretStr
from shelfcast.ingestion.v1 import import_pb2, import_service_pb2, import_source_pb2
from shelfcast.ingestion.v1 import import_source_service_pb2 as pb
from shelfcast.jobs.v1 import job_pb2, job_service_pb2
from shelfcast_data.bootstrap.commands import create_api_key
from sqlalchemy import Engine, create_engine

from tests.integration.data.catalogue_client import faults_of
from tests.integration.data.conftest import made_database
from tests.integration.data.test_bad_files import reason_of
from tests.integration.data.test_pipelines import Pipelines, newest

if TYPE_CHECKING:
    from shelfcast_data.settings import DataSettings

    from tests.integration.data.conftest import Service

TABLE = """CREATE TABLE sold (
    id INTEGER PRIMARY KEY, day DATE, shop VARCHAR(40), item VARCHAR(40), `Menge verkauft` DECIMAL(12, 3),
    price DOUBLE, changed DATETIME, note VARCHAR(200)
)"""
WORKER = Path(__file__).with_name("import_worker.py")
FIELDS = {"connection": "erp", "table_name": "sold", "mapping": {"quantity": "Menge verkauft"}}


class Erp:
    """The other database."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine: Engine = create_engine(url)
        self.run(TABLE)

    def run(self, statement: str) -> None:
        with self.engine.begin() as connection:
            connection.exec_driver_sql(statement)

    def sell(self, number: int, quantity: float, *, item: str = "a", changed: str = "", day: int = 0) -> None:
        """Add a row, or put another in its place."""
        date = f"2026-01-{day or number:02d}"
        item = item.replace("'", "''")
        when = changed or f"2026-02-01 10:{number:02d}:30"
        values = f"{number}, '{date}', 's1', '{item}', {quantity}, 1.5, '{when}', 'it''s'"
        self.run(f"REPLACE INTO sold VALUES ({values})")


@pytest.fixture
def erp(database_url: str, tmp_path: Path) -> Iterator[Erp]:
    store = "sqlite" if database_url.startswith("sqlite") else "mysql"
    with made_database(store, tmp_path) as url:
        made = Erp(url)
        yield made
        made.engine.dispose()


@pytest.fixture
def settings(settings: DataSettings, erp: Erp) -> DataSettings:
    sources = {
        "acme/erp": SecretStr(erp.url),
        "acme/away": SecretStr("mysql+pymysql://root@127.0.0.1:1/none"),
        "acme/oracle": SecretStr("oracle+oracledb://me:s3cret@127.0.0.1/none"),
        "acme/unknown": SecretStr("nonsense://me:s3cret@127.0.0.1/none"),
        "acme/no-file": SecretStr(f"sqlite:///{settings.data_dir}/none.sqlite"),
        "other/theirs": SecretStr(erp.url),
    }
    return settings.model_copy(update={"data_sources": sources})


class Sources:
    """The RPCs of import sources with a good key."""

    def __init__(self, service: Service, key: str | None = None) -> None:
        self._service = service
        self._stub = service.sources
        self._call: dict[str, Any] = {"timeout": 30, "metadata": service.auth(key)}

    async def create(self, name: str, **fields: Any) -> import_source_pb2.ImportSource:  # noqa: ANN401 - fields
        source = import_source_pb2.ImportSource(name=name, **(FIELDS | fields))
        return await self._stub.CreateImportSource(
            pb.CreateImportSourceRequest(import_source=source), **self._call
        )

    async def get(self, name: str) -> import_source_pb2.ImportSource:
        return await self._stub.GetImportSource(pb.GetImportSourceRequest(name=name), **self._call)

    async def update(self, name: str, *mask: str, **fields: Any) -> import_source_pb2.ImportSource:  # noqa: ANN401 - fields
        request = pb.UpdateImportSourceRequest(
            name=name,
            import_source=import_source_pb2.ImportSource(**fields),
            update_mask=field_mask_pb2.FieldMask(paths=mask) if mask else None,
        )
        return await self._stub.UpdateImportSource(request, **self._call)

    async def delete(self, name: str, etag: str = "") -> None:
        await self._stub.DeleteImportSource(pb.DeleteImportSourceRequest(name=name, etag=etag), **self._call)

    async def names(self) -> list[str]:
        reply = await self._stub.ListImportSources(pb.ListImportSourcesRequest(), **self._call)
        return [each.name for each in reply.import_sources]

    async def ask(self, name: str, **how: Any) -> job_pb2.Job:  # noqa: ANN401 - fields
        return await self._stub.RunImportSource(pb.RunImportSourceRequest(name=name, **how), **self._call)

    async def run(self, name: str = "erp", **how: Any) -> job_pb2.Job:  # noqa: ANN401 - fields
        return await self._service.work((await self.ask(name, **how)).job_id)

    async def loaded(self, name: str = "erp", **how: Any) -> import_pb2.Import:  # noqa: ANN401 - fields
        job = await self.run(name, **how)
        assert job.status == job_pb2.JOB_STATUS_COMPLETED, job
        return await self._service.imports.GetImport(
            import_service_pb2.GetImportRequest(import_id=job.job_id), **self._call
        )


@pytest.fixture
def sources(service: Service) -> Sources:
    return Sources(service)


def sold(service: Service) -> dict[tuple[str, str], float]:
    """Give what counts now, by item and date."""
    query = """SELECT r.product_id, s.sale_date, s.quantity FROM sales s JOIN series r USING (series_no)
        JOIN data_versions v ON v.load_no = s.load_no ORDER BY s.load_no"""
    scale = service.quantity_scale
    return {(item, str(day)[-2:]): float(quantity) / scale for item, day, quantity in service.rows(query)}


async def test_a_source_is_kept_like_other_entries(service: Service, sources: Sources) -> None:
    made = await sources.create("erp", mark_column="id", every_minutes=15, shop_id="s1")

    changed = await sources.update("erp", every_minutes=30, etag=made.etag)
    cleared = await sources.update("erp", "every_minutes", "shop_id")
    with pytest.raises(grpc.aio.AioRpcError) as stale:
        await sources.update("erp", table_name="x", etag="1")
    with pytest.raises(grpc.aio.AioRpcError) as twice:
        await sources.create("erp")
    await sources.delete("erp", cleared.etag)
    gone = await sources.names()
    back = await sources.update("erp", daily_at="03:30", time_zone="Europe/Berlin")

    assert (made.etag, made.table_name, dict(made.mapping)) == ("1", "sold", FIELDS["mapping"])
    assert made.HasField("next_run_at")
    assert changed.next_run_at.ToDatetime().minute in {0, 30}
    assert [cleared.HasField(name) for name in ("next_run_at", "shop_id")] == [False, False]
    assert reason_of(stale.value)[0] == "ETAG_MISMATCH"
    assert reason_of(twice.value)[0] == "IMPORT_SOURCE_EXISTS"
    assert gone == []
    assert (await sources.names(), back.next_run_at.ToDatetime().minute) == (["erp"], 30)


async def test_all_faults_of_a_source_are_named(sources: Sources) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await sources.create(
            "x", mapping={"a": "b"}, every_minutes=0, daily_at="25:00", time_zone="Mars/Base", shop_id=" "
        )
    with pytest.raises(grpc.aio.AioRpcError) as empty:
        await sources.create("x", table_name="")

    assert reason_of(caught.value)[0] == "FIELD_RULE_VIOLATED"
    assert reason_of(empty.value)[0] == "FIELD_MISSING"
    assert await sources.names() == []


@pytest.mark.parametrize("connection", ["unknown name", "theirs"])
async def test_a_source_names_only_connections_of_its_tenant(sources: Sources, connection: str) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await sources.create("x", connection=connection)

    assert reason_of(caught.value)[0] == "FIELD_RULE_VIOLATED"


async def test_sources_of_another_tenant_are_not_there(service: Service, sources: Sources) -> None:
    await sources.create("erp")
    other = Sources(service, await create_api_key(service.settings, "other", "admin", "tests"))

    for call in (other.get("erp"), other.ask("erp")):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call
        assert reason_of(caught.value)[0] == "IMPORT_SOURCE_NOT_FOUND"


async def test_a_table_is_read_once(service: Service, sources: Sources, erp: Erp) -> None:
    for number in (1, 2, 3):
        erp.sell(number, number + 0.5)
    await sources.create("erp", mark_column="id")

    done = await sources.loaded()

    source = await sources.get("erp")
    assert (done.report.accepted_count, done.file_name) == (3, "erp")
    assert dict(done.mapping)["quantity"] == "Menge verkauft"
    assert sold(service) == {("a", "01"): 1.5, ("a", "02"): 2.5, ("a", "03"): 3.5}
    assert (source.mark, source.last_job_id, source.etag) == ("3", done.import_id, "1")


async def test_a_second_run_finds_nothing_new(service: Service, sources: Sources, erp: Erp) -> None:
    for number in (1, 2, 3):
        erp.sell(number, 1)
    await sources.create("erp", mark_column="id")
    await sources.loaded()

    again = await sources.loaded()
    third = await sources.run()

    assert (again.report.accepted_count, again.report.repeated_count) == (0, 1)  # the row at the mark
    assert third.result["import_id"] is None
    assert service.rows("SELECT COUNT(*) FROM data_versions") == [(1,)]
    assert [path for path in (service.settings.data_dir / "store").rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("mark", ["id", "changed"])
async def test_appended_and_changed_rows_follow(
    service: Service, sources: Sources, erp: Erp, mark: str
) -> None:
    for number in (1, 2):
        erp.sell(number, 1)
    await sources.create("erp", mark_column=mark)
    await sources.loaded()
    erp.sell(3, 7)
    erp.sell(4, 8, day=1)  # corrects the first day

    done = await sources.loaded()

    assert (done.report.accepted_count, done.report.repeated_count) == (2, 1)
    assert sold(service) == {("a", "01"): 8.0, ("a", "02"): 1.0, ("a", "03"): 7.0}


async def test_a_late_row_with_the_same_mark_is_not_lost(
    service: Service, sources: Sources, erp: Erp
) -> None:
    at = "2026-02-01 12:00:00"
    erp.sell(1, 1, changed=at)
    await sources.create("erp", mark_column="changed")
    await sources.loaded()
    erp.sell(2, 2, changed=at)

    await sources.loaded()

    assert sold(service) == {("a", "01"): 1.0, ("a", "02"): 2.0}


async def test_a_late_row_before_the_mark_is_found_within_the_overlap(
    service: Service, sources: Sources, erp: Erp
) -> None:
    erp.sell(1, 1, changed="2026-02-01 12:00:00")
    await sources.create("erp", mark_column="changed", mark_overlap=60)
    await sources.loaded()
    erp.sell(2, 2, changed="2026-02-01 11:59:30")
    erp.sell(3, 3, changed="2026-02-01 11:58:00")

    await sources.loaded()

    assert sold(service) == {("a", "01"): 1.0, ("a", "02"): 2.0}


async def test_what_is_said_again_counts_again(service: Service, sources: Sources, erp: Erp) -> None:
    erp.sell(1, 5)
    await sources.create("erp")
    await sources.loaded()
    erp.sell(1, 6)
    await sources.loaded()
    erp.sell(1, 5)

    done = await sources.loaded()

    assert (done.report.accepted_count, done.repeated_import_id) == (1, "")
    assert sold(service) == {("a", "01"): 5.0}


async def test_receipts_are_added_up_over_whole_days(service: Service, sources: Sources, erp: Erp) -> None:
    erp.sell(1, 1, day=1)
    erp.sell(2, 2, day=2)
    erp.sell(3, 3, day=2)
    await sources.create("erp", mark_column="id", same_day="SAME_DAY_SUM")
    await sources.loaded()
    erp.sell(4, 4, day=2)
    erp.sell(5, 5, day=3)

    await sources.loaded()

    assert sold(service) == {("a", "01"): 1.0, ("a", "02"): 9.0, ("a", "03"): 5.0}


async def test_bad_rows_are_reported_and_the_others_taken(sources: Sources, erp: Erp) -> None:
    erp.sell(1, 1)
    erp.sell(2, -4)
    erp.sell(3, 1, item="batch")
    await sources.create("erp", mark_column="id")

    done = await sources.loaded()

    assert done.report.accepted_count == 1
    assert {(each.row, each.rule) for each in done.report.rejections} == {
        (2, "quantity.negative"),
        (3, "product_id.reserved"),
    }


async def test_a_dry_run_moves_no_mark(service: Service, sources: Sources, erp: Erp) -> None:
    erp.sell(1, 1)
    await sources.create("erp", mark_column="id")

    done = await sources.loaded(dry_run=True)

    assert (done.is_dry_run, done.report.accepted_count) == (True, 1)
    assert not (await sources.get("erp")).HasField("mark")
    assert service.rows("SELECT COUNT(*) FROM sales") == [(0,)]


async def test_from_the_start_reads_all_again(sources: Sources, erp: Erp) -> None:
    for number in (1, 2, 3):
        erp.sell(number, 1)
    await sources.create("erp", mark_column="id")
    await sources.loaded()
    await sources.loaded()

    done = await sources.loaded(from_start=True)

    assert done.report.repeated_count == 3


async def test_another_table_begins_at_its_start(sources: Sources, erp: Erp) -> None:
    erp.sell(5, 1)
    await sources.create("erp", mark_column="id")
    await sources.loaded()
    erp.run(TABLE.replace("sold", "sold_2"))
    erp.run("INSERT INTO sold_2 SELECT 1, '2026-03-01', shop, item, 2, price, changed, note FROM sold")

    await sources.update("erp", table_name="sold_2")
    done = await sources.loaded()

    assert done.report.accepted_count == 1
    assert (await sources.get("erp")).mark == "1"


async def test_a_view_and_hostile_names_are_read(service: Service, sources: Sources, erp: Erp) -> None:
    erp.sell(1, 3, item="1'; DROP TABLE sold; --")
    name = 'x"; DROP TABLE sold; --'
    quoted = erp.engine.dialect.identifier_preparer.quote(name)
    erp.run(f"CREATE VIEW {quoted} AS SELECT * FROM sold")
    await sources.create("erp", table_name=name, mark_column="id")

    done = await sources.loaded()

    assert done.report.accepted_count == 1
    assert list(sold(service)) == [("1'; DROP TABLE sold; --", "01")]


PIECES: list[dict[str, Any]] = [
    {"filter_rows": {"column": "note", "keep_values": ["it's"]}},
    {"filter_rows": {"column": "item", "drop_values": ["deposit"]}},
    {"rename": {"column": "day", "to": "sold on"}},
    {"convert_unit": {"column": "Menge verkauft", "factor": 12}},
]
PIPED = {"pipeline": "erp", "mapping": {"date": "sold on", "quantity": "Menge verkauft"}}


async def test_a_pipeline_prepares_the_rows_of_a_table(service: Service, sources: Sources, erp: Erp) -> None:
    made = await Pipelines(service).create("erp", PIECES)
    erp.sell(1, 2)
    erp.sell(2, 9, item="deposit")
    source = await sources.create("erp", mark_column="id", **PIPED)

    done = await sources.loaded()
    erp.sell(3, 0.5)
    again = await sources.loaded()

    version = await newest(service)
    assert source.pipeline == "erp"
    assert (done.report.accepted_count, done.pipeline.filtered_count) == (1, 1)
    assert (again.report.accepted_count, again.pipeline.filtered_count) == (1, 1)  # the row at the mark again
    assert sold(service) == {("a", "01"): 24.0, ("a", "03"): 6.0}
    assert (version.data_version, version.pipeline) == (again.data_version, again.pipeline.pipeline)
    assert (version.pipeline.name, version.pipeline.version) == ("erp", 1)
    assert version.pipeline.digest == made.digest


async def test_a_refused_row_is_given_as_the_table_has_it(
    service: Service, sources: Sources, erp: Erp
) -> None:
    await Pipelines(service).create("erp", PIECES)
    erp.sell(1, -2)
    await sources.create("erp", **PIPED)

    done = await sources.loaded()

    assert [(each.row, each.pointer, float(each.value), each.rule) for each in done.report.rejections] == [
        (1, "Menge verkauft", -2.0, "quantity.negative")
    ]


async def test_a_new_version_of_the_pipeline_makes_other_sales_of_the_same_rows(
    service: Service, sources: Sources, erp: Erp
) -> None:
    pipelines = Pipelines(service)
    await pipelines.create("erp", PIECES)
    erp.sell(1, 2)
    await sources.create("erp", **PIPED)
    await sources.loaded()
    await pipelines.update("erp", PIECES[:3])

    done = await sources.loaded()
    same = await sources.run()

    assert (done.report.accepted_count, done.pipeline.pipeline.version) == (1, 2)
    assert sold(service) == {("a", "01"): 2.0}
    assert same.result["import_id"] is None


async def test_business_days_of_a_table_are_read_whole(service: Service, sources: Sources, erp: Erp) -> None:
    step = {"timestamp_column": "changed", "to": "date", "shop_column": "shop", "day_ends_at_hour": 4}
    await Pipelines(service).create("erp", [{"aggregate_business_day": step}])
    erp.sell(1, 1, changed="2026-03-01 22:00:00")
    erp.sell(2, 2, changed="2026-03-02 01:00:00")
    await sources.create("erp", mark_column="id", pipeline="erp")
    await sources.loaded()
    erp.sell(3, 4, changed="2026-03-02 03:00:00")
    erp.sell(4, 8, changed="2026-03-02 05:00:00")

    done = await sources.loaded()

    assert (done.same_day, sold(service)) == (import_pb2.SAME_DAY_SUM, {("a", "01"): 7.0, ("a", "02"): 8.0})


async def test_a_source_names_only_pipelines_that_there_are(service: Service, sources: Sources) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as unknown:
        await sources.create("erp", pipeline="erp")
    await Pipelines(service).create("erp", PIECES)
    await sources.create("erp", pipeline="erp")
    cleared = await sources.update("erp", "pipeline")
    await Pipelines(service).delete("erp")
    with pytest.raises(grpc.aio.AioRpcError) as deleted:
        await sources.update("erp", pipeline="erp")

    assert not cleared.HasField("pipeline")
    for caught in (unknown, deleted):
        assert faults_of(caught.value) == [("/import_source/pipeline", "pipeline.known")]


@pytest.mark.parametrize("fault", ["PIPELINE_UNFIT", "PIPELINE_NOT_FOUND"])
async def test_a_run_whose_pipeline_cannot_be_used_fails_with_its_cause(
    service: Service, sources: Sources, erp: Erp, fault: str
) -> None:
    erp.sell(1, 1)
    pipelines = Pipelines(service)
    await pipelines.create("erp", [{"drop_columns": {"columns": ["nothing"]}}])
    await sources.create("erp", pipeline="erp")
    if fault == "PIPELINE_NOT_FOUND":
        await pipelines.delete("erp")

    job = await sources.run()

    assert (job.status, job.error["code"]) == (job_pb2.JOB_STATUS_FAILED, fault)
    assert service.rows("SELECT COUNT(*) FROM imports") == [(0,)]


FAILING: Mapping[str, tuple[Mapping[str, Any], str, str]] = {
    "no table": ({"table_name": "nothing"}, "SOURCE_UNREADABLE", "no table nothing"),
    "no mark column": ({"mark_column": "nothing"}, "SOURCE_UNREADABLE", "no column nothing"),
    "no quantity": ({"mapping": {}}, "COLUMN_MISSING", "quantity"),
    "mapped wrongly": ({"mapping": {"quantity": "nothing"}}, "MAPPING_INVALID", "nothing"),
    "no driver": ({"connection": "oracle"}, "SOURCE_UNREADABLE", "package oracledb is not installed"),
    "no such dialect": ({"connection": "unknown"}, "SOURCE_UNREADABLE", "not known here"),
    "no file": ({"connection": "no-file"}, "SOURCE_UNREADABLE", "refuses (OperationalError)"),
}


@pytest.mark.parametrize("fault", FAILING)
async def test_what_cannot_be_read_fails_with_its_cause(
    service: Service, sources: Sources, erp: Erp, fault: str
) -> None:
    fields, code, named = FAILING[fault]
    erp.sell(1, 1)
    await sources.create("erp", **fields)

    job = await sources.run()

    assert (job.status, job.error["code"]) == (job_pb2.JOB_STATUS_FAILED, code)
    assert named in str(job.error["detail"])
    assert "s3cret" not in str(job.error)
    assert service.rows("SELECT COUNT(*) FROM imports") == [(0,)]


async def test_a_table_that_was_dropped_fails_and_keeps_the_mark(sources: Sources, erp: Erp) -> None:
    erp.sell(1, 1)
    await sources.create("erp", mark_column="id")
    await sources.loaded()
    erp.run("DROP TABLE sold")

    job = await sources.run()

    assert job.error["code"] == "SOURCE_UNREADABLE"
    assert (await sources.get("erp")).mark == "1"


async def test_a_database_that_is_away_is_tried_again_later(sources: Sources) -> None:
    await sources.create("erp", connection="away")

    job = await sources.run()

    assert job.status == job_pb2.JOB_STATUS_PENDING


async def test_a_source_is_read_by_one_job_at_a_time(service: Service, sources: Sources) -> None:
    await sources.create("erp")
    first = await sources.ask("erp")

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await sources.ask("erp")
    await service.work(first.job_id)
    second = await sources.ask("erp")

    assert reason_of(caught.value) == ("IMPORT_SOURCE_RUNNING", {"name": "erp", "job_id": first.job_id})
    assert second.job_id != first.job_id


async def test_a_job_that_is_not_the_newest_reads_nothing(
    service: Service, sources: Sources, erp: Erp
) -> None:
    await sources.create("erp", table_name="nothing")
    old = await sources.run()
    await sources.update("erp", table_name="sold")
    await sources.run()
    again = job_service_pb2.RetryJobRequest(job_id=old.job_id)
    await service.jobs.RetryJob(again, timeout=30, metadata=service.auth())

    job = await service.work(old.job_id)

    assert (job.status, job.error["code"]) == (job_pb2.JOB_STATUS_FAILED, "SOURCE_RUN_OUTDATED")


async def test_a_deleted_source_is_not_run(sources: Sources) -> None:
    await sources.create("erp")
    await sources.delete("erp")

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await sources.ask("erp")

    assert reason_of(caught.value)[0] == "IMPORT_SOURCE_NOT_FOUND"


@pytest.mark.parametrize("moment", ["keep", "mark"])
async def test_a_worker_killed_between_rows_and_mark_is_made_good(
    service: Service, sources: Sources, erp: Erp, moment: str
) -> None:
    for number in range(1, 29):
        erp.sell(number, number)
    await sources.create("erp", mark_column="id")
    job = await sources.ask("erp")
    told = [service.settings.database_url, str(service.settings.data_dir), job.job_id]
    options = [f"--source=acme/erp={erp.url}", f"--die-at={moment}"]
    died = await asyncio.to_thread(
        subprocess.run, [sys.executable, str(WORKER), *told, *options], check=False
    )
    marked = (await sources.get("erp")).HasField("mark")
    await asyncio.sleep(1.2)
    erp.sell(30, 30)

    ended = await service.work(job.job_id)

    await sources.loaded()
    assert (died.returncode, marked) == (-signal.SIGKILL, False)
    assert (ended.status, ended.attempt) == (job_pb2.JOB_STATUS_COMPLETED, 2)
    assert (await sources.get("erp")).mark == "30"
    assert sold(service) == {("a", f"{number:02d}"): float(number) for number in [*range(1, 29), 30]}
    assert len(service.rows("SELECT series_no, sale_date, load_no FROM sales")) == 29
    assert [path for path in (service.settings.data_dir / "store").rglob("*") if path.is_file()] == []
