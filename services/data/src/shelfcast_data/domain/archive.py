"""Months of sales that were moved out of the database into files."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

EPOCH: Final = date(1970, 1, 1)
"""Day 0 of columns of days."""


class ArchiveState(StrEnum):
    """Where the rows of an archived month are."""

    WRITTEN = "written"
    """In the file, and some of them still in the database."""
    ARCHIVED = "archived"
    """In the file."""
    RESTORING = "restoring"
    """In the file, and some of them in the database again."""


@dataclass(frozen=True, slots=True)
class ArchivedMonth:
    """All row versions of a tenant's month, as an immutable Parquet file."""

    month: date
    """First day of the month."""
    digest: str
    """SHA-256 of the file, lower-case hex."""
    store_path: str
    """Where the file lies, relative to the store's root."""
    row_count: int
    """Row versions in the file."""
    first_load_no: int
    """Least number of a load in the file."""
    last_load_no: int
    """Greatest number of a load in the file."""
    version_number: int
    """Version by which all loads in the file were published."""
    state: ArchiveState
    """Where the rows are."""

    @property
    def last_day(self) -> date:
        """Last day of the month."""
        return next_month(self.month) - timedelta(days=1)

    def may_hold(self, loads: frozenset[int]) -> bool:
        """Say whether rows of one of the loads may be in the file."""
        return any(self.first_load_no <= load_no <= self.last_load_no for load_no in loads)


@dataclass(frozen=True, slots=True)
class Archive:
    """What a tenant has archived."""

    before: date | None
    """First day that is not archived, the first of a month; None if nothing is archived."""
    months: tuple[ArchivedMonth, ...] = ()
    """The files, in the order of months; a month without rows has none."""

    def same_files(self, other: Archive) -> bool:
        """Say whether another one names the same files, whatever their states."""
        return (self.before, [each.digest for each in self.months]) == (
            other.before,
            [each.digest for each in other.months],
        )


def month_of(day: date) -> date:
    """Give the first day of a date's month.

    >>> month_of(date(2019, 3, 31))
    datetime.date(2019, 3, 1)
    """
    return day.replace(day=1)


def next_month(month: date) -> date:
    """Give the first day of the next month.

    >>> next_month(date(2019, 12, 1))
    datetime.date(2020, 1, 1)
    """
    return (month.replace(day=28) + timedelta(days=4)).replace(day=1)


def month_named(text: str) -> date:
    """Give the first day of a month, YYYY-MM. Raises: ValueError.

    >>> month_named("2020-01")
    datetime.date(2020, 1, 1)
    """
    return date.fromisoformat(f"{text}-01")


def months_ago(today: date, count: int) -> date:
    """Give the first day of the month so many months before that of a day.

    >>> months_ago(date(2026, 1, 15), 13)
    datetime.date(2024, 12, 1)
    """
    months = today.year * 12 + today.month - 1 - count
    return date(months // 12, months % 12 + 1, 1)
