"""What sales and ledger say about days without stock, for some shops and products at a time."""

from __future__ import annotations

from collections import defaultdict
from heapq import merge
from typing import TYPE_CHECKING

from sqlalchemy import and_, func, or_, select, type_coerce

from shelfcast_data.adapters.sql.catalogue_schema import CLOSURES, SHOPS
from shelfcast_data.adapters.sql.column_type import Millionths
from shelfcast_data.adapters.sql.sales_view import not_replaced, visible
from shelfcast_data.adapters.sql.schema import SALES, SERIES
from shelfcast_data.adapters.sql.series import SeriesRows
from shelfcast_data.adapters.sql.statement import free_columns
from shelfcast_data.adapters.sql.stock_schema import LEVELS, MOVEMENTS
from shelfcast_data.adapters.sql.versions import VersionRows
from shelfcast_data.domain.stockout import LedgerWindow, closed_days

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

    from sqlalchemy import Connection, Table

    from shelfcast_data.domain.stockout import Days, StockoutQuery

    Pair = tuple[str, str]

_M, _LEVEL = MOVEMENTS.c, LEVELS.c


class StockoutRows:
    """What is known of the availability of one tenant's products within one transaction."""

    def __init__(self, connection: Connection, tenant: str) -> None:
        """Work within the transaction of `connection`."""
        self._connection = connection
        self._tenant = tenant
        self._view = VersionRows(connection, tenant).view()

    def pairs(self, wanted: StockoutQuery, limit: int, start: Pair | None) -> Sequence[Pair]:
        """Give up to `limit` shops and products with sales or stock, in order, from a pair on."""
        both = merge(*(self._pairs(table, wanted, limit, start) for table in (LEVELS, SERIES)))
        return list(dict.fromkeys(both))[:limit]

    def _pairs(self, table: Table, wanted: StockoutQuery, limit: int, start: Pair | None) -> Sequence[Pair]:
        column = table.c
        query = select(column.shop_id, column.product_id).where(column.tenant_no == self._view.tenant_no)
        if wanted.shop_id is not None:
            query = query.where(column.shop_id == wanted.shop_id)
        if wanted.product_id is not None:
            query = query.where(column.product_id == wanted.product_id)
        if start is not None:
            same_shop = and_(column.shop_id == start[0], column.product_id >= start[1])
            query = query.where(or_(column.shop_id > start[0], same_shop))
        order = free_columns((column.shop_id, column.product_id), (wanted.shop_id, wanted.product_id))
        rows = self._connection.execute(query.order_by(*order).limit(limit))
        return [(row.shop_id, row.product_id) for row in rows]

    def reported(self, pairs: Sequence[Pair], first: date, last: date) -> Mapping[Pair, set[date]]:
        """Give the days whose current sale says that the product was not available."""
        found = SeriesRows(self._connection, self._view.tenant_no).by_ids(pairs)
        series = {each.series_no: (each.shop_id, each.product_id) for each in found}
        query = select(SALES.c.series_no, SALES.c.sale_date).where(
            visible(self._view),
            SALES.c.series_no.in_(list(series)),
            SALES.c.sale_date.between(first, last),
            SALES.c.was_available.is_(False),
            SALES.c.is_withdrawn.is_(False),
            not_replaced(self._view),
        )
        days: defaultdict[Pair, set[date]] = defaultdict(set)
        for series_no, day in self._connection.execute(query):
            days[series[series_no]].add(day)
        return days

    def time_zone(self, shop_id: str) -> str:
        """Give the time zone of a shop; empty for UTC, and while the shop comes with an unfinished import."""
        query = select(SHOPS.c.time_zone).where(SHOPS.c.tenant == self._tenant, SHOPS.c.shop_id == shop_id)
        return self._connection.execute(query).scalar_one_or_none() or ""

    def closed_days(self, shop_id: str, first: date, last: date) -> set[date]:
        """Give the days on which a shop is closed, by its opening weekdays and its closures."""
        known = select(SHOPS.c.opening_weekdays).where(
            SHOPS.c.tenant == self._tenant, SHOPS.c.shop_id == shop_id
        )
        opening = self._connection.execute(known).scalar_one_or_none() or ()
        query = select(CLOSURES.c.start_date, CLOSURES.c.end_date).where(
            CLOSURES.c.tenant == self._tenant,
            CLOSURES.c.shop_id == shop_id,
            CLOSURES.c.start_date <= last,
            CLOSURES.c.end_date >= first,
        )
        closures = [(row.start_date, row.end_date) for row in self._connection.execute(query)]
        return closed_days(opening, closures, first, last)

    def windows(self, shop_id: str, product_ids: Sequence[str], days: Days) -> Mapping[str, LedgerWindow]:
        """Give the ledger of some products of a shop over some days, by product."""
        openings = self._openings(shop_id, product_ids, days.begin)
        changes: defaultdict[str, list[tuple[datetime, int]]] = defaultdict(list)
        query = select(_M.product_id, _M.occurred_at, _M.quantity).where(
            _M.tenant_no == self._view.tenant_no,
            _M.shop_id == shop_id,
            _M.product_id.in_(product_ids),
            _M.occurred_at >= days.begin,
            _M.occurred_at < days.end,
        )
        for product_id, at, change in self._connection.execute(
            query.order_by(_M.occurred_at, _M.movement_no)
        ):
            changes[product_id].append((at, change))
        return {name: LedgerWindow(opening, changes[name]) for name, opening in openings.items()}

    def _openings(
        self, shop_id: str, product_ids: Sequence[str], begin: datetime
    ) -> Mapping[str, int | None]:
        """Give the levels at a time; None where nothing was recorded before.

        They are counted backwards from now, so that old movements are not read.
        """
        same = and_(
            _M.tenant_no == _LEVEL.tenant_no,
            _M.shop_id == _LEVEL.shop_id,
            _M.product_id == _LEVEL.product_id,
        )
        since = select(func.sum(_M.quantity)).where(same, _M.occurred_at >= begin).scalar_subquery()
        first = select(func.min(_M.occurred_at)).where(same).scalar_subquery()
        opening = type_coerce(_LEVEL.quantity - func.coalesce(since, 0), Millionths)
        query = select(_LEVEL.product_id, opening, first).where(
            _LEVEL.tenant_no == self._view.tenant_no,
            _LEVEL.shop_id == shop_id,
            _LEVEL.product_id.in_(product_ids),
        )
        return {
            product_id: level if began is not None and began < begin else None
            for product_id, level, began in self._connection.execute(query)
        }
