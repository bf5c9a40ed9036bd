"""The bounded queue before the store: never waits, never loses count."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from shelfcast_monitoring.application import take_in_telemetry
from shelfcast_monitoring.application.take_in_telemetry import Intake, Parcel, QueueLimits
from shelfcast_monitoring.errors import StoreRefused
from shelfcast_monitoring.ports import DropReason, Signal
from shelfcast_servicekit.errors import UpstreamUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence


class FakeMeter:
    """Adds up what it is told."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.depth = 0

    def received(self, signal: Signal, count: int) -> None:
        self.counts["received"] += count

    def stored(self, signal: Signal, count: int) -> None:
        self.counts["stored"] += count

    def dropped(self, signal: Signal, reason: DropReason, count: int) -> None:
        self.counts[reason.value] += count

    def queued(self, signal: Signal, count: int) -> None:
        self.depth = count


class FakeStore:
    """Keeps what it gets, or is away, or refuses, as the test says."""

    def __init__(self) -> None:
        self.kept: list[str] = []
        self.writes = 0
        self.failures: list[Exception] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def add(self, unwrap: Callable[[], Sequence[str]]) -> int:
        self.writes += 1
        await self.gate.wait()
        if self.failures:
            raise self.failures.pop(0)
        items = unwrap()
        self.kept += items
        return len(items)


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(take_in_telemetry, "LINGER_SECONDS", 0.0)
    monkeypatch.setattr(take_in_telemetry, "FIRST_PAUSE_SECONDS", 0.001)


def parcel(*items: str, size_bytes: int = 10) -> Parcel[str]:
    return Parcel(len(items), size_bytes, lambda: items)


def make(store: FakeStore, meter: FakeMeter, limits: QueueLimits = QueueLimits()) -> Intake[str]:  # noqa: B008 - frozen
    return Intake(Signal.SPANS, store.add, meter, limits)


@contextlib.asynccontextmanager
async def running(intake: Intake[str]) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(intake.run())
    yield task
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not holds():
            await asyncio.sleep(0.001)


async def test_what_is_offered_is_stored_in_order() -> None:
    store, meter = FakeStore(), FakeMeter()
    intake = make(store, meter)

    async with running(intake):
        assert intake.offer(parcel("a", "b"))
        assert intake.offer(parcel("c"))
        await until(lambda: intake.waiting == 0)

    assert store.kept == ["a", "b", "c"]
    assert store.writes == 1
    assert meter.counts == {"stored": 3}
    assert meter.depth == 0


async def test_a_full_queue_drops_at_once_and_counts() -> None:
    store, meter = FakeStore(), FakeMeter()
    intake = make(store, meter, QueueLimits(items=3, size_bytes=1000))

    assert intake.offer(parcel("a", "b", "c"))
    assert not intake.offer(parcel("d", "e"))

    assert meter.counts == {"queue_full": 2}
    assert meter.depth == 3


async def test_a_queue_is_full_by_bytes_too() -> None:
    intake = make(FakeStore(), FakeMeter(), QueueLimits(items=1000, size_bytes=100))

    assert intake.offer(parcel("a", size_bytes=90))
    assert not intake.offer(parcel("b", size_bytes=20))
    assert intake.offer(parcel("c", size_bytes=10))


async def test_there_is_room_again_after_a_write(caplog: pytest.LogCaptureFixture) -> None:
    intake = make(FakeStore(), FakeMeter(), QueueLimits(items=1, size_bytes=1000))
    intake.offer(parcel("a"))
    for _ in range(5):
        intake.offer(parcel("b"))

    async with running(intake):
        await until(lambda: intake.waiting == 0)
        assert intake.offer(parcel("c"))
        await until(lambda: intake.waiting == 0)

    assert [record.getMessage() for record in caplog.records] == [
        "the queue of spans is full",
        "the queue of spans has room again",
    ]


async def test_a_store_that_is_away_gets_everything_when_it_is_back() -> None:
    store, meter = FakeStore(), FakeMeter()
    store.failures = [UpstreamUnavailable(service="database") for _ in range(3)]
    intake = make(store, meter)

    async with running(intake):
        intake.offer(parcel("a"))
        await until(lambda: intake.waiting == 0)

    assert store.kept == ["a"]
    assert store.writes == 4


async def test_what_the_store_refuses_is_dropped_and_the_next_goes_on() -> None:
    store, meter = FakeStore(), FakeMeter()
    store.failures = [StoreRefused()]
    intake = make(store, meter)

    async with running(intake):
        intake.offer(parcel("poison"))
        await until(lambda: intake.waiting == 0)
        intake.offer(parcel("good"))
        await until(lambda: intake.waiting == 0)

    assert store.kept == ["good"]
    assert meter.counts == {"store_refused": 1, "stored": 1}


async def test_a_write_takes_a_bounded_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(take_in_telemetry, "MOST_A_WRITE", 3)
    store = FakeStore()
    intake = make(store, FakeMeter())
    for item in "abcdefg":
        intake.offer(parcel(item))

    async with running(intake):
        await until(lambda: intake.waiting == 0)

    assert store.writes == 3
    assert store.kept == list("abcdefg")


async def test_what_waits_at_the_end_is_flushed() -> None:
    store = FakeStore()
    intake = make(store, FakeMeter())
    intake.offer(parcel("a"))

    await intake.flush(1.0)

    assert store.kept == ["a"]


async def test_a_write_under_way_at_the_end_is_not_repeated() -> None:
    store = FakeStore()
    store.gate.clear()
    intake = make(store, FakeMeter())
    async with running(intake):
        intake.offer(parcel("a"))
        await until(lambda: store.writes == 1)
    intake.offer(parcel("b"))

    flushing = asyncio.create_task(intake.flush(5.0))
    await asyncio.sleep(0.01)
    store.gate.set()
    await flushing

    assert store.kept == ["a", "b"]


async def test_what_cannot_be_flushed_in_time_is_counted() -> None:
    store, meter = FakeStore(), FakeMeter()
    store.gate.clear()
    intake = make(store, meter)
    intake.offer(parcel("a", "b"))

    await intake.flush(0.01)
    store.gate.set()

    assert meter.counts == {"stopping": 2}
