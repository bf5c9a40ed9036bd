"""What is told to the rest of the world about a change of a tenant's data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar, Final, TypeAlias

from shelfcast_data.domain.decimal_text import decimal_of
from shelfcast_data.domain.entry import Key
from shelfcast_data.domain.sale import SaleKey
from shelfcast_data.domain.stock_movement import StockMovement

MOST_ENTRIES_NAMED: Final = 100


@dataclass(frozen=True, slots=True)
class SalesChanged:
    """A single sale was recorded, corrected or withdrawn."""

    name: ClassVar[str] = "sales_changed"
    shop_id: str
    product_id: str
    date: date


@dataclass(frozen=True, slots=True)
class ImportFinished:
    """An import was published."""

    name: ClassVar[str] = "import_finished"
    import_id: str
    row_count: int


@dataclass(frozen=True, slots=True)
class ImportUndone:
    """An import was taken back."""

    name: ClassVar[str] = "import_undone"
    import_id: str


@dataclass(frozen=True, slots=True)
class NamedEntry:
    """The ids that name an entry of the catalogue."""

    ids: Key


@dataclass(frozen=True, slots=True)
class EntriesChanged:
    """Entries of the catalogue were created, changed or deleted."""

    name: ClassVar[str] = "entries_changed"
    kind: str
    entries: tuple[NamedEntry, ...]
    """The first of them."""
    count: int
    """How many they are."""


@dataclass(frozen=True, slots=True)
class StockMoved:
    """A movement was recorded in the stock ledger."""

    name: ClassVar[str] = "stock_moved"
    movement_id: str
    shop_id: str
    product_id: str
    quantity: float
    """Change of stock, in the product's unit."""


@dataclass(frozen=True, slots=True)
class StockCounted:
    """A count sheet was recorded in the stock ledger."""

    name: ClassVar[str] = "stock_counted"
    count: int


Happening: TypeAlias = (
    SalesChanged | ImportFinished | ImportUndone | EntriesChanged | StockMoved | StockCounted
)


def sale_changed(key: SaleKey) -> SalesChanged:
    """Tell of the sale of a day."""
    return SalesChanged(key.shop_id, key.product_id, key.sale_date)


def entries_changed(kind: str, keys: Sequence[Key]) -> EntriesChanged:
    """Tell of entries, the first hundred by name.

    >>> entries_changed("product", [("oats",)]).count
    1
    """
    named = tuple(NamedEntry(key) for key in keys[:MOST_ENTRIES_NAMED])
    return EntriesChanged(kind, named, len(keys))


def stock_moved(movement: StockMovement) -> StockMoved:
    """Tell of a movement."""
    account = movement.facts.account
    quantity = float(decimal_of(movement.change))
    return StockMoved(movement.movement_id, account.shop_id, account.product_id, quantity)


class EventState(StrEnum):
    """What has become of an event."""

    PENDING = "pending"
    """It waits for the relay."""
    PUBLISHED = "published"
    """It is in the stream."""
    DEAD = "dead"
    """It cannot be put into a message; a person decides."""


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event as it lies in the outbox."""

    event_no: int
    """Place in the order of events."""
    event_id: str
    tenant: str
    name: str
    """Which happening it is, for instance `sales_changed`."""
    facts: str
    """The happening as JSON."""
    data_version: str
    """Version that it made; empty if none."""
    traceparent: str
    """Trace that caused it; empty if none."""
    occurred_at: datetime
    attempt_count: int
    """How often it could not be put into a message."""
    error: str
    """Why not; empty if it could, or nobody tried."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """How far the relay is behind."""

    pending_count: int
    oldest_seconds: float
    """Age of the oldest event that waits; 0 if none does."""
    dead_count: int
