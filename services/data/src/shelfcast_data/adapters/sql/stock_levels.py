"""Levels and lots in SQL, as they are now and as they were recorded at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import and_, func, or_, select, tuple_

from shelfcast_data.adapters.sql.statement import free_columns
from shelfcast_data.adapters.sql.stock_schema import LEVELS, LOTS, MOVEMENTS, NO_EXPIRY
from shelfcast_data.adapters.sql.tenants import TenantRows
from shelfcast_data.domain.movement_facts import StockAccount
from shelfcast_data.domain.stock_level import LotLevel, StockLevel

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from sqlalchemy import ColumnElement, Connection, Executable, Table

    from shelfcast_data.domain.stock_level import LevelQuery, LotQuery

_M, _LEVEL, _LOT = MOVEMENTS.c, LEVELS.c, LOTS.c
_LEVEL_FIELDS = tuple(StockLevel.__dataclass_fields__)


class InventoryRows:
    """The levels of one tenant within one transaction."""

    def __init__(self, connection: Connection, tenant: str) -> None:
        """Work within the transaction of `connection`."""
        self._connection = connection
        self._tenant_no = TenantRows(connection).number(tenant) or 0

    def lots_of(self, product_id: str, shop_id: str | None) -> Sequence[LotLevel]:
        """Give all lots of a product, empty ones too."""
        columns = (_LOT.shop_id, _LOT.product_id, _LOT.lot_id, _LOT.expiry_date, _LOT.quantity)
        return self._lots(select(*columns).where(*self._mine(LOTS, shop_id, product_id)))

    def lots_as_of(self, product_id: str, shop_id: str | None, as_of: datetime) -> Sequence[LotLevel]:
        """Give the lots of a product out of what was recorded by a time; their dates as now known."""
        same = and_(
            _LOT.tenant_no == _M.tenant_no,
            _LOT.shop_id == _M.shop_id,
            _LOT.product_id == _M.product_id,
            _LOT.lot_id == _M.lot_id,
        )
        keys = (_M.shop_id, _M.product_id, _M.lot_id)
        query = select(*keys, func.max(_LOT.expiry_date), func.sum(_M.quantity))
        query = query.select_from(MOVEMENTS.outerjoin(LOTS, same)).where(
            *self._mine(MOVEMENTS, shop_id, product_id), _M.recorded_at <= as_of
        )
        return self._lots(query.group_by(*keys))

    def levels(self, wanted: LevelQuery, limit: int, after: tuple[str, str] | None) -> Sequence[StockLevel]:
        """Give up to `limit` levels in the order of shop and product, after a pair."""
        query = select(LEVELS).where(*self._mine(LEVELS, wanted.shop_id, wanted.product_id))
        if wanted.below is not None:
            query = query.where(_LEVEL.quantity < wanted.below)
        if after is not None:
            same_shop = and_(_LEVEL.shop_id == after[0], _LEVEL.product_id > after[1])
            query = query.where(or_(_LEVEL.shop_id > after[0], same_shop))
        order = free_columns((_LEVEL.shop_id, _LEVEL.product_id), (wanted.shop_id, wanted.product_id))
        rows = self._connection.execute(query.order_by(*order).limit(limit))
        return [StockLevel(*(row[name] for name in _LEVEL_FIELDS)) for row in rows.mappings()]

    def open_lots(
        self, wanted: LotQuery, limit: int, after: tuple[date, StockAccount] | None
    ) -> Sequence[LotLevel]:
        """Give up to `limit` lots with stock, by expiry date, after a lot."""
        place = (_LOT.expiry_date, _LOT.shop_id, _LOT.product_id, _LOT.lot_id)
        columns = (_LOT.shop_id, _LOT.product_id, _LOT.lot_id, _LOT.expiry_date, _LOT.quantity)
        query = select(*columns).where(*self._mine(LOTS, wanted.shop_id, wanted.product_id), _LOT.is_open)
        if wanted.expires_by is not None:
            query = query.where(_LOT.expiry_date <= wanted.expires_by)
        if after is not None:
            day, lot = after
            known = (day, lot.shop_id, lot.product_id, lot.lot_id)
            query = query.where(_LOT.expiry_date >= day, tuple_(*place) > tuple_(*known))
        order = free_columns(place, (None, wanted.shop_id, wanted.product_id, None))
        return self._lots(query.order_by(*order).limit(limit))

    def _mine(
        self, table: Table, shop_id: str | None, product_id: str | None
    ) -> Sequence[ColumnElement[bool]]:
        ids = [(table.c.shop_id, shop_id), (table.c.product_id, product_id)]
        wanted = [column == value for column, value in ids if value is not None]
        return [table.c.tenant_no == self._tenant_no, *wanted]

    def _lots(self, query: Executable) -> Sequence[LotLevel]:
        return [
            LotLevel(
                StockAccount(shop_id, product_id, lot_id),
                None if expiry_date in {None, NO_EXPIRY} else expiry_date,
                quantity,
            )
            for shop_id, product_id, lot_id, expiry_date, quantity in self._connection.execute(query)
        ]
