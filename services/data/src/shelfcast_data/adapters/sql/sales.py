"""Sales in SQL: single rows written, and the rows of a view read series by series."""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, bindparam, insert, select, union_all

from shelfcast_data.adapters.sql.sales_days import days_of
from shelfcast_data.adapters.sql.sales_periods import periods_of
from shelfcast_data.adapters.sql.schema import DATA_VERSIONS, SALES, SERIES
from shelfcast_data.adapters.sql.series import Series, SeriesRows
from shelfcast_data.adapters.sql.statement import read_in_order
from shelfcast_data.adapters.sql.tenants import TenantRows
from shelfcast_data.domain.calendar import Granularity
from shelfcast_data.domain.history import day_of
from shelfcast_data.domain.sale import Sale, SaleFacts, SaleKey, place_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy import CompoundSelect, Connection, Row, Select

    from shelfcast_data.domain.data_version import OpenVersion, View
    from shelfcast_data.domain.history import HistoryQuery, Period
    from shelfcast_data.ports.sales import Days, Pair

_C = SALES.c
_FACTS = tuple(SaleFacts.__dataclass_fields__)
_V = DATA_VERSIONS.c
_ROWS = (
    select(_C.sale_date, _V.created_at, *(_C[name] for name in _FACTS))
    .join(DATA_VERSIONS, and_(_V.tenant_no == _C.tenant_no, _V.load_no == _C.load_no))
    .where(
        _C.tenant_no == bindparam("tenant"),
        _C.load_no <= bindparam("number"),
        _C.series_no == bindparam("series"),
        _C.sale_date.between(bindparam("start"), bindparam("end")),
    )
    .order_by(_C.sale_date, _C.load_no)
)
"""Row versions of one series with the time at which each was published; visible ones always were."""
_S = SERIES.c
_KEYS_AT_ONCE = 8


@lru_cache(_KEYS_AT_ONCE)
def _newest_of(count: int) -> CompoundSelect[Any]:
    """Give the query for the row versions of some days; a series without any comes once, without a day.

    One SELECT for each key: MariaDB reads a series whole where several are joined with their days.
    """
    return union_all(*(_newest_of_key(place) for place in range(count)))


def _newest_of_key(place: int) -> Select[Any]:
    return (
        select(
            _S.series_no,
            _S.shop_id,
            _S.product_id,
            _C.sale_date,
            _C.load_no,
            _V.created_at,
            *(_C[name] for name in _FACTS),
        )
        .select_from(SERIES)
        .outerjoin(
            SALES,
            and_(
                _C.tenant_no == _S.tenant_no,
                _C.series_no == _S.series_no,
                _C.sale_date == bindparam(f"day_{place}"),
                _C.load_no <= bindparam("number"),
                _C.load_no.not_in(bindparam("hidden", expanding=True)),
            ),
        )
        .outerjoin(DATA_VERSIONS, and_(_V.tenant_no == _C.tenant_no, _V.load_no == _C.load_no))
        .where(
            _S.tenant_no == bindparam("tenant"),
            _S.shop_id == bindparam(f"shop_{place}"),
            _S.product_id == bindparam(f"product_{place}"),
        )
    )


_NO_LOAD = 0
"""Stands for none among loads that are left out: an empty list would become a subquery."""
_MOST_TOUCHED = 1_000
_TOUCHED = read_in_order(
    select(_S.shop_id, _S.product_id, _C.sale_date)
    .select_from(DATA_VERSIONS)
    .join(SALES, and_(_C.tenant_no == _V.tenant_no, _C.load_no == _V.load_no))
    .join(SERIES, and_(_S.tenant_no == _C.tenant_no, _S.series_no == _C.series_no))
    .where(
        _V.tenant_no == bindparam("tenant"),
        _V.number > bindparam("since"),
        _V.number <= bindparam("number"),
    )
    .limit(_MOST_TOUCHED + 1),
    SALES,
    "ix_sales_load",
)
"""Series and day of the rows that some versions have brought.

After a large load MariaDB takes each load for that large, and would read all rows of the tenant.
"""
_INSERT = insert(SALES)
_SERIES_AT_ONCE = 8


class SalesRows:
    """The sales of one tenant within one transaction."""

    def __init__(self, connection: Connection, tenant: str) -> None:
        """Work within the transaction of `connection`."""
        self._connection = connection
        self._tenant = tenant
        self._numbers: dict[tuple[str, str], int] = {}

    def record(self, rows: Sequence[tuple[SaleKey, SaleFacts]], opened: OpenVersion) -> Sequence[Sale]:
        """Store row versions of different days under a version that is being made; give them as sales."""
        pairs = dict.fromkeys((key.shop_id, key.product_id) for key, _ in rows)
        unknown = [pair for pair in pairs if pair not in self._numbers]
        if unknown:
            for series in SeriesRows(self._connection, opened.tenant_no).ensured(unknown, opened.number):
                self._numbers[series.shop_id, series.product_id] = series.series_no
        made = [
            Sale(self._numbers[key.shop_id, key.product_id], key, facts, opened.opened_at)
            for key, facts in rows
        ]
        ids = {"tenant_no": opened.tenant_no, "load_no": opened.number}
        values = [
            {**ids, "series_no": sale.series_no, "sale_date": sale.key.sale_date, **facts_values(sale.facts)}
            for sale in made
        ]
        self._connection.execute(_INSERT, values)
        return made

    def key_of(self, sale_id: str) -> SaleKey | None:
        """Give shop, product and date of a sale's id; None if the tenant has no such series.

        Raises: SaleNotFound when it has not the form of an id.
        """
        series_no, sale_date = place_of(sale_id)
        tenant_no = TenantRows(self._connection).number(self._tenant) or 0
        series = SeriesRows(self._connection, tenant_no).by_number(series_no)
        return None if series is None else SaleKey(series.shop_id, series.product_id, sale_date)

    def newest(self, keys: Sequence[SaleKey], view: View) -> Mapping[SaleKey, Sale]:
        """Give the sales that a view shows of those of the days that have one."""
        newest: dict[SaleKey, Sale] = {}
        for start in range(0, len(keys), _KEYS_AT_ONCE):
            newest |= self._newest(keys[start : start + _KEYS_AT_ONCE], view)
        return {key: sale for key, sale in newest.items() if not sale.facts.is_withdrawn}

    def _newest(self, keys: Sequence[SaleKey], view: View) -> Mapping[SaleKey, Sale]:
        wanted: dict[str, object] = {
            "tenant": view.tenant_no,
            "number": view.number,
            "hidden": view.hidden or (_NO_LOAD,),
        }
        for place, key in enumerate(keys):
            wanted |= {f"shop_{place}": key.shop_id, f"product_{place}": key.product_id}
            wanted[f"day_{place}"] = key.sale_date
        newest: dict[SaleKey, Sale] = {}
        rows = self._connection.execute(_newest_of(len(keys)), wanted)
        for series_no, shop_id, product_id, sale_date, _, recorded_at, *facts in sorted(rows, key=_by_load):
            self._numbers[shop_id, product_id] = series_no
            if sale_date is not None:
                key = SaleKey(shop_id, product_id, sale_date)
                newest[key] = Sale(series_no, key, SaleFacts(*facts), recorded_at)
        return newest

    def touched(self, view: View, since: int) -> Mapping[Pair, Days] | None:
        """Give the first and last day, by series, of which the versions after `since` have brought rows.

        Versions up to that of the view count. None stands for too many to tell.
        """
        wanted = {"tenant": view.tenant_no, "since": since, "number": view.number}
        found = self._connection.execute(_TOUCHED, wanted).all()
        if len(found) > _MOST_TOUCHED:
            return None
        days: dict[Pair, Days] = {}
        for shop_id, product_id, day in found:
            first, last = days.get((shop_id, product_id), (day, day))
            days[shop_id, product_id] = min(first, day), max(last, day)
        return days

    def any_of(self, product_id: str) -> bool:
        """Say whether any load has brought sales of a product, published or not."""
        tenant_no = TenantRows(self._connection).number(self._tenant) or 0
        query = select(SERIES.c.series_no).where(
            SERIES.c.tenant_no == tenant_no, SERIES.c.product_id == product_id
        )
        return self._connection.execute(query.limit(1)).first() is not None

    def history(self, wanted: HistoryQuery, view: View, start: SaleKey | None) -> Iterator[Period]:
        """Give the days, weeks or months of a view by shop, product and date, after a day.

        Read it within the transaction; rows are fetched as they are asked for.
        """
        if (
            wanted.granularity is Granularity.DAY
            and wanted.shop_id is not None
            and wanted.product_id is not None
        ):
            days = self._days_of(wanted, view, (wanted.shop_id, wanted.product_id), start)
            if days is not None:
                yield from map(day_of, days)
                return
        rows = SeriesRows(self._connection, view.tenant_no)
        place = None if start is None else (start.shop_id, start.product_id)
        while True:
            page = rows.page(wanted.shop_id, wanted.product_id, _SERIES_AT_ONCE + 1, place)
            for series in page[:_SERIES_AT_ONCE]:
                here = start is not None and place == (series.shop_id, series.product_id)
                yield from self._periods(wanted, view, series, start.sale_date if here and start else None)
                start = None
            if len(page) <= _SERIES_AT_ONCE:
                return
            place = (page[-1].shop_id, page[-1].product_id)

    def _periods(
        self, wanted: HistoryQuery, view: View, series: Series, after: date | None
    ) -> Iterator[Period]:
        if wanted.granularity is Granularity.DAY:
            return map(day_of, self._days(wanted, view, series, after))
        return periods_of(self._connection, view, series, wanted, after)

    def _days_of(
        self, wanted: HistoryQuery, view: View, pair: Pair, after: SaleKey | None
    ) -> Iterator[Sale] | None:
        """Give the days of one series out of one statement; None if it cannot give so many."""
        if after is not None and (after.shop_id, after.product_id) != pair:
            return iter(())
        first = date.min if after is None else after.sale_date
        days = max(wanted.start or date.min, first), wanted.end or date.max
        found = days_of(self._connection, view, pair, days)
        if found is None or after is None:
            return found
        return (sale for sale in found if sale.key.sale_date > after.sale_date)

    def _days(self, wanted: HistoryQuery, view: View, series: Series, after: date | None) -> Iterator[Sale]:
        start = wanted.start or date.min
        if after is not None:
            if after == date.max:
                return
            start = max(start, after + timedelta(days=1))
        newest = {row.sale_date: row for row in self._rows(view, series, start, wanted.end or date.max)}
        yield from (_sale(series, row) for row in newest.values() if not row.is_withdrawn)

    def _rows(self, view: View, series: Series, start: date, end: date) -> Sequence[Row[Any]]:
        """Give the visible row versions of some days, ordered by day and load."""
        query = _ROWS.where(_C.load_no.not_in(view.hidden)) if view.hidden else _ROWS
        wanted = {"tenant": view.tenant_no, "number": view.number, "series": series.series_no}
        return self._connection.execute(query, {**wanted, "start": start, "end": end}).all()


def _by_load(row: Row[Any]) -> int:
    return row.load_no or _NO_LOAD


def _sale(series: Series, row: Sequence[Any]) -> Sale:
    sale_date, recorded_at, *facts = row
    key = SaleKey(series.shop_id, series.product_id, sale_date)
    return Sale(series.series_no, key, SaleFacts(*facts), recorded_at)


def facts_values(facts: SaleFacts) -> Mapping[str, object]:
    """Give the columns of the facts of a sale."""
    return {name: getattr(facts, name) for name in _FACTS}
