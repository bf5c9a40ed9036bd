"""The scores of shops and of sources by checks of quality."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from sqlalchemy import insert, select

from shelfcast_data.adapters.sql.quality_schema import CHECKS, SCORES, SOURCE_SCORES
from shelfcast_data.domain.quality import QualityCheck, ShopScore, SourceScore

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, RowMapping, Select, Table

S = TypeVar("S", ShopScore, SourceScore)
_C = CHECKS.c


class ScoreRows(Generic[S]):
    """The scores of one sort of a tenant within one transaction."""

    def __init__(self, connection: Connection, tenant_no: int, table: Table, score: type[S]) -> None:
        """Keep scores of the type `score` in `table`; what is scored is named by its first field."""
        self._connection = connection
        self._mine = table.c.tenant_no == tenant_no
        self._tenant_no = tenant_no
        self._table = table
        self._score: type[S] = score
        self._fields: Final = tuple(score.__dataclass_fields__)

    def add(self, check_no: int, scores: Sequence[S]) -> None:
        """Store the scores of a check."""
        ids = {"tenant_no": self._tenant_no, "check_no": check_no}
        rows = [ids | {name: getattr(each, name) for name in self._fields} for each in scores]
        if rows:
            self._connection.execute(insert(self._table), rows)

    def of_check(self, check_no: int, limit: int, after: str | None) -> Sequence[tuple[QualityCheck, S]]:
        """Give up to `limit` scores by one check, in the order of their names."""
        name = self._table.c[self._fields[0]]
        query = self._query().where(self._table.c.check_no == check_no)
        if after is not None:
            query = query.where(name > after)
        return self._scored(query.order_by(name).limit(limit))

    def over_time(self, named: str, limit: int, before: int | None) -> Sequence[tuple[QualityCheck, S]]:
        """Give up to `limit` scores of one name, the newest check first, older than a check."""
        check_no = self._table.c.check_no
        query = self._query().where(self._table.c[self._fields[0]] == named)
        if before is not None:
            query = query.where(check_no < before)
        return self._scored(query.order_by(check_no.desc()).limit(limit))

    def _query(self) -> Select[Any]:
        checked = (_C.check_id, _C.version_number, _C.checked_at)
        joined = self._table.join(CHECKS, _C.check_no == self._table.c.check_no)
        return select(self._table, *checked).select_from(joined).where(self._mine)

    def _scored(self, query: Select[Any]) -> Sequence[tuple[QualityCheck, S]]:
        rows = self._connection.execute(query).mappings()
        return [(check_of(row), self._score(**{name: row[name] for name in self._fields})) for row in rows]


def shop_scores(connection: Connection, tenant_no: int) -> ScoreRows[ShopScore]:
    """Give the scores of a tenant's shops."""
    return ScoreRows(connection, tenant_no, SCORES, ShopScore)


def source_scores(connection: Connection, tenant_no: int) -> ScoreRows[SourceScore]:
    """Give the scores of a tenant's sources."""
    return ScoreRows(connection, tenant_no, SOURCE_SCORES, SourceScore)


def check_of(row: RowMapping) -> QualityCheck:
    """Give the check in a row."""
    return QualityCheck(**{name: row[name] for name in QualityCheck.__dataclass_fields__})
