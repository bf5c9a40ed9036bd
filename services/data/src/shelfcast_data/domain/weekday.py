"""Days of the week."""

from __future__ import annotations

from enum import IntEnum


class Weekday(IntEnum):
    """A day of the week, numbered as by ISO 8601."""

    MONDAY = 1
    TUESDAY = 2
    WEDNESDAY = 3
    THURSDAY = 4
    FRIDAY = 5
    SATURDAY = 6
    SUNDAY = 7
