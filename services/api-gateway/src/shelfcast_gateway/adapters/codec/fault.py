"""Faults of a request: collected while it is read, turned into one error at the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from shelfcast_servicekit.errors import (
    FieldMissing,
    FieldRuleViolated,
    FieldUnreadable,
    ReadOnlyField,
    ShelfcastError,
    UnknownField,
    Violation,
)


class FaultKind(IntEnum):
    """What is wrong; the lowest kind among several names the whole error, so that 400 goes before 422."""

    MISSING = 0
    UNREADABLE = 1
    RULE = 2
    UNKNOWN = 3
    READ_ONLY = 4


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault and its place."""

    kind: FaultKind
    pointer: str
    """JSON Pointer into what was sent."""
    detail: str
    """One sentence for people."""


class ValueFault(Exception):
    """A value that cannot be taken, raised by converters that do not know where they stand."""

    def __init__(self, detail: str, kind: FaultKind = FaultKind.UNREADABLE) -> None:
        """detail: what would be right."""
        super().__init__(detail)
        self.kind = kind
        self.detail = detail

    def at(self, pointer: str) -> Fault:
        """Give the fault at its place."""
        return Fault(self.kind, pointer, self.detail)


MOST_FAULTS: Final = 1000
"""Faults that are collected; whoever sends more learns the first of them."""

_RULES = {
    FaultKind.MISSING: "required",
    FaultKind.UNREADABLE: "type",
    FaultKind.RULE: "range",
    FaultKind.UNKNOWN: "unknown",
    FaultKind.READ_ONLY: "read_only",
}


def error_of(faults: Sequence[Fault]) -> ShelfcastError:
    """Give the one error that reports all faults."""
    violations = [Violation(each.pointer, each.detail, _RULES[each.kind]) for each in faults[:MOST_FAULTS]]
    worst = min(faults, key=lambda each: each.kind)
    match worst.kind:
        case FaultKind.MISSING:
            return FieldMissing(violations=violations, field=worst.pointer.removeprefix("/"))
        case FaultKind.UNREADABLE:
            return FieldUnreadable(violations=violations)
        case FaultKind.RULE:
            return FieldRuleViolated(violations=violations)
        case FaultKind.UNKNOWN:
            return UnknownField(violations=violations)
        case FaultKind.READ_ONLY:
            return ReadOnlyField(violations=violations)


def token(name: str) -> str:
    """Escape a member's name for a JSON Pointer (RFC 6901).

    >>> token("a/b~c")
    'a~1b~0c'
    """
    return name.replace("~", "~0").replace("/", "~1") if "/" in name or "~" in name else name
