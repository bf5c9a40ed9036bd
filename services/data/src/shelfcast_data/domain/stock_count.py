"""Count sheets: many levels as they were counted, each row judged for itself."""

from __future__ import annotations

import unicodedata
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Final

from shelfcast_servicekit.identifier import MAX_ID_LENGTH, id_fault

from shelfcast_data.domain.calendar import FIRST_DATE, LAST_DATE, date_fault, date_of
from shelfcast_data.domain.catalogue_entry import length_fault, raise_if_any
from shelfcast_data.domain.decimal_text import decimal_of, float_fault, from_float, millionths_of
from shelfcast_data.domain.declared_schema import FieldSchema, Range, Schema, ValueType
from shelfcast_data.domain.movement_facts import MOST, StockAccount
from shelfcast_data.domain.rejection import Rejection, shown

MOST_ROWS: Final = 100_000
"""Most rows of one sheet."""
MOST_LISTED: Final = 1000
"""Most refusals that a report lists."""


_ID_RULES: Final = ("missing", "form", "unknown")

STOCK_COUNTS: Final = Schema(
    "stock_counts",
    1,
    "How much of a product a shop has been found to hold.",
    (
        *(
            FieldSchema(
                name,
                f"{name.removesuffix('_id').capitalize()} that was counted; it is in the catalogue.",
                ValueType.ID,
                tuple(f"{name}.{rule}" for rule in _ID_RULES),
                is_required=True,
                longest=MAX_ID_LENGTH,
            )
            for name in ("shop_id", "product_id")
        ),
        FieldSchema(
            "lot_id",
            "Lot; empty is the one of the expiry date, or the stock outside lots.",
            ValueType.ID,
            ("lot_id.form",),
            longest=MAX_ID_LENGTH,
        ),
        FieldSchema(
            "expiry_date",
            "Last day on which the lot may be sold; empty is not known.",
            ValueType.DATE,
            ("date.form", "date.calendar", "date.range"),
            first_date=FIRST_DATE,
            last_date=LAST_DATE,
        ),
        FieldSchema(
            "quantity",
            "Units counted; 0 where nothing was there.",
            ValueType.DECIMAL,
            ("quantity.missing", "quantity.finite", "quantity.below_zero", "quantity.too_large"),
            is_required=True,
            unit="units of the product",
            range=Range(least=Decimal(0), most=decimal_of(MOST), is_most_excluded=True),
        ),
    ),
    ("count.duplicate",),
)
"""The declaration of a row of a count sheet; raise its version when a row may be judged differently."""

_IDS: Final = [each for each in STOCK_COUNTS.fields if each.type is ValueType.ID]
_RANGE: Final = STOCK_COUNTS.field("quantity").range


@dataclass(frozen=True, slots=True)
class CountRow:
    """A row as it is sent."""

    shop_id: str
    product_id: str
    lot_id: str
    """Lot; empty if absent."""
    expiry_date: str
    """Business date in text; empty if absent."""
    quantity: float | None
    """Units counted; None if absent."""


@dataclass(frozen=True, slots=True)
class StockCount:
    """A good row."""

    row: int
    """Number of the row, from 1."""
    movement_id: str
    """Id of the movement that it becomes."""
    account: StockAccount
    """What was counted."""
    expiry_date: date | None
    """Last day on which the lot may be sold; None means not known."""
    quantity: int
    """Units, in millionths."""


@dataclass(frozen=True, slots=True)
class CountNote:
    """What a count sheet says about all its rows."""

    reference: str = ""
    """Number of the sheet."""
    reason: str = ""
    """Reason for people."""
    is_atomic: bool = False
    """Whether one bad row lets nothing be stored."""

    def checked(self) -> CountNote:
        """Give the note back. Raises: FieldRuleViolated."""
        raise_if_any(
            [*length_fault("/reference", self.reference, 128), *length_fault("/reason", self.reason, 300)]
        )
        return self


@dataclass(frozen=True, slots=True)
class CountReport:
    """What became of a count sheet."""

    accepted: int
    """Rows that made a movement."""
    repeated: int
    """Rows that say what the ledger says."""
    rejections: Sequence[Rejection]
    """All refusals, by row."""

    @property
    def rejected(self) -> int:
        """Rows refused."""
        return len({each.row for each in self.rejections})


def read_sheet(rows: Iterable[CountRow]) -> tuple[Sequence[StockCount], Sequence[Rejection]]:
    """Give the good rows and the refusals; of two rows for one account the first is taken."""
    counts: list[StockCount] = []
    refused: list[Rejection] = []
    seen: set[StockAccount] = set()
    is_bad_id = cache(lambda value: id_fault(value) is not None)
    for number, row in enumerate(rows, 1):
        faults = list(_faults(number, row, is_bad_id))
        if not faults:
            count = _count(number, row)
            if count.account not in seen:
                seen.add(count.account)
                counts.append(count)
                continue
            faults = [_refusal(number, "", "", "count.duplicate")]
        refused += faults
    return counts, refused


def _faults(number: int, row: CountRow, is_bad_id: Callable[[str], bool]) -> Iterator[Rejection]:
    for each in _IDS:
        name, value = each.name, getattr(row, each.name)
        if not value and each.is_required:
            yield _refusal(number, name, value, f"{name}.missing")
        elif value and is_bad_id(value):
            yield _refusal(number, name, value, f"{name}.form")
    if row.expiry_date and (fault := date_fault(row.expiry_date.removesuffix("Z"))):
        yield _refusal(number, "expiry_date", row.expiry_date, f"date.{fault}")
    if rule := _quantity_rule(row.quantity):
        yield _refusal(number, "quantity", "" if row.quantity is None else repr(row.quantity), rule)


def _quantity_rule(quantity: float | None) -> str | None:
    if quantity is None:
        return "quantity.missing"
    fault = float_fault(quantity)
    if fault == "finite":
        return "quantity.finite"
    if quantity < 0:
        return "quantity.below_zero"
    return None if _RANGE.holds(Decimal(repr(quantity))) else "quantity.too_large"


def _refusal(number: int, name: str, value: str, rule: str) -> Rejection:
    pointer = f"/inventory/{number - 1}" + (f"/{name}" if name else "")
    return Rejection(number, pointer, shown(value), rule)


def unknown_id(row: int, name: str, value: str) -> Rejection:
    """Give the refusal of a row whose shop or product the catalogue does not know."""
    return _refusal(row, name, value, f"{name}.unknown")


def _count(number: int, row: CountRow) -> StockCount:
    expiry = date_of(row.expiry_date) if row.expiry_date else None
    lot_id = row.lot_id or ("" if expiry is None else expiry.isoformat())
    account = StockAccount(
        *(unicodedata.normalize("NFC", each) for each in (row.shop_id, row.product_id, lot_id))
    )
    quantity = millionths_of(from_float(row.quantity or 0.0))
    return StockCount(number, str(uuid.uuid4()), account, expiry, quantity)
