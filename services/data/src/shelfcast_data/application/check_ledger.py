"""What the stock ledger has to say in a check of quality."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from itertools import groupby
from zoneinfo import ZoneInfo

import numpy as np

from shelfcast_data.domain.quality import Finding
from shelfcast_data.domain.sales_columns import Numbers
from shelfcast_data.domain.shop_quality import EPOCH, finding_of
from shelfcast_data.domain.stock_level import LevelQuery, StockLevel
from shelfcast_data.domain.stock_quality import negative_stock
from shelfcast_data.domain.stockout import Days, empty_days
from shelfcast_data.ports.store import Tx, WorkerStore

Pair = tuple[str, str]

_LEDGERS_AT_ONCE = 50
"""Products of a shop whose movements are held in memory at a time."""
_LEVELS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class LedgerCheck:
    """The stock ledger of one tenant."""

    store: WorkerStore
    tenant: str

    def is_kept(self) -> bool:
        """Say whether the tenant keeps a ledger at all."""
        return bool(self.store.read_sync(lambda tx: tx.inventory(self.tenant).levels(LevelQuery(), 1, None)))

    def empty_days(self, pairs: Sequence[Pair], first: date, last: date) -> Mapping[Pair, Numbers]:
        """Give the days on which there was no stock at any time, for shops and products with a ledger.

        Days since 1970-01-01, increasing; the days on which a ledger began, and today, are not known.
        """
        found: dict[Pair, Numbers] = {}
        for shop_id, group in groupby(pairs, lambda pair: pair[0]):
            product_ids = [product_id for _, product_id in group]
            for start in range(0, len(product_ids), _LEDGERS_AT_ONCE):
                some = product_ids[start : start + _LEDGERS_AT_ONCE]
                work = partial(self._empty_days, shop_id, some, (first, last))
                found |= self.store.read_sync(work)
        return found

    def _empty_days(
        self, shop_id: str, product_ids: Sequence[str], span: tuple[date, date], tx: Tx
    ) -> Mapping[Pair, Numbers]:
        known, now = tx.stockouts(self.tenant), tx.stock(self.tenant).now()
        days = Days(*span, ZoneInfo(known.time_zone(shop_id) or "UTC")).over(now)
        windows = known.windows(shop_id, product_ids, days)
        return {
            (shop_id, product_id): np.array(
                [(day - EPOCH).days for day in empty_days(window, days)], dtype=np.int64
            )
            for product_id, window in windows.items()
        }

    def negative(self, today: date) -> Iterator[Finding]:
        """Find the levels below zero. today: date of the check."""
        after: Pair | None = None
        while levels := self.store.read_sync(partial(self._below_zero, after)):
            for shop_id, group in groupby(levels, lambda level: level.shop_id):
                yield from self.store.read_sync(partial(self._negative, shop_id, list(group), today))
            after = levels[-1].shop_id, levels[-1].product_id

    def _below_zero(self, after: Pair | None, tx: Tx) -> Sequence[StockLevel]:
        return tx.inventory(self.tenant).levels(LevelQuery(below=0), _LEVELS_AT_ONCE, after)

    def _negative(self, shop_id: str, levels: Sequence[StockLevel], today: date, tx: Tx) -> Sequence[Finding]:
        zone = ZoneInfo(tx.stockouts(self.tenant).time_zone(shop_id) or "UTC")
        since = tx.quality(self.tenant).negative_since(shop_id, [each.product_id for each in levels])
        return [
            finding_of(
                shop_id,
                level.product_id,
                negative_stock(level.quantity, since[level.product_id].astimezone(zone).date(), today),
            )
            for level in levels
            if level.product_id in since  # a movement of this moment may have mended it
        ]
