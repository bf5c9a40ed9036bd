"""Health of the services and stores, as last seen."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime


class Health(StrEnum):
    """Health of one service."""

    UNKNOWN = "unknown"
    SERVING = "serving"
    NOT_SERVING = "not_serving"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one look at a service found."""

    health: Health
    """Its health."""
    detail: str = ""
    """What it said, or why it did not; empty if all is well."""
    latency_seconds: float | None = None
    """How long its answer took; None if it gave none."""


@dataclass(frozen=True, slots=True)
class HealthEntry:
    """Health of one service over time."""

    service: str
    """Name of the service or store."""
    finding: Finding = field(default_factory=lambda: Finding(Health.UNKNOWN))
    """What the last look found."""
    checked_at: datetime | None = None
    """When it was last looked at; None before the first look."""
    since: datetime | None = None
    """Since when it is in this health; None before the first look."""

    def seen(self, finding: Finding, now: datetime) -> HealthEntry:
        """Give the entry after a look; `since` moves only when the health changes."""
        is_same = finding.health is self.finding.health and self.since is not None
        return HealthEntry(self.service, finding, now, self.since if is_same else now)


@dataclass(frozen=True, slots=True)
class HealthBoard:
    """Health of all services, in a fixed order."""

    entries: tuple[HealthEntry, ...]
    """One entry per service or store."""

    @property
    def is_healthy(self) -> bool:
        """Whether every service serves."""
        return all(entry.finding.health is Health.SERVING for entry in self.entries)

    def seen(self, findings: Sequence[Finding], now: datetime) -> HealthBoard:
        """Give the board after a look at all services, in the order of the entries."""
        pairs = zip(self.entries, findings, strict=True)
        return HealthBoard(tuple(entry.seen(finding, now) for entry, finding in pairs))
