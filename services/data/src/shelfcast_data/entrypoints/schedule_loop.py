"""The loop that looks whose schedule asks for a run; each process of the service has one."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from shelfcast_servicekit.errors import ShelfcastError

if TYPE_CHECKING:
    from shelfcast_data.application.run_source import SourceRuns

LOOK_EVERY_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class ScheduleLoop:
    """Fires schedules until it is cancelled; pass `run` to `serve` as background work."""

    runs: SourceRuns
    every_seconds: float = LOOK_EVERY_SECONDS
    """Seconds from one look to the next."""

    async def run(self) -> None:
        """Look again and again; while the database is away nothing is lost, only late."""
        while True:
            with suppress(ShelfcastError):
                await self.runs.fire()
            await asyncio.sleep(self.every_seconds)
