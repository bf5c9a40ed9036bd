"""The outbox in SQL: events are told in the transaction of their cause and relayed afterwards."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Final

import orjson
from shelfcast_servicekit.sql_clock import utc_after, utc_now
from shelfcast_servicekit.traceparent import current_traceparent
from sqlalchemy import and_, delete, func, insert, or_, select, update

from shelfcast_data.adapters.sql.outbox_schema import OUTBOX, OUTBOX_LEAD
from shelfcast_data.adapters.sql.statement import insert_new
from shelfcast_data.domain.event import Backlog, EventState, StoredEvent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement, Connection

    from shelfcast_data.domain.data_version import DataVersion
    from shelfcast_data.domain.event import Happening

_C = OUTBOX.c
_L = OUTBOX_LEAD.c
_FIELDS: Final = tuple(StoredEvent.__dataclass_fields__)
_RELAY: Final = "relay"
_LONGEST_ERROR: Final = 500

_TELL: Final = insert(OUTBOX).values(state=EventState.PENDING.value, attempt_count=0, error="")
_TELL_NOW: Final = _TELL.values(occurred_at=utc_now())
# `published_at` is null for what is not published: with it the index is walked in the order of events.
_PENDING: Final = and_(_C.state == EventState.PENDING.value, _C.published_at.is_(None))
_DEAD: Final = and_(_C.state == EventState.DEAD.value, _C.published_at.is_(None))


def tell(connection: Connection, tenant: str, happening: Happening, data_version: str) -> None:
    """Add an event to the transaction of its cause, behind the lock that orders the tenant's versions."""
    connection.execute(_TELL_NOW, _values(tenant, happening, data_version))


def tell_all(
    connection: Connection, tenant: str, happenings: Sequence[Happening], version: DataVersion
) -> None:
    """Add events of one version, at its time, in one statement."""
    at = {"occurred_at": version.created_at}
    connection.execute(_TELL, [_values(tenant, each, version.name) | at for each in happenings])


def _values(tenant: str, happening: Happening, data_version: str) -> dict[str, object]:
    return {
        "event_id": str(uuid.uuid4()),
        "tenant": tenant,
        "name": happening.name,
        "facts": orjson.dumps(happening).decode(),
        "data_version": data_version,
        "traceparent": current_traceparent(),
    }


class OutboxRows:
    """The outbox within one transaction, as the relay and its operator see it."""

    def __init__(self, connection: Connection) -> None:
        """Work within the transaction of `connection`."""
        self._connection = connection

    def take_lead(self, holder: str, lease_seconds: float) -> bool:
        """Become the only relay, or stay it; False while another process is."""
        is_free = or_(_L.holder == holder, _L.lease_until < utc_now())
        lease = {"holder": holder, "lease_until": utc_after(lease_seconds)}
        changed = update(OUTBOX_LEAD).where(_L.name == _RELAY, is_free).values(**lease)
        if self._connection.execute(changed).rowcount:
            return True
        first = insert_new(OUTBOX_LEAD).values(name=_RELAY, **lease)
        return bool(self._connection.execute(first).rowcount)

    def waiting(self, limit: int) -> Sequence[StoredEvent]:
        """Give up to `limit` events that wait, in their order."""
        is_due = or_(_C.retry_at.is_(None), _C.retry_at <= utc_now())
        return self._events(and_(_PENDING, is_due), limit)

    def _events(self, condition: ColumnElement[bool], limit: int) -> Sequence[StoredEvent]:
        columns = [_C[name] for name in _FIELDS]
        query = select(*columns).where(condition).order_by(_C.event_no).limit(limit)
        return [StoredEvent(*row) for row in self._connection.execute(query)]

    def settle(self, published: Sequence[int]) -> None:
        """Store that events are in the stream."""
        values = {"state": EventState.PUBLISHED.value, "published_at": utc_now(), "error": ""}
        self._connection.execute(update(OUTBOX).where(_C.event_no.in_(published)).values(**values))

    def refuse(self, event_no: int, error: str, retry_seconds: float | None) -> None:
        """Store that an event cannot be put into a message, to be tried again or, on None, never."""
        values: dict[str, object] = {
            "attempt_count": _C.attempt_count + 1,
            "error": error[:_LONGEST_ERROR],
            "retry_at": None if retry_seconds is None else utc_after(retry_seconds),
        }
        if retry_seconds is None:
            values["state"] = EventState.DEAD.value
        self._connection.execute(update(OUTBOX).where(_C.event_no == event_no, _PENDING).values(**values))

    def backlog(self) -> Backlog:
        """Say how far the relay is behind, by the database's clock."""
        first = select(_C.occurred_at).where(_PENDING).order_by(_C.event_no).limit(1).scalar_subquery()
        pending = select(func.count()).select_from(OUTBOX).where(_PENDING).scalar_subquery()
        dead = select(func.count()).select_from(OUTBOX).where(_DEAD).scalar_subquery()
        now, oldest, waiting, refused = self._connection.execute(
            select(utc_now(), first, pending, dead)
        ).one()
        age = 0.0 if oldest is None else max(0.0, (now - oldest).total_seconds())
        return Backlog(waiting, age, refused)

    def prune(self, older_than_seconds: float, limit: int) -> int:
        """Delete up to `limit` events published longer ago; give how many."""
        is_old = and_(
            _C.state == EventState.PUBLISHED.value, _C.published_at < utc_after(-older_than_seconds)
        )
        query = select(_C.event_no).where(is_old).order_by(_C.published_at, _C.event_no).limit(limit)
        numbers = list(self._connection.execute(query).scalars())
        if numbers:
            self._connection.execute(delete(OUTBOX).where(_C.event_no.in_(numbers)))
        return len(numbers)

    def dead(self, limit: int) -> Sequence[StoredEvent]:
        """Give up to `limit` dead letters, in their order."""
        return self._events(_DEAD, limit)

    def requeue(self, event_ids: Sequence[str]) -> int:
        """Let dead letters wait again, all of them on none; give how many."""
        wanted = and_(_DEAD, _C.event_id.in_(event_ids)) if event_ids else _DEAD
        values = {"state": EventState.PENDING.value, "attempt_count": 0, "retry_at": None, "error": ""}
        return self._connection.execute(update(OUTBOX).where(wanted).values(**values)).rowcount
