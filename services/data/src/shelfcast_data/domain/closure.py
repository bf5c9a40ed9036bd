"""Closures: days on which a shop is closed beyond its weekly rest days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Final

from shelfcast_servicekit.errors import Violation

from shelfcast_data.domain.declared_rule import day, declared_faults, reference, text
from shelfcast_data.domain.entry import Kind
from shelfcast_data.domain.field_rule import span_faults
from shelfcast_data.errors import ClosureExists, ClosureNotFound


@dataclass(frozen=True, slots=True)
class ClosureFields:
    """What a client says about a closure."""

    shop_id: Annotated[str, reference(is_required=True)] = ""
    """Shop that is closed; required."""
    start_date: Annotated[date | None, day(is_required=True)] = None
    """First closed business date; required."""
    end_date: Annotated[date | None, day(is_required=True)] = None
    """Last closed business date; required."""
    reason: Annotated[str, text(300)] = ""
    """Why, for people."""

    def faults(self, at: str) -> list[Violation]:
        """Give all faults that can be told without the store."""
        return [*declared_faults(at, self), *span_faults(at, self.start_date, self.end_date)]


CLOSURE: Final = Kind(
    "closure",
    ("closure_id",),
    ClosureFields,
    ClosureNotFound,
    ClosureExists,
    orders=("start_date", "closure_id"),
)
