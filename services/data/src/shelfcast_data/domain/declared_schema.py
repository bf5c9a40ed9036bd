"""Declared schemas: what a record of a kind holds, between which limits, and which rules it can break.

The validators take names, limits and words from here, and users read the same declarations.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum


class ValueType(StrEnum):
    """Type of the values of a field."""

    TEXT = "text"
    ID = "id"
    DATE = "date"
    DECIMAL = "decimal"
    WHOLE = "whole"
    FLAG = "flag"
    WORD = "word"
    LIST = "list"


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """Limits of numbers."""

    least: Decimal | None = None
    """Least value; None means none."""
    is_least_excluded: bool = False
    """Whether the least value itself is refused."""
    most: Decimal | None = None
    """Largest value; None means none."""
    is_most_excluded: bool = False
    """Whether the largest value itself is refused."""

    def holds(self, number: Decimal) -> bool:
        """Say whether a number lies within the limits.

        >>> Range(least=Decimal(0), most=Decimal(24)).holds(Decimal("24.1"))
        False
        """
        if self.least is not None and (
            number < self.least or (self.is_least_excluded and number == self.least)
        ):
            return False
        return self.most is None or number < self.most or (number == self.most and not self.is_most_excluded)


ANY = Range()


@dataclass(frozen=True, slots=True)
class FieldSchema:
    """How one field is checked."""

    name: str
    """Name of the field."""
    description: str
    """One sentence: what it holds."""
    type: ValueType
    """Type of its values."""
    rules: tuple[str, ...]
    """Rules that a value can break."""
    is_required: bool = False
    """Whether a record must have a value."""
    unit: str = ""
    """Unit of its values; empty if it has none."""
    range: Range = ANY
    """Limits of a number."""
    first_date: date | None = None
    """First date that is taken."""
    last_date: date | None = None
    """Last date that is taken."""
    longest: int | None = None
    """Most characters."""
    words: tuple[str, ...] = ()
    """Words that are taken; empty means any."""
    aliases: tuple[str, ...] = ()
    """Names by which the column is found in a file, the surest first."""


@dataclass(frozen=True, slots=True)
class Schema:
    """How the records of one kind are checked."""

    kind: str
    """Kind of record, for instance `sales`."""
    version: int
    """Version, from 1; it grows whenever a record may be judged differently."""
    description: str
    """One sentence: what a record is."""
    fields: tuple[FieldSchema, ...]
    """The fields, in the order in which their faults are reported."""
    rules: tuple[str, ...] = ()
    """Rules that concern a record as a whole."""

    @property
    def digest(self) -> str:
        """SHA-256 of the declaration without its version, lower-case hex."""
        told = {name: value for name, value in asdict(self).items() if name != "version"}
        return hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()

    def field(self, name: str) -> FieldSchema:
        """Give a field by its name."""
        return next(each for each in self.fields if each.name == name)

    @property
    def names(self) -> Sequence[str]:
        """Names of all fields."""
        return [each.name for each in self.fields]
