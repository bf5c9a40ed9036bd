"""A data service in memory: it streams real Arrow over real gRPC; the model service cannot tell."""

# ruff: noqa: ARG002 - RPC methods take what the contract says
from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from shelfcast.common.v1 import arrow_pb2
from shelfcast.jobs.v1 import job_pb2, job_service_pb2, job_service_pb2_grpc
from shelfcast.sales.v1 import data_version_pb2, data_version_service_pb2, data_version_service_pb2_grpc
from shelfcast_servicekit.auth import current_caller
from shelfcast_servicekit.errors import ShelfcastError
from shelfcast_servicekit.jobs.errors import JobNotFound
from shelfcast_servicekit.server import Registration

CHUNK = 64 * 1024
START_DATE = date(2025, 1, 6)


class SalesAbsent(ShelfcastError):
    """The tenant has no sales."""

    reason = "SALES_ABSENT"


class DataVersionNotFound(ShelfcastError):
    """There is no such version."""

    reason = "DATA_VERSION_NOT_FOUND"


@dataclass
class Sales:
    """The sales of one tenant: row by (shop, product, date), and the version of each change."""

    rows: dict[tuple[str, str, date], tuple[float | None, int]] = field(default_factory=dict)
    version: int = 0

    def put(self, rows: Mapping[tuple[str, str, date], float | None]) -> None:
        """Store rows as a new version; None withdraws what the day had."""
        self.version += 1
        self.rows.update({key: (quantity, self.version) for key, quantity in rows.items()})

    def table(self, since: int = 0) -> pa.Table:
        """Give the rows that changed after a version, as a table `sales/1`; withdrawn ones only then."""
        kept = sorted(
            (key, quantity)
            for key, (quantity, version) in self.rows.items()
            if version > since and (since or quantity is not None)
        )
        return pa.table(
            {
                "shop_id": pa.array([k[0] for k, _ in kept], pa.string()).dictionary_encode(),
                "product_id": pa.array([k[1] for k, _ in kept], pa.string()).dictionary_encode(),
                "date": pa.array([k[2] for k, _ in kept], pa.date32()),
                "quantity": pa.array([q for _, q in kept], pa.float64()),
                "unit_price": pa.array([None] * len(kept), pa.float64()),
                "is_promotion": pa.array([None] * len(kept), pa.bool_()),
                "was_available": pa.array([None] * len(kept), pa.bool_()),
            }
        )


class FakeDataService(data_version_service_pb2_grpc.DataVersionServiceServicer):
    """Versions, snapshots and changes of the tenants in `sales`."""

    def __init__(self, store_root: Path | None = None) -> None:
        self.sales: dict[str, Sales] = {}
        self.calls: list[str] = []
        self._root = store_root

    def _of_caller(self, call: str) -> Sales:
        self.calls.append(call)
        return self.sales.setdefault(current_caller().tenant, Sales())

    async def GetCurrentDataVersion(self, request: object, context: object) -> data_version_pb2.DataVersion:
        """Read the newest version."""
        sales = self._of_caller("version")
        if not sales.version:
            raise DataVersionNotFound(data_version="current")
        return data_version_pb2.DataVersion(data_version=f"dv-{sales.version}")

    async def ListDataVersions(
        self, request: object, context: object
    ) -> data_version_service_pb2.ListDataVersionsResponse:
        """Never called."""
        raise NotImplementedError

    async def DiffDataVersions(
        self, request: object, context: object
    ) -> data_version_service_pb2.DiffDataVersionsResponse:
        """Never called."""
        raise NotImplementedError

    async def CreateSnapshot(self, request: object, context: object) -> data_version_pb2.Snapshot:
        """Make a snapshot."""
        sales = self._of_caller("create")
        if not sales.rows:
            raise SalesAbsent
        snapshot = data_version_pb2.Snapshot(
            snapshot_id=f"snap-{sales.version}", data_version=f"dv-{sales.version}", row_count=len(sales.rows)
        )
        if self._root is not None:
            path = self._root / f"snap-{sales.version}.parquet"
            pq.write_table(sales.table(), path)
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            snapshot.parts.add(store_path=path.name, digest=digest, row_count=len(sales.rows))
        return snapshot

    async def ReadSnapshot(self, request: object, context: object) -> AsyncIterator[arrow_pb2.ArrowChunk]:
        """Read a snapshot."""
        sales = self._of_caller("snapshot")
        for chunk in chunks_of(sales.table(), sales.version):
            yield chunk

    async def ReadChanges(self, request: object, context: object) -> AsyncIterator[arrow_pb2.ArrowChunk]:
        """Read changes."""
        sales = self._of_caller("changes")
        since = int(request.since_data_version.removeprefix("dv-"))  # type: ignore[attr-defined]
        for chunk in chunks_of(sales.table(since), sales.version):
            yield chunk


def chunks_of(table: pa.Table, version: int) -> list[arrow_pb2.ArrowChunk]:
    """Give the chunks of a table stream and the summary that closes it."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    stream = sink.getvalue().to_pybytes()
    parts = [arrow_pb2.ArrowChunk(ipc=stream[i : i + CHUNK]) for i in range(0, len(stream), CHUNK)]
    summary = arrow_pb2.TableSummary(
        row_count=table.num_rows, sha256=hashlib.sha256(stream).hexdigest(), data_version=f"dv-{version}"
    )
    return [*parts, arrow_pb2.ArrowChunk(summary=summary)]


class FakeJobService(job_service_pb2_grpc.JobServiceServicer):
    """One import job of the data service for every tenant."""

    job = job_pb2.Job(
        job_id="0e1c6a2e-6f0b-4d0a-9a43-2f2a6f2d9c01", kind="import", status=job_pb2.JOB_STATUS_COMPLETED
    )

    def __init__(self) -> None:
        self.job.submitted_at.FromDatetime(datetime(2026, 1, 1, tzinfo=UTC))

    async def GetJob(self, request: job_service_pb2.GetJobRequest, context: object) -> job_pb2.Job:
        """Read one job."""
        if request.job_id != self.job.job_id:
            raise JobNotFound(job_id=request.job_id)
        return self.job

    async def ListJobs(
        self, request: job_service_pb2.ListJobsRequest, context: object
    ) -> job_service_pb2.ListJobsResponse:
        """List jobs."""
        wanted = request.status in {job_pb2.JOB_STATUS_UNSPECIFIED, self.job.status}
        return job_service_pb2.ListJobsResponse(
            jobs=[self.job] if wanted else [], count_by_status={"completed": 1}
        )

    async def CancelJob(self, request: object, context: object) -> job_pb2.Job:
        """Never called."""
        raise NotImplementedError

    async def RetryJob(self, request: object, context: object) -> job_pb2.Job:
        """Never called."""
        raise NotImplementedError

    def WatchJob(self, request: object, context: object) -> AsyncIterator[job_pb2.Job]:
        """Never called."""
        raise NotImplementedError


def registrations(data: FakeDataService) -> list[Registration]:
    """Give the RPC services of the fake."""
    return [
        Registration(
            data_version_service_pb2_grpc.add_DataVersionServiceServicer_to_server,
            data,
            "shelfcast.sales.v1.DataVersionService",
        ),
        Registration(
            job_service_pb2_grpc.add_JobServiceServicer_to_server,
            FakeJobService(),
            "shelfcast.jobs.v1.JobService",
        ),
    ]
