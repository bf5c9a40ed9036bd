"""The health board: what changes and what stays."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from shelfcast_monitoring.application.watch_health import WatchHealth
from shelfcast_monitoring.domain.health import Finding, Health, HealthBoard, HealthEntry

if TYPE_CHECKING:
    from collections.abc import Sequence

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SERVING = Finding(Health.SERVING)
GONE = Finding(Health.UNREACHABLE, "gRPC UNAVAILABLE")


class FakeProbe:
    """Finds what the test says, in order; the last for ever."""

    def __init__(self, service: str, findings: Sequence[Finding], takes_seconds: float = 0.0) -> None:
        self.service = service
        self._findings = list(findings)
        self._takes_seconds = takes_seconds
        self.looks = 0

    async def look(self, timeout_seconds: float) -> Finding:
        self.looks += 1
        await asyncio.sleep(self._takes_seconds)
        return self._findings.pop(0) if len(self._findings) > 1 else self._findings[0]


def test_since_moves_only_when_the_health_changes() -> None:
    entry = HealthEntry("data")

    times = [entry.since]
    for minute, finding in enumerate((SERVING, SERVING, GONE, SERVING)):
        entry = entry.seen(finding, NOON + timedelta(minutes=minute))
        times.append(entry.since)

    assert times == [None, NOON, NOON, NOON + timedelta(minutes=2), NOON + timedelta(minutes=3)]
    assert entry.checked_at == NOON + timedelta(minutes=3)


def test_a_board_that_was_never_looked_at_is_not_healthy() -> None:
    assert not HealthBoard((HealthEntry("data"),)).is_healthy


def test_one_absent_service_makes_the_board_unhealthy() -> None:
    board = HealthBoard((HealthEntry("data"), HealthEntry("redis")))

    assert board.seen([SERVING, SERVING], NOON).is_healthy
    assert not board.seen([SERVING, GONE], NOON).is_healthy


async def test_the_board_keeps_the_order_of_its_probes() -> None:
    probes = [
        FakeProbe("api-gateway", [SERVING], 0.02),
        FakeProbe("data", [GONE]),
        FakeProbe("redis", [SERVING]),
    ]
    watch = WatchHealth(probes, 1.0, now=lambda: NOON)

    board = await watch.look()

    assert [entry.service for entry in board.entries] == ["api-gateway", "data", "redis"]
    assert [entry.finding.health.value for entry in board.entries] == ["serving", "unreachable", "serving"]
    assert watch.board is board


async def test_an_answer_has_a_latency_and_silence_has_none() -> None:
    watch = WatchHealth([FakeProbe("data", [SERVING], 0.02), FakeProbe("model", [GONE])], 1.0)

    data, model = (await watch.look()).entries

    assert data.finding.latency_seconds is not None
    assert data.finding.latency_seconds > 0.01
    assert model.finding.latency_seconds is None


async def test_a_silent_service_holds_up_nobody() -> None:
    silent, quick = FakeProbe("model", [SERVING], 30.0), FakeProbe("data", [SERVING])
    watch = WatchHealth([silent, quick], 0.05)

    board = await watch.look()

    assert board.entries[0].finding == Finding(Health.UNREACHABLE, "no answer within 0.05 s")
    assert board.entries[1].finding.health is Health.SERVING


async def test_the_watch_looks_again_and_again() -> None:
    probe = FakeProbe("data", [SERVING, GONE])
    watch = WatchHealth([probe], 1.0)

    task = asyncio.create_task(watch.run(0.01))
    while probe.looks < 3:
        await asyncio.sleep(0.005)
    task.cancel()

    assert watch.board.entries[0].finding.health is Health.UNREACHABLE
