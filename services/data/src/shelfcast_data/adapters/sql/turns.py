"""Whose turn it is among the jobs of one kind of a tenant, of which one runs at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shelfcast_servicekit.jobs.domain import JobStatus
from sqlalchemy import or_, select, update

from shelfcast_data.adapters.sql.schema import JOBS, TURNS
from shelfcast_data.adapters.sql.statement import insert_new

if TYPE_CHECKING:
    from sqlalchemy import Connection

_J, _T = JOBS.c, TURNS.c


def take_turn(connection: Connection, tenant_no: int, job_id: str) -> bool:
    """Take the turn of a job's kind; say whether it was to be had.

    It is not while another job of the kind runs that has taken it, nor while one that was handed in earlier
    waits to run again, so that nobody is overtaken. A job that ended or lost its worker holds no turn.
    """
    mine = connection.execute(
        select(_J.tenant, _J.kind, _J.submitted_at).where(_J.job_id == job_id)
    ).one_or_none()
    if mine is None:
        return True
    waits = select(_J.job_id).where(
        _J.status == JobStatus.PENDING.value,
        _J.tenant == mine.tenant,
        _J.kind == mine.kind,
        _J.attempt > 0,
        _J.submitted_at < mine.submitted_at,
    )
    if connection.execute(waits.limit(1)).first() is not None:
        return False
    ids = {"tenant_no": tenant_no, "kind": mine.kind}
    connection.execute(insert_new(TURNS).values(**ids, job_id=job_id))
    holder = select(_J.job_id).where(_J.job_id == _T.job_id, _J.status == JobStatus.PROCESSING.value)
    is_free = or_(_T.job_id == job_id, ~holder.correlate(TURNS).exists())
    taken = update(TURNS).where(_T.tenant_no == tenant_no, _T.kind == mine.kind, is_free)
    return bool(connection.execute(taken.values(job_id=job_id)).rowcount)
