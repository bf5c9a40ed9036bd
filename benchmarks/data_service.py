"""A data service of a benchmark's own: server, worker, database, Redis, and its callers."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import polars as pl
import pymysql
from shelfcast.ingestion.v1 import import_service_pb2, import_service_pb2_grpc
from shelfcast.jobs.v1 import job_pb2, job_service_pb2, job_service_pb2_grpc
from sqlalchemy.engine import make_url

ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENT = dict(os.environ)  # noqa: TID251 - a benchmark is set by its caller, and its children inherit
DATA = Path(ENVIRONMENT.get("DATA") or ROOT.parent / "shared" / "data" / "store_item")
MYSQL = ENVIRONMENT.get("MYSQL_URL") or "mysql+pymysql://root@127.0.0.1:3306/"
PIECE = 1024 * 1024


@dataclass(slots=True)
class DataService:
    """A running data service."""

    port: int
    key: str
    servers: list[subprocess.Popen[bytes]]
    worker: subprocess.Popen[bytes]
    folder: Path

    @property
    def target(self) -> str:
        """Where it listens."""
        return f"127.0.0.1:{self.port}"

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """The credential of its calls."""
        return (("authorization", f"Bearer {self.key}"),)

    def peaks_mib(self) -> tuple[float, float]:
        """Give the most memory that a server and the worker have held."""
        return max(map(_peak_mib, self.servers)), _peak_mib(self.worker)

    def load(self, source: Path) -> tuple[job_pb2.Job, float]:
        """Import a file; give its job and the seconds from the first byte to the job's end."""
        job, seconds = asyncio.run(_loaded(self, source))
        assert job.status == job_pb2.JOB_STATUS_COMPLETED, job
        return job, seconds

    def rest(self) -> None:
        """Wait until no job waits or runs: an import is followed by a check of what it has brought."""
        asyncio.run(_rested(self))


def source_csv(folder: Path) -> Path:
    """Give the rows of the data set as CSV."""
    if DATA.suffix == ".csv":
        return DATA
    path = folder / "sales.csv"
    if not path.exists():
        pl.scan_parquet(DATA / "train.parquet").sink_csv(path)
    return path


def repeated_csv(source: Path, folder: Path, factor: int) -> Path:
    """Give a file `factor` times as long, with other shops in each part."""
    path = folder / "long.csv"
    frame = pl.read_csv(source)
    with path.open("wb") as file:
        for part in range(factor):
            shop = pl.col("store") + 1000 * part
            frame.with_columns(store=shop).write_csv(file, include_header=part == 0)
    return path


def bare_rows(source: Path) -> pl.DataFrame:
    """Give the rows as tenant_no, series_no, sale_date, load_no, quantity, as the service stores them."""
    series = (pl.col("store") - 1) * 50 + pl.col("item")
    columns = [
        pl.lit(1).alias("tenant_no"),
        series.alias("series_no"),
        "date",
        pl.lit(1).alias("load_no"),
        "sales",
    ]
    return pl.read_csv(source).select(columns)


def row_count(path: Path) -> int:
    """Give the number of data rows of a CSV file."""
    return int(pl.scan_csv(path).select(pl.len()).collect().item())


def connect(database: str = "") -> pymysql.Connection:
    """Open a bare connection to MariaDB."""
    url = make_url(MYSQL)
    return pymysql.connect(
        host=url.host or "127.0.0.1",
        port=url.port or 3306,
        user=url.username or "root",
        password=url.password or "",
        database=database or None,
        local_infile=True,
        autocommit=True,
    )


@contextmanager
def mariadb() -> Iterator[tuple[str, str]]:
    """Give the name and URL of a database that is dropped at the end."""
    name = f"shelfcast_bench_{uuid.uuid4().hex[:12]}"
    with connect() as admin, admin.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
    try:
        yield name, make_url(MYSQL).set(database=name).render_as_string(hide_password=False)
    finally:
        with connect() as admin, admin.cursor() as cursor:
            cursor.execute(f"DROP DATABASE {name}")


def migrated(database_url: str, folder: Path) -> None:
    """Create the tables of the data service."""
    subprocess.run(_command("migrate"), env=_environment(database_url, folder, 1, 0), check=True)


@contextmanager
def running(database_url: str, folder: Path, server_count: int = 1) -> Iterator[DataService]:
    """Run a data service with its worker on a database, until the block ends.

    server_count: processes that serve on one port.
    """
    own = folder / uuid.uuid4().hex[:8]
    redis_port, port = _free_port(), _free_port()
    environment = _environment(database_url, own, redis_port, port)
    key = subprocess.run(
        _command("create-api-key", "--tenant", "bench", "--role", "admin"),
        env=environment, check=True, capture_output=True, text=True,
    ).stdout.strip()  # fmt: skip
    redis = subprocess.Popen(
        ["redis-server", "--port", str(redis_port), "--save", "", "--loglevel", "warning"]
    )
    servers = [subprocess.Popen(_command("serve"), env=environment) for _ in range(server_count)]
    worker = subprocess.Popen(_command("worker"), env=environment)
    service = DataService(port, key, servers, worker, own)
    try:
        asyncio.run(_ready(service))
        yield service
    finally:
        for process in (*servers, worker, redis):
            process.send_signal(signal.SIGTERM)
        for process in (*servers, worker, redis):
            process.wait()


def _environment(database_url: str, folder: Path, redis_port: int, port: int) -> dict[str, str]:
    values = {
        "SHELFCAST_DATABASE_URL": database_url,
        "SHELFCAST_DATA_DIR": str(folder),
        "SHELFCAST_REDIS_URL": f"redis://127.0.0.1:{redis_port}/0",
        "SHELFCAST_PORT": str(port),
        "SHELFCAST_SHARE_PORT": "true",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "none",
        "SHELFCAST_LOG_LEVEL": "WARNING",
    }
    if ENVIRONMENT.get("CHUNK"):
        values["SHELFCAST_IMPORT_CHUNK_BYTES"] = ENVIRONMENT["CHUNK"]
    return {**ENVIRONMENT, **values}


def _command(command: str, *more: str) -> list[str]:
    return [sys.executable, "-m", "shelfcast_data", command, *more]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _peak_mib(process: subprocess.Popen[bytes]) -> float:
    """Give the kernel's high-water mark of the address space; `ru_maxrss` would count the parent's too."""
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
    peak = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(peak) / 1024


async def _loaded(service: DataService, source: Path) -> tuple[job_pb2.Job, float]:
    async with grpc.aio.insecure_channel(service.target) as channel:
        jobs: job_service_pb2_grpc.JobServiceAsyncStub = job_service_pb2_grpc.JobServiceStub(channel)
        begun = time.perf_counter()
        stub = import_service_pb2_grpc.ImportServiceStub(channel)
        job = await stub.CreateImport(_messages(source), timeout=600, metadata=service.metadata)
        wanted = job_service_pb2.GetJobRequest(job_id=job.job_id)
        while not job.HasField("completed_at"):
            await asyncio.sleep(0.05)
            job = await jobs.GetJob(wanted, timeout=5, metadata=service.metadata)
        return job, time.perf_counter() - begun


async def _rested(service: DataService) -> None:
    async with grpc.aio.insecure_channel(service.target) as channel:
        jobs: job_service_pb2_grpc.JobServiceAsyncStub = job_service_pb2_grpc.JobServiceStub(channel)
        request = job_service_pb2.ListJobsRequest(page_size=1)
        async with asyncio.timeout(600):
            while True:
                held = (await jobs.ListJobs(request, timeout=5, metadata=service.metadata)).count_by_status
                if not held["pending"] + held["processing"]:
                    return
                await asyncio.sleep(0.2)


async def _ready(service: DataService) -> None:
    """Wait for the server, and a little for the worker's first connection to the broker."""
    async with grpc.aio.insecure_channel(service.target) as channel:
        jobs: job_service_pb2_grpc.JobServiceAsyncStub = job_service_pb2_grpc.JobServiceStub(channel)
        while True:
            try:
                await jobs.ListJobs(job_service_pb2.ListJobsRequest(), timeout=5, metadata=service.metadata)
            except grpc.aio.AioRpcError:
                await asyncio.sleep(0.2)
            else:
                await asyncio.sleep(4)
                return


async def _messages(source: Path) -> AsyncIterator[import_service_pb2.CreateImportRequest]:
    with source.open("rb") as file:
        while data := file.read(PIECE):
            yield import_service_pb2.CreateImportRequest(data=data)
