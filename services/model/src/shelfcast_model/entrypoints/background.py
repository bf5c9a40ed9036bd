"""What the service does by itself: taking up new champions."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from shelfcast_servicekit.deadline import deadline_within
from shelfcast_servicekit.errors import ShelfcastError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from shelfcast_model.application.model_shelf import ModelShelf

_LOG: Final = logging.getLogger(__name__)


async def warm_champions(shelf: ModelShelf) -> None:
    """Load and warm up the champions; a database that is away leaves them to the background."""
    with deadline_within(None):
        try:
            await shelf.refresh()
        except ShelfcastError as error:
            _LOG.warning("champions cannot be looked up now: %r", error)


def keep_champions_fresh(shelf: ModelShelf, every_seconds: float) -> Callable[[], Awaitable[None]]:
    """Give the endless coroutine that takes up new champions within `every_seconds` of their promotion."""

    async def run() -> None:
        while True:
            await asyncio.sleep(every_seconds)
            await warm_champions(shelf)

    return run
