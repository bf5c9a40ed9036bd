"""Watch the health of all services, so that reading the board asks nobody."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from shelfcast_monitoring.domain.health import Finding, Health, HealthBoard, HealthEntry

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shelfcast_monitoring.ports import Probe


def _utc_now() -> datetime:
    return datetime.now(UTC)


class WatchHealth:
    """Looks at every service at once, every few seconds, and keeps what it saw."""

    def __init__(
        self, probes: Sequence[Probe], timeout_seconds: float, *, now: Callable[[], datetime] = _utc_now
    ) -> None:
        """Look through `probes`, in this order on the board, each within the timeout."""
        self._probes = tuple(probes)
        self._timeout_seconds = timeout_seconds
        self._now = now
        self._board = HealthBoard(tuple(HealthEntry(probe.service) for probe in self._probes))

    @property
    def board(self) -> HealthBoard:
        """The board as last seen."""
        return self._board

    async def look(self) -> HealthBoard:
        """Look at all services now and give the board."""
        findings = await asyncio.gather(*(self._ask(probe) for probe in self._probes))
        self._board = self._board.seen(findings, self._now())
        return self._board

    async def _ask(self, probe: Probe) -> Finding:
        """Give what a probe finds in time; the latency is that of an answer."""
        began = time.perf_counter()
        try:
            async with asyncio.timeout(self._timeout_seconds):
                finding = await probe.look(self._timeout_seconds)
        except TimeoutError:
            return Finding(Health.UNREACHABLE, f"no answer within {self._timeout_seconds:g} s")
        if finding.health is Health.UNREACHABLE:
            return finding
        return replace(finding, latency_seconds=time.perf_counter() - began)

    async def run(self, every_seconds: float) -> None:
        """Look again and again until cancelled; a background task of the service."""
        while True:
            await self.look()
            await asyncio.sleep(every_seconds)
