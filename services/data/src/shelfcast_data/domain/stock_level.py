"""Levels and lots: what the stock movements add up to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby

from shelfcast_data.domain.movement_facts import MovementKind, StockAccount
from shelfcast_data.errors import RangeReversed


@dataclass(frozen=True, slots=True)
class MovementQuery:
    """Which movements a list shows."""

    shop_id: str | None = None
    """Only this shop; None means all."""
    product_id: str | None = None
    """Only this product; None means all."""
    kind: MovementKind | None = None
    """Only this kind; None means all."""
    start: datetime | None = None
    """First instant; None means from the beginning."""
    end: datetime | None = None
    """Last instant; None means to the end."""

    def checked(self) -> MovementQuery:
        """Give the query back. Raises: RangeReversed."""
        if self.start is not None and self.end is not None and self.start > self.end:
            raise RangeReversed(start=self.start.isoformat(), end=self.end.isoformat())
        return self


@dataclass(frozen=True, slots=True)
class LevelQuery:
    """Which levels a list shows."""

    shop_id: str | None = None
    """Only this shop; None means all."""
    product_id: str | None = None
    """Only this product; None means all."""
    below: int | None = None
    """Only levels below this, in millionths; None means all."""


@dataclass(frozen=True, slots=True)
class LotQuery:
    """Which lots a list shows."""

    shop_id: str | None = None
    """Only this shop; None means all."""
    product_id: str | None = None
    """Only this product; None means all."""
    expires_by: date | None = None
    """Only lots that expire by this day; None means all."""


@dataclass(frozen=True, slots=True)
class StockLevel:
    """Stock of a product in a shop."""

    shop_id: str
    product_id: str
    quantity: int
    """Units of all lots, in millionths."""
    updated_at: datetime
    """When a movement last changed it."""


@dataclass(frozen=True, slots=True)
class LotLevel:
    """Stock of a lot, or outside lots."""

    account: StockAccount
    """Shop, product and lot."""
    expiry_date: date | None
    """Last day on which it may be sold; None means not known."""
    quantity: int
    """Units, in millionths."""


@dataclass(frozen=True, slots=True)
class ShopStock:
    """Stock of one product in one shop."""

    shop_id: str
    quantity: int
    """Units of all lots, in millionths."""
    lots: Sequence[LotLevel]
    """Lots that are not empty, by expiry date."""


@dataclass(frozen=True, slots=True)
class ProductStock:
    """Stock of one product."""

    product_id: str
    as_of: datetime
    """Instant as of which it is seen."""
    shops: Sequence[ShopStock]
    """By id; empty if no movement was recorded, so that the stock is not known."""


def shops_of(lots: Iterable[LotLevel]) -> Sequence[ShopStock]:
    """Give the stock of each shop out of the lots of one product."""
    ordered = sorted(lots, key=_shelf_order)
    return [
        _shop(shop_id, list(group)) for shop_id, group in groupby(ordered, lambda lot: lot.account.shop_id)
    ]


def _shelf_order(lot: LotLevel) -> tuple[str, date, str]:
    return lot.account.shop_id, lot.expiry_date or date.max, lot.account.lot_id


def _shop(shop_id: str, lots: Sequence[LotLevel]) -> ShopStock:
    return ShopStock(shop_id, sum(lot.quantity for lot in lots), [lot for lot in lots if lot.quantity])
