"""Whose turn it is among the checks of a tenant, by the table of jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shelfcast_servicekit.jobs.domain import JobStatus
from shelfcast_servicekit.jobs.rows import job_of
from shelfcast_servicekit.sql_clock import utc_now
from sqlalchemy import and_, func, select, update

from shelfcast_data.adapters.sql.quality_schema import CHECKS
from shelfcast_data.adapters.sql.schema import JOBS
from shelfcast_data.adapters.sql.turns import take_turn

if TYPE_CHECKING:
    from shelfcast_servicekit.jobs.domain import Job
    from sqlalchemy import ColumnElement, Connection

_J, _C = JOBS.c, CHECKS.c


class CheckTurnRows:
    """The queue of one tenant's checks within one transaction."""

    def __init__(self, connection: Connection, tenant: str, tenant_no: int, kind: str) -> None:
        """Work within the transaction of `connection`. kind: of the jobs that are checks."""
        self._connection = connection
        self._tenant_no = tenant_no
        self._is_check = and_(_J.tenant == tenant, _J.kind == kind)

    def _in(self, status: JobStatus) -> ColumnElement[bool]:
        return and_(self._is_check, _J.status == status.value)

    def waiting(self) -> Job | None:
        """Give a check that waits for a worker; None if there is none."""
        query = select(JOBS).where(self._in(JobStatus.PENDING)).order_by(_J.pending_at).limit(1)
        row = self._connection.execute(query).mappings().one_or_none()
        return None if row is None else job_of(row)

    def hasten(self, job_id: str) -> None:
        """Let a waiting check begin now, if it was to begin later."""
        later = and_(_J.job_id == job_id, self._in(JobStatus.PENDING), _J.run_after > utc_now())
        self._connection.execute(update(JOBS).where(later).values(run_after=utc_now(), published_at=None))

    def seconds_since_last(self) -> float | None:
        """Give how long ago a check last began or ended; None if there was none."""
        newest = select(func.max(_C.check_no)).where(_C.tenant_no == self._tenant_no).scalar_subquery()
        ended = select(_C.checked_at).where(_C.check_no == newest).scalar_subquery()
        began = select(func.max(_J.started_at)).where(self._in(JobStatus.PROCESSING)).scalar_subquery()
        now, *times = self._connection.execute(select(utc_now(), ended, began)).one()
        known = [each for each in times if each is not None]
        return (now - max(known)).total_seconds() if known else None

    def take(self, check_id: str) -> bool:
        """Take the turn unless another check of the tenant has it and runs; say whether it was to be had."""
        return take_turn(self._connection, self._tenant_no, check_id)
