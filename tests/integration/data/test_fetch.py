"""Files that are imported by their URL, from a real server."""

from __future__ import annotations

import asyncio
import gzip
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from shelfcast.ingestion.v1 import import_pb2, import_service_pb2
from shelfcast.jobs.v1 import job_pb2, job_service_pb2
from shelfcast_data.application import fetch_import
from shelfcast_data.bootstrap.worker import source_handlers
from shelfcast_servicekit.jobs.context import JobContext, JobSignals
from shelfcast_servicekit.jobs.errors import JobCancelled
from shelfcast_servicekit.jobs.runner import JobRunner, RunnerOptions

from tests.integration.data.file_server import FileServer, Request, broken, file_server, redirect, whole
from tests.integration.data.test_bad_files import reason_of
from tests.integration.data.test_import_mappings import Mappings
from tests.integration.data.test_pipelines import RECEIPTS, TILL, Pipelines, newest, prepare
from tests.integration.data.test_same_day import stored

if TYPE_CHECKING:
    from shelfcast_data.settings import DataSettings

    from tests.integration.data.conftest import Service

HEADER = b"date,store,item,sales\n"
ROWS = HEADER + b"".join(b"2017-01-%02d,1,%d,5\n" % (day, item) for item in range(50) for day in range(1, 29))
WORKER = Path(__file__).with_name("import_worker.py")


@pytest.fixture
def files() -> Iterator[FileServer]:
    with file_server() as served:
        yield served


@pytest.fixture
def listed(request: pytest.FixtureRequest) -> str:
    return str(getattr(request, "param", "127.0.0.1"))


@pytest.fixture
def settings(
    settings: DataSettings, files: FileServer, listed: str, monkeypatch: pytest.MonkeyPatch
) -> DataSettings:
    monkeypatch.setattr(fetch_import, "PAUSES_SECONDS", (0.0, 0.0))
    hosts = files.url("", listed) if listed else ""
    return settings.model_copy(update={"data_import_hosts": hosts, "import_max_bytes": 100_000})


async def ordered(service: Service, url: str, **fields: Any) -> job_pb2.Job:  # noqa: ANN401 - fields of a message
    request = import_service_pb2.FetchImportRequest(url=url, **fields)
    return await service.imports.FetchImport(request, timeout=30, metadata=service.auth())


async def fetched(service: Service, url: str, **fields: Any) -> job_pb2.Job:  # noqa: ANN401 - fields of a message
    return await service.work((await ordered(service, url, **fields)).job_id)


async def import_of(service: Service, job: job_pb2.Job) -> import_pb2.Import:
    request = import_service_pb2.GetImportRequest(import_id=job.job_id)
    return await service.imports.GetImport(request, timeout=30, metadata=service.auth())


def stored_files(service: Service) -> list[str]:
    folder = service.settings.data_dir / "store"
    return [path.name for path in folder.rglob("*") if path.is_file()]


def assert_nothing_is_kept(service: Service) -> None:
    assert service.rows("SELECT COUNT(*) FROM sales") == [(0,)]
    assert service.rows("SELECT COUNT(*) FROM imports") == [(0,)]
    assert stored_files(service) == []


async def test_a_file_is_fetched_and_loaded(service: Service, files: FileServer) -> None:
    files.answers["/sales/day.csv"] = [whole(ROWS)]

    job = await fetched(service, files.url("/sales/day.csv?signature=s3cret"))

    done = await import_of(service, job)
    assert job.status == job_pb2.JOB_STATUS_COMPLETED
    assert (done.file_name, done.report.accepted_count, done.size_bytes) == ("day.csv", 1400, len(ROWS))
    assert service.rows("SELECT COUNT(*) FROM sales") == [(1400,)]
    assert files.asked[0][0] == "/sales/day.csv?signature=s3cret"
    assert stored_files(service) == []


async def test_the_same_bytes_twice_change_nothing(service: Service, files: FileServer) -> None:
    files.answers["/a.csv"] = [whole(ROWS)]
    files.answers["/b.csv"] = [whole(ROWS)]
    first = await fetched(service, files.url("/a.csv"))

    second = await import_of(service, await fetched(service, files.url("/b.csv")))

    assert second.repeated_import_id == first.job_id
    assert service.rows("SELECT COUNT(*) FROM data_versions") == [(1,)]


async def test_one_idempotency_key_means_one_job(service: Service, files: FileServer) -> None:
    request = import_service_pb2.FetchImportRequest(url=files.url("/a.csv"))
    metadata = (*service.auth(), ("idempotency-key", "k1"))

    first, second = [
        await service.imports.FetchImport(request, timeout=30, metadata=metadata) for _ in range(2)
    ]

    assert first.job_id == second.job_id


async def test_the_same_order_after_its_saved_mapping_is_gone_is_the_same_job(
    service: Service, files: FileServer
) -> None:
    mappings = Mappings(service)
    await mappings.create("till", mapping={"date": "Tag"})
    request = import_service_pb2.FetchImportRequest(url=files.url("/a.csv"), mapping_name="till")
    call: dict[str, Any] = {"timeout": 30, "metadata": (*service.auth(), ("idempotency-key", "k1"))}
    first = await service.imports.FetchImport(request, **call)
    await mappings.delete("till")

    again = await service.imports.FetchImport(request, **call)
    request.dry_run = True
    with pytest.raises(grpc.aio.AioRpcError) as other:
        await service.imports.FetchImport(request, **call)

    assert again.job_id == first.job_id
    assert reason_of(other.value)[0] == "IDEMPOTENCY_KEY_REUSED"


@pytest.mark.parametrize("coding", ["identity", "gzip"])
async def test_gzip_is_read(service: Service, files: FileServer, coding: str) -> None:
    files.answers["/a"] = [whole(gzip.compress(ROWS), content_encoding=coding)]

    done = await import_of(service, await fetched(service, files.url("/a"), dry_run=True))

    assert (done.report.accepted_count, done.is_dry_run) == (1400, True)


async def test_a_mapping_goes_along(service: Service, files: FileServer) -> None:
    files.answers["/a"] = [whole(b"Tag;item;Menge\n2017-01-01;a;1\n2017-01-01;a;2\n")]

    mapping = {"date": "Tag", "quantity": "Menge"}
    job = await fetched(service, files.url("/a"), mapping=mapping, shop_id="s1", same_day="SAME_DAY_SUM")

    assert (await import_of(service, job)).report.accepted_count == 2
    assert service.rows("SELECT quantity FROM sales") == [(3 * service.quantity_scale,)]


async def test_a_pipeline_prepares_what_is_fetched(service: Service, files: FileServer) -> None:
    files.answers["/a.csv"] = [whole(RECEIPTS.encode())]
    await prepare(service)
    await Pipelines(service).create("till", TILL)

    job = await fetched(service, files.url("/a.csv"), pipeline="till")

    done = await import_of(service, job)
    version = await newest(service)
    assert [row[3] for row in stored(service)] == [14.0, 1000.0, 0.0]
    assert (done.report.accepted_count, done.pipeline.filtered_count, done.pipeline.closed_count) == (4, 1, 1)
    assert (version.data_version, version.pipeline) == (done.data_version, done.pipeline.pipeline)
    assert (version.pipeline.name, version.pipeline.version) == ("till", 1)


async def test_a_fetch_keeps_the_version_of_the_moment_it_was_ordered(
    service: Service, files: FileServer
) -> None:
    files.answers["/a.csv"] = [whole(b"day,store,item,sales\n2017-01-01,1,1,5\n")]
    pipelines = Pipelines(service)
    await pipelines.create("till", [{"rename": {"column": "day", "to": "date"}}])
    job = await ordered(service, files.url("/a.csv"), pipeline="till")
    await pipelines.update("till", [{"rename": {"column": "nothing", "to": "date"}}])

    ended = await service.work(job.job_id)

    done = await import_of(service, ended)
    assert (ended.status, done.pipeline.pipeline.version) == (job_pb2.JOB_STATUS_COMPLETED, 1)


async def test_a_pipeline_that_does_not_fit_what_is_fetched_leaves_nothing(
    service: Service, files: FileServer
) -> None:
    files.answers["/a.csv"] = [whole(ROWS)]
    await Pipelines(service).create("till", [{"rename": {"column": "day", "to": "date"}}])

    job = await fetched(service, files.url("/a.csv"), pipeline="till")

    assert (job.status, job.error["code"]) == (job_pb2.JOB_STATUS_FAILED, "PIPELINE_UNFIT")
    assert_nothing_is_kept(service)


async def test_a_pipeline_that_is_not_there_is_told_at_once(service: Service, files: FileServer) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await ordered(service, files.url("/a.csv"), pipeline="till")

    assert reason_of(caught.value) == ("PIPELINE_NOT_FOUND", {"name": "till"})
    assert service.rows("SELECT COUNT(*) FROM data_jobs") == [(0,)]


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("https://elsewhere.example/a.csv", "elsewhere.example is not in SHELFCAST_DATA_IMPORT_HOSTS"),
        ("http://127.0.0.1:1/a.csv", "the port 1 of 127.0.0.1"),
        ("http://me:secret@127.0.0.1/a.csv", "user name or a password"),
        ("ftp://127.0.0.1/a.csv", "only https"),
        ("http://169.254.169.254/latest/meta-data", "169.254.169.254 is not in"),
        ("http://2130706433/a.csv", "2130706433 is not in"),
    ],
)
async def test_a_url_that_is_not_listed_is_refused(service: Service, url: str, named: str) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await ordered(service, url)

    reason, facts = reason_of(caught.value)
    assert reason == "URL_REFUSED"
    assert named in facts["problem"]
    assert "secret" not in facts["problem"]
    assert service.rows("SELECT COUNT(*) FROM data_jobs") == [(0,)]


@pytest.mark.parametrize("listed", [""], indirect=True)
async def test_without_a_list_nothing_is_fetched(service: Service, files: FileServer) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await ordered(service, files.url("/a.csv"))

    facts = {"problem": "the operator has listed no host in SHELFCAST_DATA_IMPORT_HOSTS"}
    assert reason_of(caught.value) == ("URL_REFUSED", facts)


@pytest.mark.parametrize("listed", ["localhost"], indirect=True)
async def test_a_listed_name_may_not_stand_for_a_private_address(service: Service, files: FileServer) -> None:
    job = await fetched(service, files.url("/a.csv", "localhost"))

    assert (job.status, job.error["code"]) == (job_pb2.JOB_STATUS_FAILED, "URL_REFUSED")
    assert "localhost is not public" in str(job.error["detail"])
    assert files.asked == []
    assert_nothing_is_kept(service)


async def test_redirects_within_the_list_are_followed(service: Service, files: FileServer) -> None:
    files.answers["/old"] = [redirect("/new?x=1")]
    files.answers["/new"] = [whole(ROWS)]

    done = await import_of(service, await fetched(service, files.url("/old"), file_name="mine"))

    assert (done.report.accepted_count, done.file_name) == (1400, "mine")


@pytest.mark.parametrize(
    "target",
    [
        "http://169.254.169.254/latest",
        "http://10.0.0.1/a",
        "https://elsewhere.example/a",
        "file:///etc/passwd",
    ],
)
async def test_redirects_out_of_the_list_are_refused(
    service: Service, files: FileServer, target: str
) -> None:
    files.answers["/old"] = [redirect(target)]

    job = await fetched(service, files.url("/old"))

    assert (job.status, job.error["code"]) == (job_pb2.JOB_STATUS_FAILED, "URL_REFUSED")
    assert_nothing_is_kept(service)


async def test_redirects_in_a_circle_end(service: Service, files: FileServer) -> None:
    files.answers["/a"] = [redirect("/a")]

    job = await fetched(service, files.url("/a"))

    assert job.error["code"] == "FETCH_FAILED"
    assert len(files.asked) == 6


async def test_a_file_that_is_too_large_is_refused(service: Service, files: FileServer) -> None:
    files.answers["/a"] = [whole(HEADER + b"2017-01-01,1,1,5\n" * 10_000)]

    job = await fetched(service, files.url("/a"))

    assert (job.status, job.error["code"]) == (job_pb2.JOB_STATUS_FAILED, "PAYLOAD_TOO_LARGE")
    assert_nothing_is_kept(service)


async def test_a_file_that_cannot_be_read_leaves_nothing(service: Service, files: FileServer) -> None:
    files.answers["/a"] = [whole(b"<html>please log in</html>\n")]

    job = await fetched(service, files.url("/a"))

    assert (job.status, job.error["code"]) == (job_pb2.JOB_STATUS_FAILED, "DELIMITER_WRONG")
    assert_nothing_is_kept(service)


async def test_what_always_breaks_off_fails_and_leaves_nothing(service: Service, files: FileServer) -> None:
    files.answers["/a"] = [broken(ROWS, 9000)]

    job = await fetched(service, files.url("/a"))

    assert (job.status, job.error["code"]) == (job_pb2.JOB_STATUS_FAILED, "FETCH_FAILED")
    assert "broke off" in str(job.error["detail"])
    assert len(files.asked) == 3
    assert_nothing_is_kept(service)


async def test_what_broke_off_is_begun_anew(service: Service, files: FileServer) -> None:
    files.answers["/a"] = [broken(ROWS, 9000), whole(ROWS)]

    done = await import_of(service, await fetched(service, files.url("/a")))

    assert (done.report.accepted_count, done.size_bytes) == (1400, len(ROWS))
    assert "range" not in files.asked[1][1]


async def test_what_broke_off_is_gone_on_with_where_the_server_can(
    service: Service, files: FileServer
) -> None:
    def rest(request: Request) -> None:
        start = int(request.headers["range"].removeprefix("bytes=").rstrip("-"))
        told = {"content-range": f"bytes {start}-{len(ROWS) - 1}/{len(ROWS)}", "etag": '"v1"'}
        request.begin(206, {"content-length": str(len(ROWS) - start), **told})
        request.wfile.write(ROWS[start:])

    files.answers["/a"] = [broken(ROWS, 9000, etag='"v1"', accept_ranges="bytes"), rest]

    done = await import_of(service, await fetched(service, files.url("/a")))

    assert (done.report.accepted_count, done.size_bytes) == (1400, len(ROWS))
    asked = files.asked[1][1]
    assert (asked["range"], asked["if-range"]) == ("bytes=9000-", '"v1"')


async def test_a_file_that_changed_meanwhile_is_begun_anew(service: Service, files: FileServer) -> None:
    other = ROWS.replace(b",5\n", b",6\n")
    files.answers["/a"] = [broken(ROWS, 9000, etag='"v1"', accept_ranges="bytes"), whole(other, etag='"v2"')]

    await fetched(service, files.url("/a"))

    assert service.rows("SELECT DISTINCT quantity FROM sales") == [(6 * service.quantity_scale,)]


async def test_what_is_not_there_fails_at_once(service: Service, files: FileServer) -> None:
    files.answers["/a"] = [whole(b"gone", 404)]

    job = await fetched(service, files.url("/a"))

    assert (job.status, job.error["code"]) == (job_pb2.JOB_STATUS_FAILED, "FETCH_FAILED")
    assert "status 404" in str(job.error["detail"])
    assert len(files.asked) == 1
    assert_nothing_is_kept(service)


async def test_a_server_in_trouble_is_asked_again(service: Service, files: FileServer) -> None:
    files.answers["/a"] = [whole(b"", 500), whole(b"", 503), whole(ROWS)]

    job = await fetched(service, files.url("/a"))

    assert job.status == job_pb2.JOB_STATUS_COMPLETED
    assert len(files.asked) == 3


async def test_a_server_that_drips_is_given_up(service: Service, files: FileServer) -> None:
    def dripping(request: Request) -> None:
        request.wfile.write(b"HTTP/1.1 200 OK\r\n")
        for _ in range(3000):
            request.wfile.write(b"x: y\r\n")
            time.sleep(0.02)

    files.answers["/a"] = [dripping]
    settings = service.settings.model_copy(update={"import_fetch_seconds": 0.5})
    handlers = source_handlers(settings, service.worker_engine)
    runner = JobRunner(service.ledger, handlers, RunnerOptions("shelfcast_data"))
    job = await ordered(service, files.url("/a"))

    await asyncio.to_thread(runner.run, job.job_id)

    wanted = job_service_pb2.GetJobRequest(job_id=job.job_id)
    ended = await service.jobs.GetJob(wanted, timeout=30, metadata=service.auth())
    assert ended.error["code"] == "FETCH_FAILED"
    assert "too long" in str(ended.error["detail"])
    assert_nothing_is_kept(service)


async def test_a_cancelled_fetch_leaves_nothing(service: Service, files: FileServer) -> None:
    signals = JobSignals()

    def slowly(request: Request) -> None:
        request.begin(200, {"content-length": str(len(ROWS))})
        request.wfile.write(ROWS[:5000])
        signals.cancelled.set()
        request.wfile.write(ROWS[5000:])

    files.answers["/a"] = [slowly]
    ordered_job = await ordered(service, files.url("/a"))
    claimed = service.ledger.claim(ordered_job.job_id, 60.0)
    assert claimed is not None
    handler = source_handlers(service.settings, service.worker_engine)[fetch_import.JOB_KIND]

    with pytest.raises(JobCancelled):
        await asyncio.to_thread(handler.run, JobContext(claimed, service.ledger, signals))

    assert_nothing_is_kept(service)


async def test_a_worker_killed_while_it_fetches_is_made_good(service: Service, files: FileServer) -> None:
    def stuck(request: Request) -> None:
        request.begin(200, {"content-length": str(len(ROWS))})
        request.wfile.write(ROWS[:9000])
        request.wfile.flush()
        process.kill()
        process.wait()
        request.close_connection = True

    files.answers["/a"] = [stuck, whole(ROWS)]
    job = await ordered(service, files.url("/a"))
    told = [service.settings.database_url, str(service.settings.data_dir), job.job_id]
    hosts = f"--hosts={service.settings.data_import_hosts}"
    process = await asyncio.to_thread(subprocess.Popen, [sys.executable, str(WORKER), *told, hosts])
    await asyncio.to_thread(process.wait)
    left = stored_files(service)
    await asyncio.sleep(1.2)

    ended = await service.work(job.job_id)

    assert [name.startswith(f".{job.job_id}") for name in left] == [True]
    assert (ended.status, ended.attempt) == (job_pb2.JOB_STATUS_COMPLETED, 2)
    assert service.rows("SELECT COUNT(*) FROM sales") == [(1400,)]
    assert stored_files(service) == []
