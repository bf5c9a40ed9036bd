"""Public holidays as the library `holidays` computes them."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import holidays

from shelfcast_data.domain.holiday import Holiday
from shelfcast_data.errors import HolidaysUnknown

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_KEPT = 512


class CountryHolidays:
    """The public holidays of the countries that the library knows."""

    def of_year(self, country_code: str, subdivision_code: str | None, year: int) -> Sequence[Holiday]:
        """Give the holidays of a year in the order of their dates. Raises: HolidaysUnknown."""
        return _of_year(country_code, subdivision_code or None, year)


@lru_cache(MOST_KEPT)
def _of_year(country_code: str, subdivision_code: str | None, year: int) -> tuple[Holiday, ...]:
    known = holidays.list_supported_countries()
    if country_code not in known:
        raise HolidaysUnknown(place=country_code[:16])
    if subdivision_code is not None and subdivision_code not in known[country_code]:
        raise HolidaysUnknown(place=f"{country_code}-{subdivision_code[:32]}")
    found = holidays.country_holidays(country_code, subdiv=subdivision_code, years=year)
    return tuple(sorted(Holiday(day, name) for day in found for name in found.get_list(day)))
