"""The two faces of the job table: async for the service, sync for the worker."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy.exc import IntegrityError

from shelfcast_servicekit.jobs.lease import JobLeases
from shelfcast_servicekit.jobs.rows import JobRows
from shelfcast_servicekit.transact import Transactor

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Engine, Table

    from shelfcast_servicekit.executor import BlockingExecutor
    from shelfcast_servicekit.jobs.domain import (
        Job,
        JobFilter,
        JobOutcome,
        JobPage,
        JobStatus,
        JobSubmission,
        JsonObject,
    )

T = TypeVar("T")


class JobStore:
    """What a service does with jobs; each call is one transaction on the executor."""

    def __init__(self, engine: Engine, executor: BlockingExecutor, table: Table) -> None:
        """Keep jobs in `table`, made by `job_table`."""
        self.table = table
        self._rows = Transactor(engine, executor, partial(_rows, table))
        self._leases = Transactor(engine, executor, partial(_leases, table))

    async def submit(self, submission: JobSubmission) -> Job:
        """Store a job as pending; the same idempotency key gives the same job.

        Then wake the sweeper, which announces it. Raises: IdempotencyKeyReused.
        """
        try:
            return await self._rows.transact(lambda rows: rows.submit(submission))
        except IntegrityError:  # somebody stored the same key a moment ago
            return await self._rows.transact(lambda rows: rows.submit(submission))

    async def get(self, tenant: str, job_id: str) -> Job:
        """Give a job of the tenant. Raises: JobNotFound."""
        return await self._rows.read(lambda rows: rows.get(tenant, job_id))

    async def page(
        self, tenant: str, wanted: JobFilter, limit: int, after: tuple[datetime, str] | None = None
    ) -> JobPage:
        """Give up to `limit` jobs, newest first, after a position."""
        return await self._rows.read(lambda rows: rows.page(tenant, wanted, limit, after))

    async def counts(self, tenant: str) -> Mapping[JobStatus, int]:
        """Count the tenant's jobs by status; every status is there."""
        return await self._rows.read(lambda rows: rows.counts(tenant))

    async def request_cancel(self, tenant: str, job_id: str) -> Job:
        """Cancel a waiting job, or ask a running one to stop. Raises: JobNotFound, StateConflict."""
        return await self._rows.transact(lambda rows: rows.request_cancel(tenant, job_id))

    async def retry(self, tenant: str, job_id: str) -> Job:
        """Make a failed or cancelled job pending again. Raises: JobNotFound, StateConflict."""
        return await self._rows.transact(lambda rows: rows.retry(tenant, job_id))

    async def sweep(self, republish_seconds: float) -> Sequence[str]:
        """Release expired leases, and give the pending jobs that need to be announced."""
        await self._leases.transact(lambda leases: leases.release_expired())
        return await self._rows.read(lambda rows: rows.waiting_for_delivery(republish_seconds))

    async def mark_published(self, job_ids: Sequence[str]) -> None:
        """Remember that messages for these jobs went out."""
        await self._rows.transact(lambda rows: rows.mark_published(job_ids))


class JobLedger:
    """What a worker does with jobs; each call is one transaction on the calling thread."""

    def __init__(self, engine: Engine, table: Table) -> None:
        """Keep jobs in `table`, made by `job_table`."""
        self.table = table
        self._transactor = Transactor(engine, None, partial(_leases, table))

    def claim(self, job_id: str, lease_seconds: float) -> Job | None:
        """Take a job; None when it is not to be had."""
        return self._write(lambda leases: leases.claim(job_id, lease_seconds))

    def held(self, job_id: str, fence: int) -> Job:
        """Give the job to the child of its holder. Raises: JobLeaseLost."""
        return self._write(lambda leases: leases.held(job_id, fence))

    def heartbeat(self, job_id: str, fence: int, lease_seconds: float) -> bool:
        """Extend the lease; say whether a cancel is asked for. Raises: JobLeaseLost."""
        return self._write(lambda leases: leases.heartbeat(job_id, fence, lease_seconds))

    def progress(self, job_id: str, fence: int, phase: str, done: float, total: float) -> None:
        """Store how far the work is. Raises: JobLeaseLost."""
        self._write(lambda leases: leases.progress(job_id, fence, phase, done, total))

    def save_checkpoint(self, job_id: str, fence: int, checkpoint: JsonObject) -> None:
        """Store where a re-run goes on. Raises: JobLeaseLost."""
        self._write(lambda leases: leases.save_checkpoint(job_id, fence, checkpoint))

    def complete(self, job_id: str, fence: int, outcome: JobOutcome) -> None:
        """End a job with its result. Raises: JobLeaseLost."""
        self._write(lambda leases: leases.complete(job_id, fence, outcome))

    def fail(self, job_id: str, fence: int, problem: JsonObject) -> None:
        """End a job with a problem. Raises: JobLeaseLost."""
        self._write(lambda leases: leases.fail(job_id, fence, problem))

    def cancelled(self, job_id: str, fence: int) -> None:
        """End a job because somebody asked. Raises: JobLeaseLost."""
        self._write(lambda leases: leases.cancelled(job_id, fence))

    def hand_back(self, job_id: str, fence: int, after_seconds: float = 0.0) -> None:
        """Make a job pending again. Raises: JobLeaseLost."""
        self._write(lambda leases: leases.hand_back(job_id, fence, after_seconds))

    def crashed(self, job_id: str, fence: int) -> None:
        """Count a crash of the holder's child. Raises: JobLeaseLost."""
        self._write(lambda leases: leases.crashed(job_id, fence))

    def oldest_wait_seconds(self) -> float:
        """Give how long the oldest announced pending job has waited."""
        return self._transactor.read_sync(lambda leases: leases.oldest_wait_seconds())

    def guard(
        self, connection: Connection, job_id: str, fence: int, checkpoint: JsonObject | None = None
    ) -> None:
        """Let an effect on `connection` through only for the holder of the lease. Raises: JobLeaseLost."""
        JobLeases(connection, self.table).guard(job_id, fence, checkpoint)

    def _write(self, work: Callable[[JobLeases], T]) -> T:
        return self._transactor.transact_sync(work)


def _rows(table: Table, connection: Connection) -> JobRows:
    return JobRows(connection, table)


def _leases(table: Table, connection: Connection) -> JobLeases:
    return JobLeases(connection, table)
