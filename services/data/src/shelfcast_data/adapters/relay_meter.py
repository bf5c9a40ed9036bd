"""What operators see of the outbox."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge

_PENDING: Final = Gauge("outbox_unpublished", "Events that wait for the relay.")
_OLDEST: Final = Gauge(
    "outbox_oldest_unpublished_seconds", "Age of the oldest event that waits; 0 if none does."
)
_DEAD: Final = Gauge("outbox_dead_letters", "Events that could not be put into a message.")
_PUBLISHED: Final = Counter("outbox_published_total", "Events that this process put into the stream.")
_FAILED: Final = Counter(
    "outbox_failures_total", "Rounds that failed and events that were refused.", ("reason",)
)


class RelayMeter:
    """Counts in Prometheus."""

    def published(self, count: int) -> None:
        """Count events that were put into the stream."""
        _PUBLISHED.inc(count)

    def failed(self, reason: str) -> None:
        """Count a round that failed, or an event that cannot be put into a message."""
        _FAILED.labels(reason).inc()

    def backlog(self, pending_count: int, oldest_seconds: float, dead_count: int) -> None:
        """Show how far the relay is behind."""
        _PENDING.set(pending_count)
        _OLDEST.set(oldest_seconds)
        _DEAD.set(dead_count)
