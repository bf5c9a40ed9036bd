"""Price changes: what a product costs its buyers from one day to another."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated, Final

from shelfcast_servicekit.errors import Violation

from shelfcast_data.domain.declared_rule import amount, currency, day, declared_faults, reference
from shelfcast_data.domain.entry import Kind
from shelfcast_data.domain.field_rule import span_faults
from shelfcast_data.errors import PriceChangeExists, PriceChangeNotFound


@dataclass(frozen=True, slots=True)
class PriceChangeFields:
    """What a client says about a price change."""

    product_id: Annotated[str, reference(is_required=True)] = ""
    """Product whose price it is; required."""
    shop_id: Annotated[str | None, reference()] = None
    """Shop that asks it; None means all shops."""
    price: Annotated[Decimal | None, amount("money a unit", is_required=True)] = None
    """Price a unit; required."""
    currency_code: Annotated[str, currency(is_required=True)] = ""
    """ISO 4217 code of the price; required."""
    start_date: Annotated[date | None, day(is_required=True)] = None
    """First business date on which it holds; required."""
    end_date: Annotated[date | None, day()] = None
    """Last business date on which it holds; None means until further notice."""

    def faults(self, at: str) -> list[Violation]:
        """Give all faults that can be told without the store."""
        return [*declared_faults(at, self), *span_faults(at, self.start_date, self.end_date)]


PRICE_CHANGE: Final = Kind(
    "price_change",
    ("price_change_id",),
    PriceChangeFields,
    PriceChangeNotFound,
    PriceChangeExists,
    orders=("start_date", "price_change_id"),
)
