"""The watchdog: a worker that takes nothing while jobs wait is ended, and no other."""

from __future__ import annotations

import threading
import time
from typing import cast

import pytest
from shelfcast_servicekit.errors import UpstreamUnavailable
from shelfcast_servicekit.jobs.runner import JobRunner
from shelfcast_servicekit.jobs.store import JobLedger
from shelfcast_servicekit.jobs.watchdog import Watchdog


class FakeLedger:
    """Says how long the oldest job has waited."""

    def __init__(self, waited: float) -> None:
        self.waited = waited
        self.is_away = False

    def oldest_wait_seconds(self) -> float:
        if self.is_away:
            raise UpstreamUnavailable(service="database")
        return self.waited


class FakeRunner:
    """Says how many jobs run."""

    def __init__(self, running: int = 0) -> None:
        self.running_count = running


def watchdog(ledger: FakeLedger, runner: FakeRunner, ended: threading.Event | None = None) -> Watchdog:
    end = (ended or threading.Event()).set
    return Watchdog(cast("JobLedger", ledger), cast("JobRunner", runner), stall_seconds=0.1, end=end)


def test_an_idle_worker_beside_waiting_jobs_is_ended() -> None:
    ended = threading.Event()
    dog = watchdog(FakeLedger(60.0), FakeRunner(), ended)

    dog.start()

    assert ended.wait(2.0)


@pytest.mark.parametrize(("waited", "running"), [(0.0, 0), (0.05, 0), (60.0, 1)])
def test_a_worker_without_waiting_jobs_or_with_work_lives(waited: float, running: int) -> None:
    dog = watchdog(FakeLedger(waited), FakeRunner(running))
    time.sleep(0.15)

    assert not dog.is_stalled()


def test_a_database_that_is_away_is_no_stall() -> None:
    ledger = FakeLedger(60.0)
    ledger.is_away = True
    dog = watchdog(ledger, FakeRunner())
    time.sleep(0.15)

    assert not dog.is_stalled()
    ledger.is_away = False
    assert not dog.is_stalled()
    time.sleep(0.15)
    assert dog.is_stalled()


def test_a_stopped_watchdog_ends_nobody() -> None:
    ended = threading.Event()
    dog = watchdog(FakeLedger(60.0), FakeRunner(), ended)
    dog.start()
    dog.stop()

    assert not ended.wait(0.4)
