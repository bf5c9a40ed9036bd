"""Everything that is said about jobs in SQL, on one connection, inside the caller's transaction."""

from __future__ import annotations

import hashlib
import uuid
from typing import TYPE_CHECKING, Final

import orjson
from sqlalchemy import and_, func, insert, or_, select, update

from shelfcast_servicekit.errors import IdempotencyKeyReused
from shelfcast_servicekit.jobs.domain import (
    ENDED,
    RETRYABLE,
    Job,
    JobFilter,
    JobPage,
    JobStatus,
    JobSubmission,
)
from shelfcast_servicekit.jobs.errors import JobNotFound, StateConflict
from shelfcast_servicekit.sql_clock import utc_after, utc_now
from shelfcast_servicekit.traceparent import current_trace_id, current_traceparent

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, RowMapping, Table

    from shelfcast_servicekit.jobs.domain import JsonObject

_JSON: Final = ("input", "checkpoint", "result", "error")
_FIELDS: Final = tuple(Job.__dataclass_fields__)


class JobRows:
    """The jobs as one transaction sees them: what services and the sweeper do."""

    def __init__(self, connection: Connection, table: Table) -> None:
        """Work on `table` within the transaction of `connection`."""
        self._connection = connection
        self._table = table

    def submit(self, submission: JobSubmission) -> Job:
        """Store a job as pending, or give the one already stored under its idempotency key.

        Raises: IdempotencyKeyReused when the key came with another request; IntegrityError when
        somebody else stores the same key at this moment (repeat the transaction).
        """
        digest = _digest(submission.input if submission.request is None else submission.request)
        known = self._by_key(submission.tenant, submission.kind, submission.idempotency_key)
        if known is not None:
            if known["input_digest"] != digest:
                raise IdempotencyKeyReused
            return job_of(known)
        job_id = submission.job_id or str(uuid.uuid4())
        self._connection.execute(insert(self._table).values(**_new_row(submission, job_id, digest)))
        return self.get(submission.tenant, job_id)

    def has_key(self, tenant: str, kind: str, idempotency_key: str | None) -> bool:
        """Say whether a job of a kind is stored under an idempotency key; None is the key of no job."""
        return self._by_key(tenant, kind, idempotency_key) is not None

    def _by_key(self, tenant: str, kind: str, idempotency_key: str | None) -> RowMapping | None:
        if idempotency_key is None:
            return None
        c = self._table.c
        query = select(self._table).where(
            c.tenant == tenant, c.kind == kind, c.idempotency_key == idempotency_key
        )
        return self._connection.execute(query).mappings().one_or_none()

    def get(self, tenant: str, job_id: str) -> Job:
        """Give a job of the tenant. Raises: JobNotFound."""
        c = self._table.c
        query = select(self._table).where(c.job_id == job_id, c.tenant == tenant)
        row = self._connection.execute(query).mappings().one_or_none()
        if row is None:
            raise JobNotFound(job_id=job_id)
        return job_of(row)

    def page(
        self, tenant: str, wanted: JobFilter, limit: int, after: tuple[datetime, str] | None = None
    ) -> JobPage:
        """Give up to `limit` jobs, newest first, older than the position `after` (submitted_at, job_id)."""
        c = self._table.c
        query = select(self._table).where(c.tenant == tenant, *self._wanted(wanted))
        if after is not None:
            older = and_(c.submitted_at == after[0], c.job_id < after[1])
            query = query.where(or_(c.submitted_at < after[0], older))
        query = query.order_by(c.submitted_at.desc(), c.job_id.desc()).limit(limit + 1)
        rows = self._connection.execute(query).mappings().all()
        return JobPage(tuple(job_of(row) for row in rows[:limit]), has_more=len(rows) > limit)

    def _wanted(self, wanted: JobFilter) -> Iterable[ColumnElement[bool]]:
        if wanted.status is not None:
            yield self._table.c.status == wanted.status.value
        if wanted.kind is not None:
            yield self._table.c.kind == wanted.kind

    def counts(self, tenant: str) -> Mapping[JobStatus, int]:
        """Count the tenant's jobs by status; every status is there."""
        c = self._table.c
        query = select(c.status, func.count()).where(c.tenant == tenant).group_by(c.status)
        found = {JobStatus(status): int(count) for status, count in self._connection.execute(query)}
        return {status: found.get(status, 0) for status in JobStatus}

    def request_cancel(self, tenant: str, job_id: str) -> Job:
        """Cancel a waiting job, or ask a running one to stop; asking twice changes nothing.

        Raises: JobNotFound; StateConflict when it has completed or failed.
        """
        c = self._table.c
        mine = and_(c.job_id == job_id, c.tenant == tenant)
        waiting = update(self._table).where(mine, c.status == JobStatus.PENDING.value)
        ended = {"status": JobStatus.CANCELLED.value, "completed_at": utc_now(), "cancel_requested": True}
        if not self._connection.execute(waiting.values(**ended)).rowcount:
            running = update(self._table).where(mine, c.status == JobStatus.PROCESSING.value)
            self._connection.execute(running.values(cancel_requested=True))
        job = self.get(tenant, job_id)
        if job.status in ENDED and job.status is not JobStatus.CANCELLED:
            raise StateConflict(job_id=job_id, status=job.status.value)
        return job

    def retry(self, tenant: str, job_id: str) -> Job:
        """Make a failed or cancelled job pending again, from its checkpoint.

        Raises: JobNotFound; StateConflict when it waits, runs or has completed.
        """
        c = self._table.c
        ended = [status.value for status in RETRYABLE]
        change = update(self._table).where(c.job_id == job_id, c.tenant == tenant, c.status.in_(ended))
        if not self._connection.execute(change.values(**_PENDING_AGAIN())).rowcount:
            job = self.get(tenant, job_id)
            raise StateConflict(job_id=job_id, status=job.status.value)
        return self.get(tenant, job_id)

    def waiting_for_delivery(self, republish_seconds: float, limit: int = 100) -> Sequence[str]:
        """Give pending jobs that no message has announced, or none for `republish_seconds`; oldest first."""
        c = self._table.c
        overdue = or_(c.published_at.is_(None), c.published_at < utc_after(-republish_seconds))
        query = select(c.job_id).where(c.status == JobStatus.PENDING.value, c.run_after <= utc_now(), overdue)
        return list(self._connection.execute(query.order_by(c.pending_at).limit(limit)).scalars())

    def mark_published(self, job_ids: Sequence[str]) -> None:
        """Remember that messages for these jobs went out."""
        if job_ids:
            change = update(self._table).where(self._table.c.job_id.in_(job_ids))
            self._connection.execute(change.values(published_at=utc_now()))


def _PENDING_AGAIN() -> dict[str, object]:
    return {
        "status": JobStatus.PENDING.value,
        "pending_at": utc_now(),
        "run_after": utc_now(),
        "published_at": None,
        "lease_until": None,
        "completed_at": None,
        "crash_count": 0,
        "cancel_requested": False,
        "error": None,
        "phase": "",
    }


def _new_row(submission: JobSubmission, job_id: str, digest: str) -> dict[str, object]:
    return {
        "job_id": job_id,
        "tenant": submission.tenant,
        "kind": submission.kind,
        "status": JobStatus.PENDING.value,
        "submitted_at": utc_now(),
        "pending_at": utc_now(),
        "run_after": utc_after(submission.run_after_seconds),
        "submitted_by": submission.submitted_by,
        "idempotency_key": submission.idempotency_key,
        "input_digest": digest,
        "input": json_text(submission.input),
        "trace_id": current_trace_id(),
        "traceparent": current_traceparent(),
    }


def json_text(value: JsonObject) -> str:
    """Give the stored form of a JSON object."""
    return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()


def _digest(value: JsonObject) -> str:
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()


def job_of(row: RowMapping) -> Job:
    """Give the job in a row."""
    values = {name: row[name] for name in _FIELDS}
    for name in _JSON:
        values[name] = None if values[name] is None else orjson.loads(values[name])
    values["status"] = JobStatus(values["status"])
    values["cancel_requested"] = bool(values["cancel_requested"])
    return Job(**values)
