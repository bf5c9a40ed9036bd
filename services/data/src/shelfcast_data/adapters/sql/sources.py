"""What has become of import sources, in SQL."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from shelfcast_servicekit.jobs.domain import ENDED
from shelfcast_servicekit.sql_clock import utc_now
from sqlalchemy import select, update

from shelfcast_data.adapters.sql.schema import JOBS
from shelfcast_data.adapters.sql.source_schema import SOURCE_STATES
from shelfcast_data.adapters.sql.statement import insert_new
from shelfcast_data.domain.import_source import Reading, SourceState

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, RowMapping

_C = SOURCE_STATES.c
_READING = tuple(Reading.__dataclass_fields__)


class SourceRows:
    """The states of a tenant's sources within one transaction."""

    def __init__(self, connection: Connection, tenant: str) -> None:
        """Work within the transaction of `connection`."""
        self._connection = connection
        self._tenant = tenant

    def now(self) -> datetime:
        """Give the time of the store."""
        return self._connection.execute(select(utc_now())).scalar_one()

    def states(self, names: Collection[str]) -> Mapping[str, SourceState]:
        """Give the states of sources, by name."""
        joined = SOURCE_STATES.outerjoin(JOBS, JOBS.c.job_id == _C.last_job_id)
        query = select(SOURCE_STATES, JOBS.c.status).select_from(joined)
        query = query.where(_C.tenant == self._tenant, _C.name.in_(sorted(names)))
        found = {row["name"]: _state(row) for row in self._connection.execute(query).mappings()}
        return {name: found.get(name, SourceState(name)) for name in names}

    def locked(self, name: str) -> SourceState:
        """Give the state of a source, which nobody else changes until the commit."""
        self._connection.execute(insert_new(SOURCE_STATES).values(tenant=self._tenant, name=name))
        self._connection.execute(select(_C.name).where(*self._mine(name)).with_for_update())
        return self.states([name])[name]

    def plan(self, name: str, next_run_at: datetime | None) -> None:
        """Store when the schedule asks for the next run; None means never."""
        self._connection.execute(insert_new(SOURCE_STATES).values(tenant=self._tenant, name=name))
        self._change(name, next_run_at=next_run_at)

    def note_run(self, name: str, job_id: str) -> None:
        """Store that a job was handed to a worker."""
        self._change(name, last_job_id=job_id, last_run_at=utc_now())

    def note_reading(self, name: str, reading: Reading) -> None:
        """Store up to where a source has been loaded."""
        self._change(name, **asdict(reading))

    def _change(self, name: str, **values: object) -> None:
        self._connection.execute(update(SOURCE_STATES).where(*self._mine(name)).values(**values))

    def _mine(self, name: str) -> Sequence[ColumnElement[bool]]:
        return [_C.tenant == self._tenant, _C.name == name]


def due_sources(connection: Connection, limit: int) -> Sequence[tuple[str, str]]:
    """Give tenant and name of up to `limit` sources whose time has come, the longest due first."""
    query = select(_C.tenant, _C.name).where(_C.next_run_at <= utc_now())
    rows = connection.execute(query.order_by(_C.next_run_at).limit(limit))
    return [(str(row.tenant), str(row.name)) for row in rows]


def _state(row: RowMapping) -> SourceState:
    return SourceState(
        name=row["name"],
        next_run_at=row["next_run_at"],
        last_run_at=row["last_run_at"],
        last_job_id=row["last_job_id"],
        is_running=row["status"] is not None and row["status"] not in ENDED,
        reading=Reading(**{name: row[name] for name in _READING}) if row["digest"] else None,
    )
