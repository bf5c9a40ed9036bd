"""Rules that fields of the catalogue share; each gives the faults of one value, none if it is good."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Final

from shelfcast_servicekit.errors import Violation
from shelfcast_servicekit.identifier import id_fault

from shelfcast_data.domain.catalogue_entry import required_fault
from shelfcast_data.domain.decimal_text import LIMIT

CURRENCY: Final = re.compile(r"[A-Z]{3}", re.ASCII)
COUNTRY: Final = re.compile(r"[A-Z]{2}", re.ASCII)


def currency_faults(at: str, code: str | None) -> list[Violation]:
    """Give the fault of a text that is no currency code."""
    if not code or CURRENCY.fullmatch(code):
        return []
    return [Violation(at, "A currency code has three capital letters.", "currency.form")]


def currency_needed(at: str, code: str | None, amounts: Sequence[Decimal | None]) -> list[Violation]:
    """Give the fault of money without a currency code."""
    if code is not None or all(amount is None for amount in amounts):
        return []
    return [Violation(at, "Money needs a currency code.", "currency.required")]


def amount_faults(at: str, amount: Decimal | None) -> list[Violation]:
    """Give the fault of a number that is not finite, negative, or too large for the store."""
    if amount is None or (amount.is_finite() and 0 <= amount < LIMIT):
        return []
    name = at.rpartition("/")[2]
    return [Violation(at, f"{name} is a finite number, 0 or more.", f"{name}.range")]


def positive_faults(at: str, amount: Decimal | None) -> list[Violation]:
    """Give the fault of a number that is not above 0."""
    if amount is None or (amount.is_finite() and 0 < amount < LIMIT):
        return []
    name = at.rpartition("/")[2]
    return [Violation(at, f"{name} is a finite number above 0.", f"{name}.range")]


def days_faults(at: str, days: int | None, most: int) -> list[Violation]:
    """Give the fault of a number of days outside 0 to `most`."""
    if days is None or 0 <= days <= most:
        return []
    name = at.rpartition("/")[2]
    return [Violation(at, f"{name} is a whole number of days, 0 to {most}.", f"{name}.range")]


def reference_faults(at: str, entry_id: str | None) -> list[Violation]:
    """Give the fault of a text that cannot be the id of an entry; none for no text."""
    fault = id_fault(entry_id) if entry_id else None
    return [] if fault is None else [Violation(at, fault, "id.form")]


def repeat_faults(at: str, values: Sequence[str | Enum]) -> list[Violation]:
    """Give a fault for each value that stands in a list a second time."""
    first = {value: place for place, value in reversed(list(enumerate(values)))}
    return [
        Violation(f"{at}/{place}", "Each value stands once in this list.", "list.unique")
        for place, value in enumerate(values)
        if first[value] != place
    ]


def required_faults(at: str, values: Mapping[str, object]) -> list[Violation]:
    """Give a fault for each of the named values that is missing."""
    return [required_fault(f"{at}/{name}") for name, value in values.items() if value is None or value == ""]


def span_faults(at: str, start: date | None, end: date | None) -> list[Violation]:
    """Give the fault of days that end before they begin."""
    if end is None or start is None or start <= end:
        return []
    return [Violation(f"{at}/end_date", "The last day is not before the first.", "end_date.order")]


def zone_faults(pointer: str, zone: str) -> list[Violation]:
    """Give the fault of a time zone that is not known; an empty one is none."""
    if not zone or zone in zoneinfo.available_timezones():
        return []
    detail = "There is no such IANA time zone; write for instance Europe/Berlin."
    return [Violation(pointer, detail, "time_zone.known")]
