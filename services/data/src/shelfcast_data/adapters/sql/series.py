"""Series: pairs of shop and product, under short numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import and_, or_, select, tuple_

from shelfcast_data.adapters.sql.schema import SERIES
from shelfcast_data.adapters.sql.statement import free_columns, insert_new

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Executable

_C = SERIES.c
_BATCH = 500


@dataclass(frozen=True, slots=True)
class Series:
    """A pair of shop and product."""

    series_no: int
    """Its number in the store."""
    shop_id: str
    """Shop that sells."""
    product_id: str
    """Product that is sold."""
    first_load_no: int
    """Load that brought it."""


class SeriesRows:
    """The series of one tenant within one transaction."""

    def __init__(self, connection: Connection, tenant_no: int) -> None:
        """Work within the transaction of `connection`."""
        self._connection = connection
        self._tenant_no = tenant_no

    def by_number(self, series_no: int) -> Series | None:
        """Give a series of the tenant; None if there is none of that number."""
        query = select(SERIES).where(_C.tenant_no == self._tenant_no, _C.series_no == series_no)
        found = self._found(query)
        return found[0] if found else None

    def by_ids(self, pairs: Sequence[tuple[str, str]]) -> Sequence[Series]:
        """Give those of the series, named by shop and product, that are there."""
        found: list[Series] = []
        for start in range(0, len(pairs), _BATCH):
            wanted = pairs[start : start + _BATCH]
            ids = tuple_(_C.shop_id, _C.product_id)
            found += self._found(select(SERIES).where(_C.tenant_no == self._tenant_no, ids.in_(wanted)))
        return found

    def ensured(self, pairs: Sequence[tuple[str, str]], load_no: int) -> Sequence[Series]:
        """Give all of the series; those that are new are stored in the order given, as brought by a load."""
        known = self.by_ids(pairs)
        have = {(series.shop_id, series.product_id) for series in known}
        new = [pair for pair in pairs if pair not in have]
        if not new:
            return known
        shared = {"tenant_no": self._tenant_no, "first_load_no": load_no}
        rows = [{**shared, "shop_id": shop_id, "product_id": product_id} for shop_id, product_id in new]
        self._connection.execute(insert_new(SERIES), rows)
        return [*known, *self.by_ids(new)]

    def page(
        self, shop_id: str | None, product_id: str | None, limit: int, start: tuple[str, str] | None
    ) -> Sequence[Series]:
        """Give up to `limit` series in the order of shop and product, from a pair on (itself included)."""
        query = select(SERIES).where(_C.tenant_no == self._tenant_no)
        if shop_id is not None:
            query = query.where(_C.shop_id == shop_id)
        if product_id is not None:
            query = query.where(_C.product_id == product_id)
        if start is not None:
            same_shop = and_(_C.shop_id == start[0], _C.product_id >= start[1])
            query = query.where(or_(_C.shop_id > start[0], same_shop))
        order = free_columns((_C.shop_id, _C.product_id), (shop_id, product_id))
        return self._found(query.order_by(*order).limit(limit))

    def _found(self, query: Executable) -> list[Series]:
        rows = self._connection.execute(query).mappings()
        return [Series(*(row[name] for name in Series.__dataclass_fields__)) for row in rows]
