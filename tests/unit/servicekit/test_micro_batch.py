from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Sequence

import pytest
from shelfcast_servicekit.micro_batch import BatchQueueFull, MicroBatcher


class Doubler:
    """Doubles numbers, holds each batch until let go, and remembers the batches."""

    def __init__(self) -> None:
        self.batches: list[tuple[str, list[int]]] = []
        self.go = asyncio.Event()

    async def __call__(self, key: str, items: Sequence[int]) -> Sequence[int]:
        self.batches.append((key, list(items)))
        await self.go.wait()
        if -1 in items:
            raise ValueError("no negatives")
        return [2 * item for item in items]


async def test_what_waits_meanwhile_is_computed_together_by_key() -> None:
    compute = Doubler()
    batcher = MicroBatcher(compute)
    tasks = [asyncio.create_task(batcher.run("milk", 1))]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    tasks += [asyncio.create_task(batcher.run(key, n)) for key, n in (("milk", 2), ("oats", 3), ("milk", 4))]
    await asyncio.sleep(0)
    compute.go.set()

    assert await asyncio.gather(*tasks) == [2, 4, 6, 8]
    assert compute.batches == [("milk", [1]), ("milk", [2, 4]), ("oats", [3])]


async def test_a_batch_is_bounded() -> None:
    compute = Doubler()
    compute.go.set()
    batcher = MicroBatcher(compute, most_in_batch=2)

    await asyncio.gather(*(batcher.run("milk", n) for n in range(5)))

    assert [len(items) for _, items in compute.batches] == [2, 2, 1]


async def test_a_full_queue_refuses_at_once() -> None:
    compute = Doubler()
    batcher = MicroBatcher(compute, most_waiting=1)
    first = asyncio.create_task(batcher.run("milk", 1))
    await asyncio.sleep(0)

    with pytest.raises(BatchQueueFull):
        await batcher.run("milk", 2)

    compute.go.set()
    assert await first == 2


async def test_the_expired_and_the_cancelled_are_not_computed() -> None:
    clock = [0.0]
    compute = Doubler()
    batcher = MicroBatcher(compute, now=lambda: clock[0])
    first = asyncio.create_task(batcher.run("milk", 1))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    late = asyncio.create_task(batcher.run("milk", 2, seconds=1.0))
    gone = asyncio.create_task(batcher.run("milk", 3))
    await asyncio.sleep(0)
    gone.cancel()
    clock[0] = 2.0
    compute.go.set()

    with pytest.raises(TimeoutError):
        await late
    assert await first == 2
    assert compute.batches == [("milk", [1])]


async def test_an_error_reaches_each_of_its_batch_and_the_next_batch_is_served() -> None:
    compute = Doubler()
    compute.go.set()
    batcher = MicroBatcher(compute, most_in_batch=2)

    results = await asyncio.gather(*(batcher.run("milk", n) for n in (-1, 1, 2)), return_exceptions=True)

    assert [type(result) for result in results] == [ValueError, ValueError, int]


async def test_keys_are_served_side_by_side_but_never_one_of_them_twice_at_once() -> None:
    compute = Doubler()
    batcher = MicroBatcher(compute, batches_at_once=2)
    tasks = [asyncio.create_task(batcher.run("milk", 1))]
    await asyncio.sleep(0.01)
    tasks += [asyncio.create_task(batcher.run(key, n)) for key, n in (("milk", 2), ("oats", 3), ("rye", 4))]
    await asyncio.sleep(0.01)
    begun = [key for key, _ in compute.batches]
    compute.go.set()

    assert await asyncio.gather(*tasks) == [2, 4, 6, 8]
    assert begun == ["milk", "oats"]


async def test_a_batch_runs_in_the_context_of_its_oldest_item() -> None:
    name: contextvars.ContextVar[str] = contextvars.ContextVar("name", default="")

    async def tell(_: str, items: Sequence[int]) -> Sequence[str]:
        return [name.get()] * len(items)

    batcher = MicroBatcher(tell)

    async def ask(who: str) -> str:
        name.set(who)
        return await batcher.run("milk", 1)

    assert [*await asyncio.gather(ask("first"), ask("second"))] == ["first", "first"]
    assert await ask("third") == "third"


async def test_after_a_shared_batch_company_is_waited_for_and_after_a_lone_item_not() -> None:
    compute = Doubler()
    compute.go.set()
    batcher = MicroBatcher(compute, gather_seconds=0.5)

    await batcher.run("milk", 1)
    await asyncio.gather(*(batcher.run("milk", n) for n in (2, 3)))
    waiting = asyncio.create_task(batcher.run("milk", 4))
    await batcher.run("oats", 9)
    await asyncio.gather(waiting, batcher.run("milk", 5))

    assert compute.batches == [("milk", [1]), ("milk", [2, 3]), ("oats", [9]), ("milk", [4, 5])]
