"""Weeks and months of sales, summed up by the store."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from sqlalchemy import Date, and_, case, func, select, type_coerce
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from shelfcast_data.adapters.sql.column_type import Millionths
from shelfcast_data.adapters.sql.sales_view import not_replaced, visible
from shelfcast_data.adapters.sql.schema import DATA_VERSIONS, SALES
from shelfcast_data.domain.calendar import Granularity, last_of_period
from shelfcast_data.domain.history import Period
from shelfcast_data.domain.sale import Sale, SaleFacts, SaleKey

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import ColumnElement, Connection
    from sqlalchemy.sql.compiler import SQLCompiler

    from shelfcast_data.adapters.sql.series import Series
    from shelfcast_data.domain.data_version import View
    from shelfcast_data.domain.history import HistoryQuery

_C, _V = SALES.c, DATA_VERSIONS.c


class first_of_week(FunctionElement[date]):  # noqa: N801 - reads as an SQL function
    """The Monday of a date's week."""

    type = Date()
    inherit_cache = True
    name = "first_of_week"


class first_of_month(FunctionElement[date]):  # noqa: N801 - reads as an SQL function
    """The first day of a date's month."""

    type = Date()
    inherit_cache = True
    name = "first_of_month"


@compiles(first_of_week)
def _week_mysql(element: first_of_week, compiler: SQLCompiler, **kw: object) -> str:
    day = compiler.process(element.clauses, **kw)
    return f"DATE_SUB({day}, INTERVAL WEEKDAY({day}) DAY)"


@compiles(first_of_week, "sqlite")
def _week_sqlite(element: first_of_week, compiler: SQLCompiler, **kw: object) -> str:
    return f"date({compiler.process(element.clauses, **kw)}, 'weekday 0', '-6 days')"


@compiles(first_of_month)
def _month_mysql(element: first_of_month, compiler: SQLCompiler, **kw: object) -> str:
    day = compiler.process(element.clauses, **kw)
    return f"DATE_SUB({day}, INTERVAL DAYOFMONTH({day}) - 1 DAY)"


@compiles(first_of_month, "sqlite")
def _month_sqlite(element: first_of_month, compiler: SQLCompiler, **kw: object) -> str:
    return f"date({compiler.process(element.clauses, **kw)}, 'start of month')"


def periods_of(
    connection: Connection, view: View, series: Series, wanted: HistoryQuery, after: date | None
) -> Iterator[Period]:
    """Give the weeks or months of a series in order, after a day.

    Quantities add up. A price or flag is given where it is known and the same on all days with a sale.
    """
    is_week = wanted.granularity is Granularity.WEEK
    first = first_of_week(_C.sale_date) if is_week else first_of_month(_C.sale_date)
    published = and_(_V.tenant_no == _C.tenant_no, _V.load_no == _C.load_no)
    query = select(
        first.label("first_day"),
        func.count().label("day_count"),
        type_coerce(func.sum(_C.quantity), Millionths).label("quantity"),
        _common(_C.unit_price),
        _common(_C.is_promotion),
        _common(_C.was_available),
        func.max(_V.created_at).label("recorded_at"),
    ).select_from(SALES.join(DATA_VERSIONS, published))
    query = query.where(visible(view), _C.series_no == series.series_no, *_dates_of(wanted, after))
    query = query.where(not_replaced(view), _C.is_withdrawn.is_(False))
    for row in connection.execute(query.group_by(first).order_by(first)):
        key = SaleKey(series.shop_id, series.product_id, row.first_day)
        facts = SaleFacts(
            row.quantity, row.unit_price, row.is_promotion, row.was_available, is_return=row.quantity < 0
        )
        sale = Sale(series.series_no, key, facts, row.recorded_at)
        yield Period(sale, last_of_period(row.first_day, wanted.granularity), row.day_count)


def _common(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Give the value that a column has in all rows of a group; null if it has none or several."""
    same = and_(func.count(column) == func.count(), func.min(column) == func.max(column))
    return type_coerce(case((same, func.min(column))), column.type).label(getattr(column, "name", None))


def _dates_of(wanted: HistoryQuery, after: date | None) -> list[ColumnElement[bool]]:
    bounds = [
        None if wanted.start is None else _C.sale_date >= wanted.start,
        None if wanted.end is None else _C.sale_date <= wanted.end,
        None if after is None else _C.sale_date > after,
    ]
    return [bound for bound in bounds if bound is not None]
