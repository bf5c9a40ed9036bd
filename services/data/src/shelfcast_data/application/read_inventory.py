"""Read what is in stock: by product, by shop, by lot, and the days on which nothing was."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby, islice
from zoneinfo import ZoneInfo

from shelfcast_data.domain.identifier import stored_id
from shelfcast_data.domain.movement_facts import StockAccount
from shelfcast_data.domain.product import PRODUCT
from shelfcast_data.domain.stock_level import (
    LevelQuery,
    LotLevel,
    LotQuery,
    ProductStock,
    StockLevel,
    shops_of,
)
from shelfcast_data.domain.stockout import Days, Stockout, StockoutQuery, empty_days
from shelfcast_data.ports.store import Store, Tx

Place = tuple[str, str, date]
"""Shop, product and day after which a page begins."""

_PAIRS_AT_ONCE = 200
_PAIRS_A_PAGE = 1000


@dataclass(frozen=True, slots=True)
class StockoutPage:
    """Some days without stock."""

    stockouts: Sequence[Stockout]
    """By shop, product and day."""
    next_place: Place | None
    """Where the next page begins; None at the end."""


@dataclass(frozen=True, slots=True)
class InventoryBook:
    """The stock of each tenant."""

    store: Store

    async def product(
        self, tenant: str, product_id: str, shop_id: str | None, as_of: datetime | None
    ) -> ProductStock:
        """Give the stock of a product as recorded by a time, or now. Raises: ProductNotFound, IdMalformed."""
        known = stored_id(product_id, "/product_id")

        def work(tx: Tx) -> ProductStock:
            tx.entries(PRODUCT, tenant).get((known,))
            inventory, now = tx.inventory(tenant), tx.stock(tenant).now()
            if as_of is None or as_of >= now:
                return ProductStock(known, now, shops_of(inventory.lots_of(known, shop_id)))
            return ProductStock(known, as_of, shops_of(inventory.lots_as_of(known, shop_id, as_of)))

        return await self.store.read(work)

    async def levels(
        self, tenant: str, wanted: LevelQuery, limit: int, after: tuple[str, str] | None
    ) -> Sequence[StockLevel]:
        """Give up to `limit` levels in the order of shop and product."""
        return await self.store.read(lambda tx: tx.inventory(tenant).levels(wanted, limit, after))

    async def lots(
        self, tenant: str, wanted: LotQuery, limit: int, after: tuple[date, StockAccount] | None
    ) -> Sequence[LotLevel]:
        """Give up to `limit` lots with stock, by expiry date."""
        return await self.store.read(lambda tx: tx.inventory(tenant).open_lots(wanted, limit, after))

    async def stockouts(
        self, tenant: str, wanted: StockoutQuery, limit: int, after: Place | None
    ) -> StockoutPage:
        """Give up to `limit` days without stock, by shop, product and day. Raises: RangeReversed.

        A page looks at a bounded number of products, so it may hold fewer days and still have a next one.
        """
        return await self.store.read(lambda tx: _stockout_page(tx, tenant, wanted, limit, after))


def _stockout_page(
    tx: Tx, tenant: str, wanted: StockoutQuery, limit: int, after: Place | None
) -> StockoutPage:
    now = tx.stock(tenant).now()
    first, last = wanted.days(now)
    found: list[Stockout] = []
    start = None if after is None else after[:2]
    for _ in range(_PAIRS_A_PAGE // _PAIRS_AT_ONCE):
        pairs = tx.stockouts(tenant).pairs(wanted, _PAIRS_AT_ONCE + 1, start)
        days = _days_of(tx, tenant, pairs[:_PAIRS_AT_ONCE], (first, last, now))
        fresh = (each for each in days if after is None or _place(each) > after)
        found += islice(fresh, limit + 1 - len(found))
        if len(found) > limit:
            return StockoutPage(found[:limit], _place(found[limit - 1]))
        if len(pairs) <= _PAIRS_AT_ONCE:
            return StockoutPage(found, None)
        start = pairs[-1]
    return StockoutPage(found, (*pairs[-2], date.max))


def _place(stockout: Stockout) -> Place:
    return stockout.shop_id, stockout.product_id, stockout.day


def _days_of(
    tx: Tx, tenant: str, pairs: Sequence[tuple[str, str]], span: tuple[date, date, datetime]
) -> Iterator[Stockout]:
    first, last, now = span
    known = tx.stockouts(tenant)
    reported = known.reported(pairs, first, last)
    for shop_id, group in groupby(pairs, lambda pair: pair[0]):
        product_ids = [product_id for _, product_id in group]
        days = Days(first, last, ZoneInfo(known.time_zone(shop_id) or "UTC")).over(now)
        windows = known.windows(shop_id, product_ids, days)
        closed = known.closed_days(shop_id, first, last)
        for product_id in product_ids:
            said = reported.get((shop_id, product_id), set())
            window = windows.get(product_id)
            derived = set() if window is None else set(empty_days(window, days))
            for day in sorted((said | derived) - closed):
                yield Stockout(shop_id, product_id, day, day in said, day in derived)
