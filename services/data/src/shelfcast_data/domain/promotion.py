"""Promotions: what is offered where, when and how much cheaper."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Final

from shelfcast_servicekit.errors import Violation

from shelfcast_data.domain.declared_rule import (
    Declared,
    amount,
    currency,
    day,
    declared_faults,
    ids,
    text,
    word,
)
from shelfcast_data.domain.declared_schema import Range, ValueType
from shelfcast_data.domain.entry import Kind
from shelfcast_data.domain.field_rule import currency_needed, span_faults
from shelfcast_data.errors import PromotionExists, PromotionNotFound

MOST_TARGETS: Final = 1000
WHOLE_PCT: Final = Decimal(100)


class PromotionKind(StrEnum):
    """What a promotion offers."""

    PRICE_CUT = "price_cut"
    MULTI_BUY = "multi_buy"
    BUNDLE = "bundle"
    CLEARANCE = "clearance"
    LOYALTY = "loyalty"


_REDUCTION: Final = Range(least=Decimal(0), is_least_excluded=True, most=WHOLE_PCT)


def _pct_faults(at: str, value: Decimal) -> list[Violation]:
    if value.is_finite() and _REDUCTION.holds(value):
        return []
    return [Violation(at, "discount_pct is above 0 and at most 100.", "discount_pct.range")]


_PCT: Final = Declared(
    type=ValueType.DECIMAL, check=_pct_faults, rules=("{}.range",), range=_REDUCTION, unit="percent"
)


@dataclass(frozen=True, slots=True)
class PromotionFields:
    """What a client says about a promotion."""

    name: Annotated[str, text(300, is_required=True)] = ""
    """Name for people; required."""
    kind: Annotated[PromotionKind | None, word(PromotionKind, is_required=True)] = None
    """What is offered; required."""
    shop_ids: Annotated[tuple[str, ...], ids(MOST_TARGETS)] = ()
    """Shops that take part; empty means all."""
    product_ids: Annotated[tuple[str, ...], ids(MOST_TARGETS)] = ()
    """Products on offer."""
    category_ids: Annotated[tuple[str, ...], ids(MOST_TARGETS)] = ()
    """Categories on offer, with all below them."""
    start_date: Annotated[date | None, day(is_required=True)] = None
    """First business date; required."""
    end_date: Annotated[date | None, day(is_required=True)] = None
    """Last business date; required."""
    discount_pct: Annotated[Decimal | None, _PCT] = None
    """Reduction of the list price in percent."""
    promo_price: Annotated[Decimal | None, amount("money a unit")] = None
    """Price a unit."""
    currency_code: Annotated[str | None, currency()] = None
    """ISO 4217 code of the price."""

    def faults(self, at: str) -> list[Violation]:
        """Give all faults that can be told without the store."""
        return [
            *declared_faults(at, self),
            *span_faults(at, self.start_date, self.end_date),
            *self._price_faults(at),
            *self._target_faults(at),
        ]

    def _price_faults(self, at: str) -> list[Violation]:
        faults = currency_needed(f"{at}/currency_code", self.currency_code, [self.promo_price])
        if (self.discount_pct is None) is (self.promo_price is None):
            detail = "Either discount_pct or promo_price is given."
            faults.append(Violation(f"{at}/discount_pct", detail, "discount_pct.either"))
        return faults

    def _target_faults(self, at: str) -> list[Violation]:
        faults = []
        if not self.product_ids and not self.category_ids:
            detail = "At least one product or category is named."
            faults.append(Violation(f"{at}/product_ids", detail, "product_ids.required"))
        return faults


PROMOTION: Final = Kind(
    "promotion",
    ("promotion_id",),
    PromotionFields,
    PromotionNotFound,
    PromotionExists,
    orders=("start_date", "promotion_id"),
)
