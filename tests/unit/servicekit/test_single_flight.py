"""One computation per key, whoever asks and whoever goes away; the breaker as a state machine."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shelfcast_servicekit.cache import Breaker, SingleFlight
from shelfcast_servicekit.errors import EtagMismatch


class Oven:
    """Counts what it bakes."""

    def __init__(self) -> None:
        self.count = 0

    async def bake(self) -> int:
        self.count += 1
        await asyncio.sleep(0.02)
        return self.count

    async def burn(self) -> int:
        self.count += 1
        await asyncio.sleep(0.01)
        raise EtagMismatch


async def test_all_who_wait_share_one_computation() -> None:
    flight: SingleFlight[str, int] = SingleFlight()
    oven = Oven()

    results = await asyncio.gather(*(flight.run("oat", oven.bake) for _ in range(20)))

    assert (set(results), oven.count, flight.coalesced_count) == ({1}, 1, 19)


async def test_keys_do_not_wait_for_each_other() -> None:
    flight: SingleFlight[str, int] = SingleFlight()
    oven = Oven()

    await asyncio.gather(flight.run("oat", oven.bake), flight.run("rye", oven.bake))

    assert oven.count == 2


async def test_a_later_call_computes_again() -> None:
    flight: SingleFlight[str, int] = SingleFlight()
    oven = Oven()

    assert [await flight.run("oat", oven.bake) for _ in range(2)] == [1, 2]


async def test_a_cancelled_waiter_cancels_nobody() -> None:
    flight: SingleFlight[str, int] = SingleFlight()
    oven = Oven()
    first = asyncio.create_task(flight.run("oat", oven.bake))
    second = asyncio.create_task(flight.run("oat", oven.bake))
    await asyncio.sleep(0.005)

    first.cancel()

    assert await second == 1
    assert first.cancelled()


async def test_an_error_reaches_every_waiter_and_is_not_kept() -> None:
    flight: SingleFlight[str, int] = SingleFlight()
    oven = Oven()

    results = await asyncio.gather(*(flight.run("oat", oven.burn) for _ in range(3)), return_exceptions=True)

    assert all(isinstance(result, EtagMismatch) for result in results)
    assert await flight.run("oat", oven.bake) == 2


async def test_an_error_that_nobody_waits_for_is_quiet() -> None:
    flight: SingleFlight[str, int] = SingleFlight()
    task = asyncio.create_task(flight.run("oat", Oven().burn))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    await asyncio.sleep(0.03)


@given(st.lists(st.sampled_from(["ok", "fail", "wait"]), max_size=40))
def test_the_breaker_opens_after_failures_in_a_row_and_probes_once_per_period(events: list[str]) -> None:
    now = [0.0]
    breaker = Breaker(3, 10.0, now=lambda: now[0])
    in_a_row, retry_at, is_open = 0, 0.0, False
    for event in events:
        if event == "wait":
            now[0] += 4.0
            continue
        admitted = breaker.admits()
        assert admitted == (not is_open or now[0] >= retry_at)
        if not admitted:
            continue
        if is_open:
            retry_at = now[0] + 10.0
        if event == "ok":
            breaker.succeeded()
            in_a_row, is_open = 0, False
        else:
            breaker.failed()
            in_a_row += 1
            if in_a_row >= 3:
                is_open, retry_at = True, now[0] + 10.0
        assert breaker.is_open == is_open
