"""What the stock ledger and its levels need from outside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Protocol

from shelfcast_data.domain.movement_facts import StockAccount
from shelfcast_data.domain.rejection import Rejection
from shelfcast_data.domain.stock_count import CountNote, StockCount
from shelfcast_data.domain.stock_level import LevelQuery, LotLevel, LotQuery, MovementQuery, StockLevel
from shelfcast_data.domain.stock_movement import StockMovement
from shelfcast_data.domain.stockout import Days, LedgerWindow, StockoutQuery


class Stock(Protocol):
    """The stock ledger of a tenant."""

    def now(self) -> datetime:
        """Give the ledger's time."""

    def locked(self, pairs: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], int]:
        """Give the levels of shops and products, in millionths, which nobody else changes meanwhile."""

    def lot(self, account: StockAccount) -> LotLevel:
        """Give a lot, or the stock outside lots."""

    def append(self, movements: Sequence[StockMovement]) -> None:
        """Store movements of what is locked, and change the levels. Raises: StockMovementExists."""

    def find(self, movement_id: str) -> StockMovement | None:
        """Give a movement; None if there is none."""

    def page(
        self, wanted: MovementQuery, limit: int, after: tuple[datetime, int] | None
    ) -> Sequence[StockMovement]:
        """Give up to `limit` movements, newest first, after a time and number."""


class StockCounts(Protocol):
    """One count sheet of a tenant."""

    def stage(self, counts: Sequence[StockCount]) -> Sequence[Rejection]:
        """Take the rows in; give those whose shop or product is not known, and leave them out."""

    def record(self, note: CountNote) -> int:
        """Set the levels of the rows that were taken in; give how many rows made a movement."""


class Inventory(Protocol):
    """The levels of a tenant."""

    def lots_of(self, product_id: str, shop_id: str | None) -> Sequence[LotLevel]:
        """Give all lots of a product, empty ones too."""

    def lots_as_of(self, product_id: str, shop_id: str | None, as_of: datetime) -> Sequence[LotLevel]:
        """Give the lots of a product as recorded by a time."""

    def levels(self, wanted: LevelQuery, limit: int, after: tuple[str, str] | None) -> Sequence[StockLevel]:
        """Give up to `limit` levels in the order of shop and product."""

    def open_lots(
        self, wanted: LotQuery, limit: int, after: tuple[date, StockAccount] | None
    ) -> Sequence[LotLevel]:
        """Give up to `limit` lots with stock, by expiry date."""


class Stockouts(Protocol):
    """What is known of the availability of a tenant's products."""

    def pairs(
        self, wanted: StockoutQuery, limit: int, start: tuple[str, str] | None
    ) -> Sequence[tuple[str, str]]:
        """Give up to `limit` shops and products with sales or stock, in order, from a pair on."""

    def reported(
        self, pairs: Sequence[tuple[str, str]], first: date, last: date
    ) -> Mapping[tuple[str, str], set[date]]:
        """Give the days whose current sale says that the product was not available."""

    def time_zone(self, shop_id: str) -> str:
        """Give the time zone of a shop; empty for UTC."""

    def closed_days(self, shop_id: str, first: date, last: date) -> set[date]:
        """Give the days on which a shop is closed, by its opening weekdays and its closures."""

    def windows(self, shop_id: str, product_ids: Sequence[str], days: Days) -> Mapping[str, LedgerWindow]:
        """Give the ledger of some products of a shop over some days, by product."""
