"""Leases and fences: who may work on a job, and how a worker that slept too long is kept out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import and_, func, select, update

from shelfcast_servicekit.jobs.domain import JobStatus
from shelfcast_servicekit.jobs.errors import JobCrashed, JobLeaseLost
from shelfcast_servicekit.jobs.problem import problem_of
from shelfcast_servicekit.jobs.rows import job_of, json_text
from shelfcast_servicekit.sql_clock import utc_after, utc_now

if TYPE_CHECKING:
    from sqlalchemy import Connection, Table

    from shelfcast_servicekit.jobs.domain import Job, JobOutcome, JsonObject

MOST_CRASHES: Final = 3
ANNOUNCED_WITHIN_SECONDS: Final = 30.0


class JobLeases:
    """The jobs as one transaction of a worker sees them; all times are the database's."""

    def __init__(self, connection: Connection, table: Table) -> None:
        """Work on `table` within the transaction of `connection`."""
        self._connection = connection
        self._table = table

    def claim(self, job_id: str, lease_seconds: float) -> Job | None:
        """Take a pending job, or one whose lease ran out; None when it is not to be had."""
        c = self._table.c
        self.release_expired(job_id)
        free = and_(c.job_id == job_id, c.status == JobStatus.PENDING.value, c.run_after <= utc_now())
        taken = update(self._table).where(free)
        taken = taken.values(
            status=JobStatus.PROCESSING.value,
            fence=c.fence + 1,
            attempt=c.attempt + 1,
            started_at=func.coalesce(c.started_at, utc_now()),
            heartbeat_at=utc_now(),
            lease_until=utc_after(lease_seconds),
        )
        if not self._connection.execute(taken).rowcount:
            return None
        return job_of(
            self._connection.execute(select(self._table).where(c.job_id == job_id)).mappings().one()
        )

    def release_expired(self, job_id: str | None = None) -> int:
        """Take jobs from workers that gave no sign of life: pending again, cancelled, or failed.

        job_id: only this job; None means all. Gives how many were released.
        """
        c = self._table.c
        expired = [c.status == JobStatus.PROCESSING.value, c.lease_until < utc_now()]
        if job_id is not None:
            expired.append(c.job_id == job_id)
        lost = update(self._table).where(*expired)
        error = json_text(problem_of(JobCrashed(attempt=str(MOST_CRASHES))))
        count = 0
        for change in (
            lost.where(c.cancel_requested).values(**_ended(JobStatus.CANCELLED)),
            lost.where(c.crash_count >= MOST_CRASHES - 1).values(
                **_ended(JobStatus.FAILED), error=error, crash_count=c.crash_count + 1
            ),
            lost.values(**_free_again(0.0), crash_count=c.crash_count + 1),
        ):
            count += self._connection.execute(change).rowcount
        return count

    def held(self, job_id: str, fence: int) -> Job:
        """Give the job to the child of its holder. Raises: JobLeaseLost."""
        self.guard(job_id, fence)
        query = select(self._table).where(self._table.c.job_id == job_id)
        return job_of(self._connection.execute(query).mappings().one())

    def heartbeat(self, job_id: str, fence: int, lease_seconds: float) -> bool:
        """Extend the lease; say whether a cancel is asked for. Raises: JobLeaseLost."""
        self._write(job_id, fence, heartbeat_at=utc_now(), lease_until=utc_after(lease_seconds))
        query = select(self._table.c.cancel_requested).where(self._table.c.job_id == job_id)
        return bool(self._connection.execute(query).scalar_one())

    def progress(self, job_id: str, fence: int, phase: str, done: float, total: float) -> None:
        """Store how far the work is. Raises: JobLeaseLost."""
        self._write(job_id, fence, phase=phase, done_count=done, total_count=total)

    def save_checkpoint(self, job_id: str, fence: int, checkpoint: JsonObject) -> None:
        """Store where a re-run goes on. Raises: JobLeaseLost."""
        self._write(job_id, fence, checkpoint=json_text(checkpoint))

    def guard(self, job_id: str, fence: int, checkpoint: JsonObject | None = None) -> None:
        """Let an effect through only for the holder of the lease.

        Call it in the transaction that writes the effect, as its last statement: it locks the job's row
        until the commit, so that nobody can take the job in between. checkpoint: stored with the effect.
        Raises: JobLeaseLost.
        """
        if checkpoint is None:
            self._write(job_id, fence, heartbeat_at=utc_now())
        else:
            self.save_checkpoint(job_id, fence, checkpoint)

    def complete(self, job_id: str, fence: int, outcome: JobOutcome) -> None:
        """End a job with its result. Raises: JobLeaseLost."""
        result = json_text(outcome.result)
        self._write(
            job_id,
            fence,
            **_ended(JobStatus.COMPLETED),
            result=result,
            result_url=outcome.result_url,
            error=None,
        )

    def fail(self, job_id: str, fence: int, problem: JsonObject) -> None:
        """End a job with a problem. Raises: JobLeaseLost."""
        self._write(job_id, fence, **_ended(JobStatus.FAILED), error=json_text(problem))

    def cancelled(self, job_id: str, fence: int) -> None:
        """End a job because somebody asked. Raises: JobLeaseLost."""
        self._write(job_id, fence, **_ended(JobStatus.CANCELLED))

    def hand_back(self, job_id: str, fence: int, after_seconds: float = 0.0) -> None:
        """Make a job pending again, to run not before `after_seconds`. Raises: JobLeaseLost."""
        self._write(job_id, fence, **_free_again(after_seconds))

    def crashed(self, job_id: str, fence: int) -> None:
        """Count a crash of the holder's child: pending again, or failed at the third. Raises: as all."""
        self._write(job_id, fence, lease_until=utc_after(-1))
        self.release_expired(job_id)

    def oldest_wait_seconds(self) -> float:
        """Give how long the oldest announced pending job has waited; 0 when none waits.

        A job counts while the broker takes its announcements: without a broker no worker is to blame.
        """
        c = self._table.c
        query = select(func.min(c.pending_at), utc_now()).where(
            c.status == JobStatus.PENDING.value,
            c.published_at > utc_after(-ANNOUNCED_WITHIN_SECONDS),
            c.run_after <= utc_now(),
        )
        oldest, now = self._connection.execute(query).one()
        return 0.0 if oldest is None else float((now - oldest).total_seconds())

    def _write(self, job_id: str, fence: int, **values: object) -> None:
        c = self._table.c
        mine = and_(c.job_id == job_id, c.fence == fence, c.status == JobStatus.PROCESSING.value)
        if not self._connection.execute(update(self._table).where(mine).values(**values)).rowcount:
            raise JobLeaseLost(job_id)


def _ended(status: JobStatus) -> dict[str, object]:
    return {"status": status.value, "completed_at": utc_now(), "lease_until": None}


def _free_again(after_seconds: float) -> dict[str, object]:
    return {
        "status": JobStatus.PENDING.value,
        "pending_at": utc_now(),
        "run_after": utc_after(after_seconds),
        "published_at": None,
        "lease_until": None,
    }
