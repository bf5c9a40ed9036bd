"""When a source is read by itself: every so many minutes, or once a day."""

from __future__ import annotations

import re
import zoneinfo
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Final

MOST_MINUTES: Final = 7 * 24 * 60
TIME_OF_DAY: Final = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class RunSchedule:
    """The times of a source's runs."""

    every_minutes: int | None = None
    """Minutes from one run to the next, counted from 1970 on, so that all processes mean the same times."""
    daily_at: str | None = None
    """Time of each day's run, `HH:MM`."""
    time_zone: str = ""
    """IANA time zone of `daily_at`; empty means UTC."""

    def next_after(self, now: datetime) -> datetime | None:
        """Give the first time after `now`; None without a schedule.

        A time of day that a clock change skips is meant as the moment so long after the last midnight.
        """
        if self.every_minutes is not None:
            step = timedelta(minutes=self.every_minutes)
            return _EPOCH + ((now - _EPOCH) // step + 1) * step
        return None if self.daily_at is None else self._next_day(self.daily_at, now)

    def _next_day(self, daily_at: str, now: datetime) -> datetime:
        zone = zoneinfo.ZoneInfo(self.time_zone or "UTC")
        day, at = now.astimezone(zone).date(), time.fromisoformat(daily_at)
        found = datetime.combine(day, at, zone).astimezone(UTC)
        while found <= now:
            day += timedelta(days=1)
            found = datetime.combine(day, at, zone).astimezone(UTC)
        return found
