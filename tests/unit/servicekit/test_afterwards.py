"""What follows a reply is done, and its errors are told."""

from __future__ import annotations

import asyncio

import pytest
from shelfcast_servicekit.afterwards import Afterwards


async def test_what_was_begun_is_done() -> None:
    afterwards, done = Afterwards(), list[int]()

    async def work(number: int) -> None:
        await asyncio.sleep(0)
        done.append(number)
        if number < 3:
            afterwards.begin(work(number + 1))

    afterwards.begin(work(1))
    assert done == []
    await afterwards.done()

    assert done == [1, 2, 3]


async def test_an_error_is_told_and_holds_up_nothing(caplog: pytest.LogCaptureFixture) -> None:
    afterwards = Afterwards()

    async def work() -> None:
        raise ValueError("no room")

    afterwards.begin(work())
    await afterwards.done()

    assert "no room" in caplog.text
