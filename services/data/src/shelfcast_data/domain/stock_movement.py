"""Stock movements: what a new one does to which stock, and how one is taken back."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from shelfcast_servicekit.errors import FieldRuleViolated, Violation

from shelfcast_data.domain.calendar import FIRST_DATE
from shelfcast_data.domain.decimal_text import UNIT, decimal_of
from shelfcast_data.domain.movement_facts import TAKES_OUT, MovementFacts, MovementKind
from shelfcast_data.domain.stock_level import LotLevel
from shelfcast_data.errors import StockInsufficient, StockMovementIrreversible

MOST_LEVEL: Final = 10**12 * UNIT
"""First level that cannot be kept, in millionths."""
CLOCK_SKEW: Final = timedelta(minutes=5)
"""How far a caller's clock may be ahead."""


@dataclass(frozen=True, slots=True)
class NewMovement:
    """A movement that is to be recorded."""

    movement_id: str
    """Its id, a UUID."""
    facts: MovementFacts
    """What it says."""
    occurred_at: datetime | None = None
    """When it happened; None means now."""
    allow_negative: bool = False
    """Whether waste or a transfer may take more than there is."""

    def is_told_by(self, stored: StockMovement) -> bool:
        """Say whether a stored movement is this one."""
        same_time = self.occurred_at is None or self.occurred_at == stored.occurred_at
        return same_time and self.facts == stored.facts and stored.reverses_id is None

    @property
    def pairs(self) -> Sequence[tuple[str, str]]:
        """Give the shops and products whose stock changes."""
        account, other = self.facts.account, self.facts.other_shop_id
        here = (account.shop_id, account.product_id)
        return [here] if other is None else [here, (other, account.product_id)]


@dataclass(frozen=True, slots=True)
class StockMovement:
    """A movement as recorded."""

    movement_id: str
    """Its id."""
    facts: MovementFacts
    """What was said."""
    change: int
    """What it adds to the level, in millionths."""
    occurred_at: datetime
    """When it happened."""
    recorded_at: datetime
    """When it was recorded."""
    counterpart_id: str | None = None
    """The other half of a transfer; None for other kinds."""
    reverses_id: str | None = None
    """The movement that it takes back; None if it is none of that sort."""
    movement_no: int = 0
    """Place in the order of recording; 0 until it is stored."""


def recorded(new: NewMovement, level: int, lot: LotLevel, now: datetime) -> Sequence[StockMovement]:
    """Give the entries that a movement makes; two for a transfer, what goes out first.

    level: of shop and product, in millionths. lot: the lot as it is, or the stock outside lots.
    Raises: StockInsufficient when waste or a transfer takes more than there is (of the lot if one is named)
    and nobody allows it; FieldRuleViolated for a time in the future.
    """
    facts, occurred_at = new.facts, _happened(new.occurred_at, now)
    change = (facts.counted_quantity or 0) - lot.quantity if facts.quantity is None else facts.quantity
    available = lot.quantity if facts.account.lot_id else level
    if facts.kind in TAKES_OUT and not new.allow_negative and available + change < 0:
        raise StockInsufficient(
            shop_id=facts.account.shop_id,
            product_id=facts.account.product_id,
            level=f"{decimal_of(available).normalize():f}",
            quantity=f"{decimal_of(-change).normalize():f}",
        )
    here = StockMovement(new.movement_id, facts, change, occurred_at, now)
    return [here] if facts.other_shop_id is None else _halves(here, facts.other_shop_id, lot)


def _happened(occurred_at: datetime | None, now: datetime) -> datetime:
    if occurred_at is None:
        return now
    if occurred_at > now + CLOCK_SKEW or occurred_at.date() < FIRST_DATE:
        detail = "The time lies in the future or before 1900; leave it out for now."
        raise FieldRuleViolated(violations=[Violation("/movement/occurred_at", detail, "occurred_at.range")])
    return occurred_at


def _halves(out: StockMovement, other_shop_id: str, lot: LotLevel) -> Sequence[StockMovement]:
    account = replace(out.facts.account, shop_id=other_shop_id)
    shop_id = out.facts.account.shop_id
    facts = replace(
        out.facts,
        account=account,
        other_shop_id=shop_id,
        quantity=-out.change,
        expiry_date=out.facts.expiry_date or lot.expiry_date,
    )
    other_id = derived_id(out.movement_id, "transfer")
    into = replace(out, movement_id=other_id, facts=facts, change=-out.change, counterpart_id=out.movement_id)
    return [replace(out, counterpart_id=other_id), into]


def reversal(known: StockMovement, reason: str, now: datetime) -> StockMovement:
    """Give the movement that takes one back, at the time when that one happened.

    So a level seen by what had happened never shows the mistake, one seen by what was recorded does.
    Raises: StockMovementIrreversible when it takes one back itself.
    """
    if known.reverses_id is not None:
        raise StockMovementIrreversible(movement_id=known.movement_id)
    is_count = known.facts.kind is MovementKind.COUNT
    facts = replace(
        known.facts,
        quantity=None if is_count else -known.change,
        counted_quantity=None,
        expiry_date=None,
        reason=reason,
    )
    counterpart = None if known.counterpart_id is None else reversal_id(known.counterpart_id)
    return StockMovement(
        reversal_id(known.movement_id),
        facts,
        -known.change,
        known.occurred_at,
        now,
        counterpart,
        known.movement_id,
    )


def reversal_id(movement_id: str) -> str:
    """Give the id of the one movement that takes another one back."""
    return derived_id(movement_id, "reversal")


def derived_id(movement_id: str, role: str) -> str:
    """Give the id of a movement that belongs to another one, always the same.

    >>> derived_id("8c4e7a0e-3a52-4f5e-9a43-6b1d4f1f0a11", "transfer")
    'ac5f3b52-c192-55c9-8d93-545b35e7b572'
    """
    return str(uuid.uuid5(uuid.UUID(movement_id), role))


def movement_id_of(text: str) -> str | None:
    """Give a UUID in its usual form; None if the text is none.

    >>> movement_id_of("8C4E7A0E-3A52-4F5E-9A43-6B1D4F1F0A11")
    '8c4e7a0e-3a52-4f5e-9a43-6b1d4f1f0a11'
    """
    try:
        return str(uuid.UUID(text)) if len(text) == 36 else None
    except ValueError:
        return None


def check_level(level: int) -> None:
    """Raise FieldRuleViolated when a level leaves what can be kept."""
    if abs(level) >= MOST_LEVEL:
        detail = "The level would reach 1,000,000,000,000 in size."
        raise FieldRuleViolated(violations=[Violation("/movement/quantity", detail, "level.range")])
