"""Decimals of the store: quantities and prices with six places, exact."""

from __future__ import annotations

import math
import re
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from typing import Final

PLACES: Final = 6
UNIT: Final = 10**PLACES
LIMIT: Final = Decimal(10) ** 12
"""First magnitude that DECIMAL(18,6) cannot hold."""

_NUMBER: Final = re.compile(r"[+-]?(\d{1,40}\.?\d{0,80}|\.\d{1,80})([eE][+-]?\d{1,3})?", re.ASCII)
_NOT_FINITE: Final = re.compile(r"[+-]?(nan|inf|infinity)", re.IGNORECASE)


def millionths_of(number: Decimal) -> int:
    """Give a decimal as a whole number of millionths, rounded half to even.

    >>> millionths_of(Decimal("1.5"))
    1500000
    """
    with localcontext() as context:
        context.prec = 60
        return int((number * UNIT).to_integral_value(ROUND_HALF_EVEN))


def decimal_of(millionths: int) -> Decimal:
    """Give the decimal of a whole number of millionths.

    >>> decimal_of(1500000)
    Decimal('1.500000')
    """
    return Decimal(millionths).scaleb(-PLACES)


def from_float(value: float) -> Decimal:
    """Give the decimal that a float is written as, at most six places.

    >>> from_float(1.29)
    Decimal('1.290000')
    """
    return decimal_of(millionths_of(Decimal(repr(value))))


def number_fault(text: str) -> str | None:
    """Name the rule that a text breaks as a number: `finite`, `number` or `range`; None if it is good."""
    if _NOT_FINITE.fullmatch(text):
        return "finite"
    if not _NUMBER.fullmatch(text):
        return "number"
    return None if abs(Decimal(text)) < LIMIT else "range"


def float_fault(value: float) -> str | None:
    """Name the rule that a float breaks: `finite` or `range`; None if it is good."""
    if not math.isfinite(value):
        return "finite"
    return None if abs(value) < LIMIT else "range"
