"""The bounded executor: context goes along, the queue ends, a cancelled waiter harms nobody."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest
from shelfcast_servicekit.auth import Caller, calling_as, current_caller
from shelfcast_servicekit.errors import EtagMismatch, UpstreamUnavailable
from shelfcast_servicekit.executor import BlockingExecutor


@pytest.fixture
def executor() -> Iterator[BlockingExecutor]:
    executor = BlockingExecutor("test", threads=1, queue_limit=2)
    yield executor
    executor.close()


async def test_the_caller_goes_along(executor: BlockingExecutor) -> None:
    with calling_as(Caller("grocer", "me", frozenset())):
        assert (await executor.run(current_caller)).tenant == "grocer"


async def test_arguments_results_and_errors_pass(executor: BlockingExecutor) -> None:
    def fail() -> None:
        raise EtagMismatch

    assert await executor.run(int, "ff", base=16) == 255
    with pytest.raises(EtagMismatch):
        await executor.run(fail)


async def test_a_full_queue_refuses_at_once(executor: BlockingExecutor) -> None:
    gate = threading.Event()
    waiting = [asyncio.create_task(executor.run(gate.wait, 5)) for _ in range(3)]
    await asyncio.sleep(0.01)

    with pytest.raises(UpstreamUnavailable) as caught:
        await executor.run(gate.wait, 5)
    gate.set()
    await asyncio.gather(*waiting)

    assert caught.value.retry_after_seconds == 1.0
    assert await executor.run(int, "1") == 1


async def test_a_cancelled_waiter_leaves_its_thread_counted(executor: BlockingExecutor) -> None:
    gate = threading.Event()
    task = asyncio.create_task(executor.run(gate.wait, 5))
    await asyncio.sleep(0.01)

    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    during = executor.in_flight
    gate.set()
    await executor.run(int, "1")

    assert (during, executor.in_flight) == (1, 0)
