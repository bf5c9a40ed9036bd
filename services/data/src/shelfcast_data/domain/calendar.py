"""Business dates and the periods that they fall into."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from enum import Enum
from typing import Final

FIRST_DATE: Final = date(1900, 1, 1)
LAST_DATE: Final = date(2199, 12, 31)

_FORM: Final = re.compile(r"(\d{4}-\d{2}-\d{2})([T ]\d{2}:\d{2}(:\d{2}([.,]\d{1,9})?)?)?", re.ASCII)


class Granularity(Enum):
    """Length of the periods of a history."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


def date_fault(text: str) -> str | None:
    """Name the rule that a text breaks as a business date: `form`, `calendar` or `range`; None if good.

    >>> date_fault("2017-02-30")
    'calendar'
    """
    match = _FORM.fullmatch(text)
    if match is None:
        return "form"
    try:
        day = datetime.fromisoformat(text.replace(",", ".")).date()
    except ValueError:
        return "calendar"
    return None if FIRST_DATE <= day <= LAST_DATE else "range"


def date_of(text: str) -> date:
    """Give the business date of a text that has no fault.

    >>> date_of("2017-02-28 00:00:00")
    datetime.date(2017, 2, 28)
    """
    return date.fromisoformat(text[:10])


def first_of_period(day: date, granularity: Granularity) -> date:
    """Give the first day of the period that a day falls into; weeks begin on Monday.

    >>> first_of_period(date(2017, 9, 30), Granularity.WEEK)
    datetime.date(2017, 9, 25)
    """
    if granularity is Granularity.WEEK:
        return day - timedelta(days=day.weekday())
    if granularity is Granularity.MONTH:
        return day.replace(day=1)
    return day


def last_of_period(day: date, granularity: Granularity) -> date:
    """Give the last day of the period that a day falls into.

    >>> last_of_period(date(2017, 9, 27), Granularity.WEEK)
    datetime.date(2017, 10, 1)
    >>> last_of_period(date(2016, 2, 1), Granularity.MONTH)
    datetime.date(2016, 2, 29)
    """
    first = first_of_period(day, granularity)
    if granularity is Granularity.WEEK:
        return first + timedelta(days=6)
    if granularity is Granularity.MONTH:
        return first_of_period(first + timedelta(days=31), granularity) - timedelta(days=1)
    return first
