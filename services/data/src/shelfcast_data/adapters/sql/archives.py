"""Which months of a tenant's sales are in files, and the removal of their rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shelfcast_servicekit.sql_clock import utc_now
from sqlalchemy import and_, delete, exists, func, insert, select, update

from shelfcast_data.adapters.sql.schema import DATA_VERSIONS, SALES, SALES_ARCHIVES, TENANTS
from shelfcast_data.domain.archive import Archive, ArchivedMonth, ArchiveState

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from sqlalchemy import ColumnElement, Connection

_A, _S, _V = SALES_ARCHIVES.c, SALES.c, DATA_VERSIONS.c
_FIELDS = tuple(ArchivedMonth.__dataclass_fields__)


class ArchiveRows:
    """The archived months of one tenant within one transaction."""

    def __init__(self, connection: Connection, tenant_no: int) -> None:
        """Work within the transaction of `connection`."""
        self._connection = connection
        self._tenant_no = tenant_no
        self._mine = _A.tenant_no == tenant_no

    def before(self) -> date | None:
        """Give the first day that is not archived; None if nothing is."""
        query = select(TENANTS.c.archived_before).where(TENANTS.c.tenant_no == self._tenant_no)
        return self._connection.execute(query).scalar_one_or_none()

    def get(self) -> Archive:
        """Give what is archived."""
        before = self.before()
        if before is None:
            return Archive(None)
        query = select(*(_A[name] for name in _FIELDS)).where(self._mine).order_by(_A.month)
        return Archive(before, tuple(_month(row) for row in self._connection.execute(query)))

    def move_to(self, before: date | None) -> None:
        """Set the first day that is not archived."""
        mine = TENANTS.c.tenant_no == self._tenant_no
        self._connection.execute(update(TENANTS).where(mine).values(archived_before=before))

    def put(self, months: Sequence[ArchivedMonth]) -> None:
        """Store months in place of those that were stored under them."""
        self.forget([each.month for each in months])
        rows = [{name: getattr(each, name) for name in _FIELDS} for each in months]
        fixed = {"tenant_no": self._tenant_no, "created_at": self._connection.scalar(select(utc_now()))}
        self._connection.execute(insert(SALES_ARCHIVES), [fixed | row for row in rows])

    def forget(self, months: Sequence[date]) -> None:
        """Remove months from the list of what is archived."""
        self._connection.execute(delete(SALES_ARCHIVES).where(self._mine, _A.month.in_(months)))

    def mark(self, month: date, state: ArchiveState) -> None:
        """Store the state of a month."""
        mine = and_(self._mine, _A.month == month)
        self._connection.execute(update(SALES_ARCHIVES).where(mine).values(state=state.value))

    def held(self, month: ArchivedMonth) -> bool:
        """Say whether a month is as it was read; if so nobody else changes it until the commit."""
        same = and_(_A.month == month.month, _A.digest == month.digest, _A.state == month.state.value)
        touched = update(SALES_ARCHIVES).where(self._mine, same).values(state=month.state.value)
        return self._connection.execute(touched).rowcount == 1

    def delete_rows(self, month: ArchivedMonth, series: Sequence[int]) -> int:
        """Delete the rows of some series that are in a month's file; give how many there were."""
        return self._connection.execute(delete(SALES).where(self._in_file(month, series))).rowcount

    def count_rows(self, month: ArchivedMonth, series: Sequence[int]) -> int:
        """Give how many rows of some series that are in a month's file are in the database too."""
        query = select(func.count()).select_from(SALES).where(self._in_file(month, series))
        return int(self._connection.execute(query).scalar_one())

    def _in_file(self, month: ArchivedMonth, series: Sequence[int]) -> ColumnElement[bool]:
        """Give the condition of rows whose load was published by the version of the file."""
        published = exists().where(
            _V.tenant_no == _S.tenant_no, _V.load_no == _S.load_no, _V.number <= month.version_number
        )
        return and_(
            _S.tenant_no == self._tenant_no,
            _S.series_no.in_(series),
            _S.sale_date.between(month.month, month.last_day),
            published,
        )


def published_loads(connection: Connection, tenant_no: int, version_number: int) -> Sequence[int]:
    """Give the loads that were published by a version, undone ones too."""
    query = select(_V.load_no).where(_V.tenant_no == tenant_no, _V.number <= version_number)
    return list(connection.execute(query).scalars())


def _month(row: Sequence[object]) -> ArchivedMonth:
    values = dict(zip(_FIELDS, row, strict=True))
    return ArchivedMonth(**values | {"state": ArchiveState(str(values["state"]))})  # type: ignore[arg-type]  # typed by the table
