"""What is said about a stock movement, and which kind may say what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Final

from shelfcast_servicekit.errors import Violation

from shelfcast_data.domain.catalogue_entry import length_fault, raise_if_any
from shelfcast_data.domain.decimal_text import UNIT
from shelfcast_data.domain.field_rule import CURRENCY

MOST: Final = 10**9 * UNIT
"""First quantity that one movement cannot have, in millionths."""


class MovementKind(Enum):
    """Why stock changed."""

    RECEIPT = "receipt"
    SALE = "sale"
    ADJUSTMENT = "adjustment"
    TRANSFER = "transfer"
    WASTE = "waste"
    COUNT = "count"


TAKES_OUT: Final = frozenset({MovementKind.TRANSFER, MovementKind.WASTE})
"""Kinds that take out, and no more than there is; a sale has happened whatever the ledger says."""


@dataclass(frozen=True, slots=True)
class StockAccount:
    """What a level is kept of."""

    shop_id: str
    product_id: str
    lot_id: str = ""
    """Lot; empty for stock outside lots."""


@dataclass(frozen=True, slots=True)
class MovementFacts:
    """What is said about a movement."""

    kind: MovementKind
    """Why stock changed."""
    account: StockAccount
    """Whose stock changed."""
    quantity: int | None
    """Change of stock, in millionths; None for a count, whose change is what the ledger lacks."""
    counted_quantity: int | None = None
    """What was counted, in millionths; None unless it is a count."""
    expiry_date: date | None = None
    """Last day on which the lot may be sold; None means not known."""
    other_shop_id: str | None = None
    """The other shop of a transfer; None otherwise."""
    unit_cost: int | None = None
    """Cost a unit, in millionths; None means not known."""
    currency_code: str | None = None
    """ISO 4217 code of the cost."""
    reference: str = ""
    """Number of a paper."""
    reason: str = ""
    """Reason for people."""

    def checked(self) -> MovementFacts:
        """Give the facts back. Raises: FieldRuleViolated naming all faults."""
        raise_if_any([*_quantity_faults(self), *self._other_faults()])
        return self

    def _other_faults(self) -> Sequence[Violation]:
        faults = [
            *length_fault("/movement/reference", self.reference, 128),
            *length_fault("/movement/reason", self.reason, 300),
        ]
        is_transfer = self.kind is MovementKind.TRANSFER
        if is_transfer and self.other_shop_id in {None, self.account.shop_id}:
            detail = "A transfer names another shop, to which the goods go."
            faults.append(Violation("/movement/other_shop_id", detail, "other_shop_id.transfer"))
        if not is_transfer and self.other_shop_id is not None:
            detail = "Only a transfer has another shop."
            faults.append(Violation("/movement/other_shop_id", detail, "other_shop_id.transfer"))
        if self.unit_cost is not None and not 0 <= self.unit_cost < MOST:
            detail = "The cost is 0 or more and below 1,000,000,000."
            faults.append(Violation("/movement/unit_cost", detail, "unit_cost.range"))
        if self.currency_code is not None and not CURRENCY.fullmatch(self.currency_code):
            detail = "A currency is three capital letters of ISO 4217."
            faults.append(Violation("/movement/currency_code", detail, "currency_code.form"))
        return faults


def _quantity_faults(facts: MovementFacts) -> Sequence[Violation]:
    if facts.kind is MovementKind.COUNT:
        return _count_faults(facts)
    faults = []
    if facts.counted_quantity is not None:
        detail = "Only a count has a counted quantity."
        faults.append(Violation("/movement/counted_quantity", detail, "counted_quantity.count"))
    if facts.quantity is None or facts.quantity == 0:
        detail = "The quantity is present and not 0."
        return [*faults, Violation("/movement/quantity", detail, "quantity.zero")]
    if facts.kind is MovementKind.RECEIPT and facts.quantity < 0:
        detail = "A receipt brings goods in: its quantity is above 0."
        faults.append(Violation("/movement/quantity", detail, "quantity.sign"))
    if facts.kind in TAKES_OUT and facts.quantity > 0:
        detail = f"A {facts.kind.value} takes goods out: its quantity is below 0."
        faults.append(Violation("/movement/quantity", detail, "quantity.sign"))
    if abs(facts.quantity) >= MOST:
        faults.append(Violation("/movement/quantity", _RANGE, "quantity.range"))
    return faults


_RANGE: Final = "The quantity is below 1,000,000,000 in size."


def _count_faults(facts: MovementFacts) -> Sequence[Violation]:
    faults = []
    if facts.quantity is not None:
        detail = "The quantity of a count is what the ledger lacks; send counted_quantity alone."
        faults.append(Violation("/movement/quantity", detail, "quantity.count"))
    if facts.counted_quantity is None:
        detail = "A count says what was counted; 0 where nothing is there."
        faults.append(Violation("/movement/counted_quantity", detail, "counted_quantity.missing"))
    elif not 0 <= facts.counted_quantity < MOST:
        detail = "What was counted is 0 or more and below 1,000,000,000."
        faults.append(Violation("/movement/counted_quantity", detail, "counted_quantity.range"))
    return faults
