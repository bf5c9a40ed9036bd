"""What the receiver does, as Prometheus metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge

if TYPE_CHECKING:
    from shelfcast_monitoring.ports import DropReason, Signal

PREFIX: Final = "monitoring_telemetry"


class PrometheusMeter:
    """Counts spans, log records and metrics by signal."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        """Register the metrics; once per registry."""
        signal = ("signal",)
        self._received = Counter(f"{PREFIX}_received", "Items that senders sent.", signal, registry=registry)
        self._stored = Counter(
            f"{PREFIX}_stored", "Items stored for the first time.", signal, registry=registry
        )
        self._dropped = Counter(
            f"{PREFIX}_dropped", "Items that were not stored.", ("signal", "reason"), registry=registry
        )
        self._queued = Gauge(
            f"{PREFIX}_queue_depth", "Items waiting for the store.", signal, registry=registry
        )

    def received(self, signal: Signal, count: int) -> None:
        """Count what senders sent."""
        self._received.labels(signal.value).inc(count)

    def stored(self, signal: Signal, count: int) -> None:
        """Count what was stored."""
        self._stored.labels(signal.value).inc(count)

    def dropped(self, signal: Signal, reason: DropReason, count: int) -> None:
        """Count what was not."""
        self._dropped.labels(signal.value, reason.value).inc(count)

    def queued(self, signal: Signal, count: int) -> None:
        """Say how much waits now."""
        self._queued.labels(signal.value).set(count)
