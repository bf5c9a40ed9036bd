"""The days of one series, as one text of the store.

PyMySQL needs some microseconds for each row and cell that it decodes, orjson some nanoseconds.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

import orjson
from sqlalchemy import Text, and_, bindparam, func, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from shelfcast_data.adapters.sql.column_type import as_millionths
from shelfcast_data.adapters.sql.schema import DATA_VERSIONS, SALES, SERIES
from shelfcast_data.adapters.sql.statement import read_in_order
from shelfcast_data.domain.sale import Sale, SaleFacts, SaleKey

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection
    from sqlalchemy.sql.compiler import SQLCompiler

    from shelfcast_data.domain.data_version import View
    from shelfcast_data.ports.sales import Days, Pair

MOST_ROWS: Final = 20_000
"""Row versions in one text, of a hundred characters each. A series with more is read row by row."""

_C, _S, _V = SALES.c, SERIES.c, DATA_VERSIONS.c


class _lines(FunctionElement[str]):  # noqa: N801 - reads as an SQL function
    """The rows of a group as a JSON array of arrays, in no order."""

    type = Text()
    inherit_cache = True
    name = "json_lines"


@compiles(_lines)
def _lines_mysql(element: _lines, compiler: SQLCompiler, **kw: object) -> str:
    return f"JSON_ARRAYAGG(JSON_ARRAY({compiler.process(element.clauses, **kw)}))"


@compiles(_lines, "sqlite")
def _lines_sqlite(element: _lines, compiler: SQLCompiler, **kw: object) -> str:
    return f"json_group_array(json_array({compiler.process(element.clauses, **kw)}))"


_QUERY: Final = read_in_order(
    select(
        _S.series_no,
        func.count(),
        _lines(
            _C.sale_date,
            _C.load_no,
            _V.created_at,
            as_millionths(_C.quantity),
            as_millionths(_C.unit_price),
            _C.is_promotion,
            _C.was_available,
            _C.is_return,
            _C.is_withdrawn,
        ),
    )
    .select_from(SERIES)
    .join(SALES, and_(_C.tenant_no == _S.tenant_no, _C.series_no == _S.series_no))
    .join(DATA_VERSIONS, and_(_V.tenant_no == _C.tenant_no, _V.load_no == _C.load_no))
    .where(
        _S.tenant_no == bindparam("tenant"),
        _S.shop_id == bindparam("shop"),
        _S.product_id == bindparam("product"),
        _C.load_no <= bindparam("number"),
        _C.sale_date.between(bindparam("start"), bindparam("end")),
    )
    .group_by(_S.series_no),
    SALES,
    "PRIMARY",
)
"""Row versions with the time at which each was published; visible ones always were.

The days of a series lie side by side; left alone MariaDB looks for each version, and for each row of it.
"""


def days_of(connection: Connection, view: View, pair: Pair, days: Days) -> Iterator[Sale] | None:
    """Give the sales of the days from a first to a last one; None if one text cannot hold all versions."""
    query = _QUERY.where(_C.load_no.not_in(view.hidden)) if view.hidden else _QUERY
    sought = {"tenant": view.tenant_no, "number": view.number, "shop": pair[0], "product": pair[1]}
    found = connection.execute(query, {**sought, "start": days[0], "end": days[1]}).one_or_none()
    if found is None:
        return iter(())
    series_no, row_count, text = found
    rows = None if row_count > MOST_ROWS else _whole(text, row_count)
    return None if rows is None else _sales(series_no, pair, rows)


def _whole(text: str, row_count: int) -> list[list[Any]] | None:
    """Give the rows of a text; None if the server has cut it off."""
    try:
        rows: list[list[Any]] = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return rows if len(rows) == row_count else None


def _sales(series_no: int, pair: Pair, rows: list[list[Any]]) -> Iterator[Sale]:
    published: dict[str, datetime] = {}
    newest = {row[0]: row for row in sorted(rows, key=itemgetter(0, 1))}
    for day, _, created_at, quantity, price, *flags in newest.values():
        if created_at not in published:
            published[created_at] = datetime.fromisoformat(created_at).replace(tzinfo=UTC)
        promotion, available, returned, withdrawn = flags
        if withdrawn:
            continue
        facts = SaleFacts(quantity, price, _flag(promotion), _flag(available), bool(returned))
        yield Sale(series_no, SaleKey(*pair, date.fromisoformat(day)), facts, published[created_at])


def _flag(value: int | None) -> bool | None:
    return None if value is None else bool(value)
