"""Suppliers, and what they ask for a product."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Annotated, Final

from shelfcast_servicekit.errors import Violation

from shelfcast_data.domain.declared_rule import (
    Declared,
    amount,
    checked_text,
    currency,
    days,
    declared_faults,
    text,
    weekdays,
)
from shelfcast_data.domain.declared_schema import ValueType
from shelfcast_data.domain.entry import Kind
from shelfcast_data.domain.field_rule import amount_faults, currency_needed
from shelfcast_data.domain.weekday import Weekday
from shelfcast_data.errors import (
    SupplierExists,
    SupplierNotFound,
    SupplierTermsExist,
    SupplierTermsNotFound,
)

LONGEST_LEAD_TIME_DAYS: Final = 3650
MOST_COST_BREAKS: Final = 50

_EMAIL: Final = re.compile(r"[^@\s]{1,64}@[^@\s]{1,189}")


def _email_faults(at: str, address: str) -> list[Violation]:
    if _EMAIL.fullmatch(address) and address.isprintable():
        return []
    return [Violation(at, "An address has the form name@example.com.", "contact_email.form")]


@dataclass(frozen=True, slots=True)
class SupplierFields:
    """What a client says about a supplier."""

    name: Annotated[str, text(300)] = ""
    """Name for people; empty means the id serves as the name."""
    contact_email: Annotated[str | None, checked_text(_email_faults, "contact_email.form")] = None
    """Address that orders and questions go to."""
    lead_time_days: Annotated[int | None, days(LONGEST_LEAD_TIME_DAYS)] = None
    """Whole days from the order to sellable stock; None means not known."""
    order_weekdays: Annotated[tuple[Weekday, ...], weekdays()] = ()
    """Weekdays on which it takes orders; empty means every day."""
    minimum_order_value: Annotated[Decimal | None, amount()] = None
    """Least money of one order; None means no minimum."""
    currency_code: Annotated[str | None, currency()] = None
    """ISO 4217 code of its money."""

    def faults(self, at: str) -> list[Violation]:
        """Give all faults that can be told without the store."""
        return [
            *declared_faults(at, self),
            *currency_needed(f"{at}/currency_code", self.currency_code, [self.minimum_order_value]),
        ]


SUPPLIER: Final = Kind(
    "supplier",
    ("supplier_id",),
    SupplierFields,
    SupplierNotFound,
    SupplierExists,
    orders=("supplier_id", "name", "created_at", "updated_at"),
)


@dataclass(frozen=True, slots=True)
class CostBreak:
    """Cost a unit from some quantity on."""

    minimum_quantity: Decimal
    """Least quantity of an order line that gets this cost, in the product's unit."""
    unit_cost: Decimal
    """Cost a unit."""


def _break_faults(at: str, breaks: Sequence[CostBreak]) -> list[Violation]:
    if len(breaks) > MOST_COST_BREAKS:
        return [Violation(at, f"At most {MOST_COST_BREAKS} breaks are taken.", "repeated.max_items")]
    faults = []
    for place, each in enumerate(breaks):
        faults += amount_faults(f"{at}/{place}/minimum_quantity", each.minimum_quantity)
        faults += amount_faults(f"{at}/{place}/unit_cost", each.unit_cost)
    return faults or [
        Violation(
            f"{at}/{place}/minimum_quantity",
            "The quantities of the breaks rise from one to the next.",
            "cost_breaks.order",
        )
        for place, (one, next_one) in enumerate(pairwise(breaks), 1)
        if next_one.minimum_quantity <= one.minimum_quantity
    ]


_BREAKS: Final = Declared(
    type=ValueType.LIST,
    check=_break_faults,
    rules=("repeated.max_items", "minimum_quantity.range", "unit_cost.range", "cost_breaks.order"),
)


@dataclass(frozen=True, slots=True)
class TermsFields:
    """What a client says about the terms of a supplier for a product."""

    supplier_sku: Annotated[str | None, text(128)] = None
    """Code of the product at the supplier."""
    currency_code: Annotated[str | None, currency()] = None
    """ISO 4217 code of the costs."""
    cost_breaks: Annotated[tuple[CostBreak, ...], _BREAKS] = ()
    """Cost a unit by quantity, from the smallest quantity up."""

    def faults(self, at: str) -> list[Violation]:
        """Give all faults that can be told without the store."""
        costs = [each.unit_cost for each in self.cost_breaks]
        return [
            *declared_faults(at, self),
            *currency_needed(f"{at}/currency_code", self.currency_code, costs),
        ]


TERMS: Final = Kind(
    "terms",
    ("supplier_id", "product_id"),
    TermsFields,
    SupplierTermsNotFound,
    SupplierTermsExist,
    orders=("product_id",),
    makes_ids=False,
)
