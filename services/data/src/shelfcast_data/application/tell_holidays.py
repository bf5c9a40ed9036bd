"""Tell the public holidays of a place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shelfcast_servicekit.executor import BlockingExecutor

from shelfcast_data.domain.holiday import Holiday
from shelfcast_data.ports.catalogue import Holidays


@dataclass(frozen=True, slots=True)
class HolidayCalendar:
    """The public holidays of all countries."""

    holidays: Holidays
    executor: BlockingExecutor

    async def of_year(self, country_code: str, subdivision_code: str | None, year: int) -> Sequence[Holiday]:
        """Give the holidays of a year in the order of their dates. Raises: HolidaysUnknown."""
        return await self.executor.run(self.holidays.of_year, country_code, subdivision_code, year)
