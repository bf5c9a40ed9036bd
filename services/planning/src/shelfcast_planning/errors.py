"""What can be wrong with a question about stock.

ShelfcastError
├── ServiceLevelOutOfRange
└── FieldRuleViolated
    └── DemandOutOfRange
"""

from __future__ import annotations

from shelfcast_servicekit.errors import FieldRuleViolated, ShelfcastError


class ServiceLevelOutOfRange(ShelfcastError):
    """A cycle service level is not strictly between 0 and 1 (metadata: service_level)."""

    reason = "SERVICE_LEVEL_OUT_OF_RANGE"


class DemandOutOfRange(FieldRuleViolated):
    """Demand, lead time or review period is negative, or so large that a stock level is not finite."""
