"""What can be wrong with telemetry and with questions about it.

ShelfcastError
├── TraceNotFound
├── StoreRefused
└── FieldRuleViolated
    ├── SeverityUnknown
    └── DurationOutOfRange
"""

from __future__ import annotations

from shelfcast_servicekit.errors import FieldRuleViolated, ShelfcastError


class TraceNotFound(ShelfcastError):
    """No stored trace that the caller may see has the id (metadata: trace_id)."""

    reason = "TRACE_NOT_FOUND"


class StoreRefused(ShelfcastError):
    """The store refused a batch for good, for instance because its disk is full; never sent to a caller."""

    reason = "STORAGE_FULL"


class SeverityUnknown(FieldRuleViolated):
    """A severity is not one of the words that logs are filtered by."""


class DurationOutOfRange(FieldRuleViolated):
    """A duration to filter by is negative or not finite."""
