"""Steps that know the calendars of shops: business days out of times, and days on which a shop was closed."""

from __future__ import annotations

import zoneinfo
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from shelfcast_servicekit.errors import Violation

from shelfcast_data.domain.calendar import date_fault, date_of
from shelfcast_data.domain.decimal_text import number_fault
from shelfcast_data.domain.pipeline_facts import Facts, Need
from shelfcast_data.domain.pipeline_step import StepUnfit, check_there, column_faults, with_column
from shelfcast_data.domain.text_sheet import Cell, Sheet

DATE: Final = "date"
LAST_HOUR: Final = 23
_DATE_LENGTH: Final = 10


@dataclass(frozen=True, slots=True)
class AggregateBusinessDay:
    """Turns a time of sale into the business date of its shop; the rows of a day are added up."""

    timestamp_column: str = ""
    """Column with the time."""
    to: str = ""
    """Column that takes the date; empty means `date`."""
    shop_column: str = ""
    """Column that holds the shop; empty where the import names the shop of all rows."""
    time_zone: str = ""
    """Time zone of shops whose catalogue entry names none; empty means UTC."""
    source_time_zone: str = ""
    """Time zone of times without an offset; empty means that they are local times of the shop."""
    day_ends_at_hour: int = 0
    """Hour of the shop's clock at which a business day ends."""

    def faults(self, at: str) -> list[Violation]:
        """Give all faults that can be told without a file."""
        faults = [
            *column_faults(f"{at}/timestamp_column", self.timestamp_column),
            *column_faults(f"{at}/to", self.to, is_required=False),
            *column_faults(f"{at}/shop_column", self.shop_column, is_required=False),
        ]
        for name in ("time_zone", "source_time_zone"):
            zone = getattr(self, name)
            if zone and zone not in zoneinfo.available_timezones():
                detail = "There is no such IANA time zone; write for instance Europe/Berlin."
                faults.append(Violation(f"{at}/{name}", detail, "time_zone.known"))
        if not 0 <= self.day_ends_at_hour <= LAST_HOUR:
            detail = "The hour is a whole number, 0 to 23."
            faults.append(Violation(f"{at}/day_ends_at_hour", detail, "day_ends_at_hour.range"))
        return faults

    def columns_after(self, names: Sequence[str]) -> Sequence[str]:
        """Give the columns behind this step."""
        check_there(names, self.timestamp_column, self.shop_column)
        return with_column(names, self.to or DATE)

    def needs(self) -> frozenset[Need]:
        """Give what of the catalogue it asks for."""
        return frozenset({Need.SHOPS})

    def apply(self, sheet: Sheet, facts: Facts) -> None:
        """Make the column of dates."""
        shop = [self.shop_column] if self.shop_column else []

        def read(text: str, *shops: str) -> Cell:
            return self.read(text, shops[0] if shops else facts.shop_id, facts)

        sheet.compute([self.timestamp_column, *shop], self.to or DATE, read)

    def read(self, text: str, shop_id: str, facts: Facts) -> Cell:
        """Give the business date of a time; empty stays empty.

        >>> AggregateBusinessDay("at", day_ends_at_hour=4).read("2026-03-01T03:59:00Z", "mitte", Facts()).text
        '2026-02-28'
        """
        bare = text.strip()
        if not bare:
            return Cell("")
        if len(bare) <= _DATE_LENGTH:  # a date has no time of day, so nobody knows its business day
            return Cell(text, "pipeline.timestamp")
        try:
            moment = datetime.fromisoformat(bare)
            if moment.tzinfo is None and self.source_time_zone:
                moment = moment.replace(tzinfo=zoneinfo.ZoneInfo(self.source_time_zone))
            if moment.tzinfo is not None:
                moment = moment.astimezone(facts.zone(shop_id, self.time_zone))
            by_clock = moment.replace(tzinfo=None) - timedelta(hours=self.day_ends_at_hour)
        except (ValueError, OverflowError):
            return Cell(text, "pipeline.timestamp")
        return Cell(by_clock.date().isoformat())


@dataclass(frozen=True, slots=True)
class FillClosedDays:
    """Marks rows of days on which the shop was closed as not available: their 0 is no lack of demand."""

    date_column: str = ""
    """Column with the business date; empty means `date`."""
    quantity_column: str = ""
    """Column with the quantity; empty means `quantity`."""
    shop_column: str = ""
    """Column that holds the shop; empty where the import names the shop of all rows."""
    available_column: str = ""
    """Column that is marked; empty means `was_available`."""

    def faults(self, at: str) -> list[Violation]:
        """Give all faults that can be told without a file."""
        names = ("date_column", "quantity_column", "shop_column", "available_column")
        return [
            fault
            for name in names
            for fault in column_faults(f"{at}/{name}", getattr(self, name), is_required=False)
        ]

    def columns_after(self, names: Sequence[str]) -> Sequence[str]:
        """Give the columns behind this step."""
        check_there(names, self._date, self._quantity, self.shop_column)
        if self._available in {self._date, self._quantity, self.shop_column}:
            raise StepUnfit(f"{self._available!r} is a column that it reads")
        return with_column(names, self._available)

    def needs(self) -> frozenset[Need]:
        """Give what of the catalogue it asks for."""
        return frozenset({Need.SHOPS})

    def apply(self, sheet: Sheet, facts: Facts) -> None:
        """Mark the rows."""
        shop = [self.shop_column] if self.shop_column else []

        def is_closed(day: str, quantity: str, *shops: str) -> bool:
            if date_fault(day.strip()) or _has_sold(quantity):
                return False
            return facts.shop(shops[0] if shops else facts.shop_id).is_closed(date_of(day.strip()))

        rows = sheet.where([self._date, self._quantity, *shop], is_closed)
        sheet.put(self._available, rows, "0", like=self._date)
        sheet.closed_count += int(rows.sum())

    @property
    def _date(self) -> str:
        return self.date_column or DATE

    @property
    def _quantity(self) -> str:
        return self.quantity_column or "quantity"

    @property
    def _available(self) -> str:
        return self.available_column or "was_available"


def _has_sold(quantity: str) -> bool:
    """Say whether a quantity tells that the shop was open, or is for the rules of the field to refuse."""
    bare = quantity.strip()
    return bool(bare) and (bool(number_fault(bare)) or Decimal(bare) != 0)
