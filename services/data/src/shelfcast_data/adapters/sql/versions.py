"""Data versions: what was published when, and which rows a version shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shelfcast_servicekit.sql_clock import utc_now
from sqlalchemy import and_, bindparam, delete, func, insert, literal, null, or_, select, union_all, update

from shelfcast_data.adapters.sql.schema import DATA_VERSIONS, IMPORTS, SNAPSHOTS, TENANTS
from shelfcast_data.adapters.sql.statement import insert_new
from shelfcast_data.adapters.sql.tenants import TenantRows
from shelfcast_data.domain.data_version import (
    BEGINNING,
    Changes,
    DataVersion,
    OpenVersion,
    Snapshot,
    View,
    version_name,
)
from shelfcast_data.errors import DataVersionNotFound, SnapshotNotFound

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, RowMapping, ScalarSelect

_C = DATA_VERSIONS.c
_LAST: Final = 2**32 - 1


def _newest_number(*conditions: ColumnElement[bool]) -> ScalarSelect[int]:
    query = select(_C.number).where(_C.tenant_no == TENANTS.c.tenant_no, *conditions)
    return query.order_by(_C.number.desc()).limit(1).correlate(TENANTS).scalar_subquery()


_UP_TO: Final = _C.number <= bindparam("number")
_NEWEST: Final = union_all(
    select(
        literal(0),
        TENANTS.c.tenant_no,
        func.coalesce(_newest_number(), 0),
        TENANTS.c.archived_before,
        TENANTS.c.last_number,
        utc_now(),
    ).where(TENANTS.c.tenant == bindparam("tenant")),
    select(literal(1), _C.load_no, literal(0), null(), null(), null()).where(
        TENANTS.c.tenant == bindparam("tenant"),
        _C.tenant_no == TENANTS.c.tenant_no,
        _C.undone_number.is_not(None),
    ),
    select(literal(1), IMPORTS.c.load_no, literal(0), null(), null(), null()).where(
        IMPORTS.c.tenant == bindparam("tenant"),
        IMPORTS.c.data_version.is_(None),
        IMPORTS.c.load_no.is_not(None),
    ),
)
"""(0, number of a tenant, of its newest version, what is archived, last number given out, now) and, for each
hidden load, (1, its number, 0)."""
_PLACE: Final = select(
    TENANTS.c.tenant_no, _newest_number(), _newest_number(_UP_TO), TENANTS.c.archived_before
).where(TENANTS.c.tenant == bindparam("tenant"))
"""Number of a tenant, of its newest version, of the version that is asked for, and what is archived."""
_PLACE_AS_OF: Final = select(
    TENANTS.c.tenant_no,
    _newest_number(),
    _newest_number(_UP_TO, _C.created_at <= bindparam("as_of")),
    TENANTS.c.archived_before,
).where(TENANTS.c.tenant == bindparam("tenant"))
_MINE: Final = _C.tenant_no == bindparam("tenant_no")
_HIDDEN: Final = union_all(
    select(_C.load_no).where(_MINE, _C.number > bindparam("number"), _C.load_no <= bindparam("number")),
    select(_C.load_no).where(_MINE, _C.undone_number <= bindparam("number")),
    select(IMPORTS.c.load_no).where(
        IMPORTS.c.tenant == bindparam("tenant"),
        IMPORTS.c.data_version.is_(None),
        IMPORTS.c.load_no <= bindparam("number"),
    ),
)
"""Loads that a version does not show: published after it, undone by then, or not published at all."""


class VersionRows:
    """The data versions and snapshots of one tenant within one transaction."""

    def __init__(self, connection: Connection, tenant: str) -> None:
        """Work within the transaction of `connection`."""
        self._connection = connection
        self._tenant = tenant
        self._tenants = TenantRows(connection)

    def current(self) -> DataVersion:
        """Give the newest version; the empty beginning if there is none."""
        tenant_no = self._tenants.number(self._tenant)
        return self._newest(tenant_no, []) if tenant_no is not None else BEGINNING

    def _newest(self, tenant_no: int, conditions: Sequence[ColumnElement[bool]]) -> DataVersion:
        query = select(DATA_VERSIONS).where(_C.tenant_no == tenant_no, *conditions)
        row = self._connection.execute(query.order_by(_C.number.desc()).limit(1)).mappings().one_or_none()
        return BEGINNING if row is None else _version(row)

    def page(self, limit: int, before: int | None) -> Sequence[DataVersion]:
        """Give up to `limit` versions, newest first, older than the number `before`."""
        query = select(DATA_VERSIONS).where(_C.tenant_no == (self._tenants.number(self._tenant) or 0))
        if before is not None:
            query = query.where(_C.number < before)
        rows = self._connection.execute(query.order_by(_C.number.desc()).limit(limit)).mappings()
        return [_version(row) for row in rows]

    def view(self, number: int | None = None, as_of: datetime | None = None) -> View:
        """Give the rows that a version shows: one by number, the newest by `as_of`, or the newest.

        Raises: DataVersionNotFound when the tenant has no version of that number.
        """
        if number is None and as_of is None:
            opened = self._opened()
            return View(0, 0, ()) if opened is None else opened.shown
        place = _PLACE if as_of is None else _PLACE_AS_OF
        wanted = {"tenant": self._tenant, "number": _LAST if number is None else number, "as_of": as_of}
        row = self._connection.execute(place, wanted).one_or_none()
        tenant_no, newest, shown, archived_before = (0, 0, 0, None) if row is None else row
        newest, shown = newest or 0, shown or 0
        if number is not None and number > newest:
            raise DataVersionNotFound(data_version=version_name(number))
        return View(tenant_no, shown, self._hidden(tenant_no, shown), archived_before)

    def _opened(self) -> OpenVersion | None:
        """Give the number given out last, the time, and what is shown; None if there is no such tenant."""
        found = self._connection.execute(_NEWEST, {"tenant": self._tenant}).all()
        place = next((row for row in found if row[0] == 0), None)
        if place is None:
            return None
        _, tenant_no, number, archived_before, last_number, now = place
        hidden = {load for is_hidden, load, *_ in found if is_hidden and load <= number}
        shown = View(tenant_no, number, tuple(sorted(hidden)), archived_before)
        return OpenVersion(last_number, now, shown)

    def _hidden(self, tenant_no: int, number: int) -> tuple[int, ...]:
        """Give loads up to `number` that were published after it, not at all, or undone by then."""
        wanted = {"tenant": self._tenant, "tenant_no": tenant_no, "number": number}
        return tuple(sorted(set(self._connection.execute(_HIDDEN, wanted).scalars())))

    def changes_between(self, base: int, number: int) -> Changes:
        """Give what version `number` shows of loads with rows that `base` does not, and the reverse.

        What was published and undone between the two has changed nothing for who knows `base`.
        """
        mine = _C.tenant_no == (self._tenants.number(self._tenant) or 0)
        stands = or_(_C.undone_number.is_(None), _C.undone_number > number)
        published = select(_C.load_no).where(
            mine, _C.number > base, _C.number <= number, _C.row_count > 0, stands
        )
        undone = select(_C.load_no).where(
            mine, _C.undone_number > base, _C.undone_number <= number, _C.number <= base
        )
        run = self._connection.execute
        return Changes(tuple(run(published).scalars()), tuple(run(undone).scalars()))

    def open_load(self) -> tuple[int, int]:
        """Give the tenant's number and a number for the rows of a new load."""
        tenant_no = self._tenants.ensured(self._tenant)
        return tenant_no, self._tenants.next_number(tenant_no)

    def open_version(self) -> OpenVersion:
        """Begin a version; others of the tenant wait for its commit."""
        if not self._tenants.advance(self._tenant):
            self._tenants.ensured(self._tenant)
            self._tenants.advance(self._tenant)
        opened = self._opened()
        if opened is None:
            raise RuntimeError("the tenant's row is gone")
        return opened

    def publish_opened(self, opened: OpenVersion, cause: str, row_count: int) -> DataVersion:
        """Make the version that was begun."""
        made = DataVersion(opened.number, opened.number, opened.opened_at, cause, row_count)
        values = {name: getattr(made, name) for name in DataVersion.__dataclass_fields__}
        self._connection.execute(insert(DATA_VERSIONS), {"tenant_no": opened.tenant_no, **values})
        return made

    def publish(self, load_no: int | None, cause: str, row_count: int) -> DataVersion:
        """Make a new version that shows a load; without one it only marks a change of the catalogue."""
        tenant_no = self._tenants.ensured(self._tenant)
        self._tenants.lock(tenant_no)
        number = self._tenants.last_number(tenant_no)
        if load_no is None or number != load_no:
            number = self._tenants.next_number(tenant_no)
        values = {
            "tenant_no": tenant_no,
            "number": number,
            "load_no": number if load_no is None else load_no,
            "created_at": utc_now(),
            "cause": cause,
            "row_count": row_count,
        }
        self._connection.execute(insert(DATA_VERSIONS).values(**values))
        return self._newest(tenant_no, [_C.number == number])

    def undo(self, known: int, cause: str) -> DataVersion:
        """Make a new version that no longer shows the load of a version; nothing is deleted.

        Of two that undo at once the first one counts: what a version shows never changes.
        """
        version = self.publish(None, cause, 0)
        tenant_no = self._tenants.ensured(self._tenant)
        mine = and_(_C.tenant_no == tenant_no, _C.number == known, _C.undone_number.is_(None))
        marked = update(DATA_VERSIONS).where(mine)
        self._connection.execute(marked.values(undone_number=version.number))
        return version

    def of_load(self, load_no: int) -> DataVersion | None:
        """Give the version that published a load; None if none did."""
        tenant_no = self._tenants.number(self._tenant) or 0
        query = select(DATA_VERSIONS).where(_C.tenant_no == tenant_no, _C.load_no == load_no)
        row = self._connection.execute(query).mappings().one_or_none()
        return None if row is None else _version(row)

    def snapshot_of(self, number: int) -> Snapshot | None:
        """Give the snapshot of a version; None if there is none yet."""
        return self._snapshot(SNAPSHOTS.c.number == number)

    def snapshot(self, snapshot_id: str) -> Snapshot:
        """Give a snapshot. Raises: SnapshotNotFound."""
        found = self._snapshot(SNAPSHOTS.c.snapshot_id == snapshot_id)
        if found is None:
            raise SnapshotNotFound(snapshot_id=snapshot_id[:64])
        return found

    def _snapshot(self, condition: ColumnElement[bool]) -> Snapshot | None:
        tenant_no = self._tenants.number(self._tenant) or 0
        query = select(SNAPSHOTS).where(SNAPSHOTS.c.tenant_no == tenant_no, condition)
        newest_first = query.order_by(SNAPSHOTS.c.number.desc())
        row = self._connection.execute(newest_first.limit(1)).mappings().one_or_none()
        if row is None:
            return None
        values = {name: row[name] for name in _SNAPSHOT_FIELDS}
        return Snapshot(version_number=row["number"], **values)

    def snapshot_before(self, number: int) -> Snapshot | None:
        """Give the newest snapshot of an earlier version; None if there is none."""
        return self._snapshot(SNAPSHOTS.c.number < number)

    def save_snapshot(self, snapshot: Snapshot) -> None:
        """Store a snapshot in place of a damaged one of the same version."""
        values = {name: getattr(snapshot, name) for name in _SNAPSHOT_FIELDS}
        tenant_no = self._tenants.ensured(self._tenant)
        values |= {"tenant_no": tenant_no, "number": snapshot.version_number}
        mine = and_(SNAPSHOTS.c.tenant_no == tenant_no, SNAPSHOTS.c.number == snapshot.version_number)
        self._connection.execute(delete(SNAPSHOTS).where(mine))
        self._connection.execute(insert_new(SNAPSHOTS).values(**values))


_SNAPSHOT_FIELDS = tuple(name for name in Snapshot.__dataclass_fields__ if name != "version_number")


def current_versions(connection: Connection) -> Mapping[str, str]:
    """Give the name of the newest version of every tenant."""
    newest = func.coalesce(func.max(_C.number), 0)
    joined = TENANTS.outerjoin(DATA_VERSIONS, TENANTS.c.tenant_no == _C.tenant_no)
    query = select(TENANTS.c.tenant, newest).select_from(joined).group_by(TENANTS.c.tenant)
    return {tenant: version_name(number) for tenant, number in connection.execute(query)}


def _version(row: RowMapping) -> DataVersion:
    return DataVersion(**{name: row[name] for name in DataVersion.__dataclass_fields__})
