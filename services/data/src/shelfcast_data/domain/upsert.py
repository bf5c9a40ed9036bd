"""Rows of a bulk call that creates or changes products, and what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shelfcast_servicekit.errors import Violation

from shelfcast_data.domain.product import ProductFields


@dataclass(frozen=True, slots=True)
class ProductRow:
    """One row."""

    product_id: str
    """Id as it was sent."""
    fields: ProductFields
    """Its values."""
    populated: frozenset[str]
    """Fields that it has a value for; the others say nothing."""
    etag: str
    """Version that must still be stored; empty means any."""


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """One fault of a row that was not taken."""

    row: int
    """Number of the row, from 1."""
    violation: Violation
    """Where the fault is, and what it is."""
    value: str
    """The refused value."""


@dataclass(frozen=True, slots=True)
class UpsertReport:
    """What became of the rows."""

    accepted_count: int
    """Rows that were stored."""
    repeated_count: int
    """Rows that said what is stored already, and changed nothing."""
    refused: Sequence[RefusedRow]
    """All faults, in the order of the rows."""

    @property
    def rejected_count(self) -> int:
        """Rows that were not taken."""
        return len({each.row for each in self.refused})
