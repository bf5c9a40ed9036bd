"""Steps that read numbers and dates which are not written as the rules of a field ask."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from shelfcast_servicekit.errors import Violation

from shelfcast_data.domain.catalogue_entry import length_fault
from shelfcast_data.domain.pipeline_facts import Facts
from shelfcast_data.domain.pipeline_step import CatalogueFree, check_there, column_faults, list_faults
from shelfcast_data.domain.text_sheet import Cell, Sheet

POINT: Final = "."
DECIMAL_SIGNS: Final = (POINT, ",")
GROUP_SIGNS: Final = ("", ".", ",", "'", " ", "_")
LONGEST_AFFIX: Final = 32
_BLANKS: Final = " \u00a0\u202f"
_TIME: Final = re.compile(r"%[-#]?[HIMSfpTXc]")
_SAMPLE: Final = datetime(1987, 12, 24, 18, 5, 9, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class CastNumber(CatalogueFree):
    """Reads numbers written for people."""

    column: str = ""
    """Column that is read; empty cells stay empty."""
    decimal_sign: str = ""
    """Decimal sign; empty means a point."""
    group_sign: str = ""
    """Sign between groups of three digits; empty means none."""
    affix: str = ""
    """Text before or behind the number; empty means none."""

    def faults(self, at: str) -> list[Violation]:
        """Give all faults that can be told without a file."""
        faults = column_faults(f"{at}/column", self.column)
        if (self.decimal_sign or POINT) not in DECIMAL_SIGNS:
            detail = "The decimal sign is a point or a comma."
            faults.append(Violation(f"{at}/decimal_sign", detail, "decimal_sign.known"))
        if self.group_sign not in GROUP_SIGNS:
            detail = "Groups of digits are parted by one of . , ' _ or a blank."
            faults.append(Violation(f"{at}/group_sign", detail, "group_sign.known"))
        elif self.group_sign == (self.decimal_sign or POINT):
            detail = "Groups of digits are not parted by the decimal sign."
            faults.append(Violation(f"{at}/group_sign", detail, "group_sign.decimal"))
        return faults + length_fault(f"{at}/affix", self.affix, LONGEST_AFFIX)

    def columns_after(self, names: Sequence[str]) -> Sequence[str]:
        """Give the columns behind this step."""
        check_there(names, self.column)
        return names

    def apply(self, sheet: Sheet, facts: Facts) -> None:
        """Write the numbers with a point as decimal sign and nothing else."""
        del facts
        sheet.compute([self.column], self.column, self.reader())

    def reader(self) -> Callable[[str], Cell]:
        """Give what reads one cell.

        >>> CastNumber("price", ",", ".", "EUR").reader()("1.234,50 EUR").text
        '1234.50'
        """
        decimal = re.escape(self.decimal_sign or POINT)
        group = f"[{_BLANKS}]" if self.group_sign == " " else re.escape(self.group_sign)
        whole = rf"\d{{1,3}}(?:{group}\d{{3}})+|\d{{1,40}}" if self.group_sign else r"\d{1,40}"
        form = re.compile(rf"([+-]?)[{_BLANKS}]*((?:{whole})?)(?:{decimal}(\d{{0,80}}))?", re.ASCII)
        affix = self.affix.lower()

        def read(text: str) -> Cell:
            bare = text.strip()
            if affix and bare.lower().endswith(affix):
                bare = bare[: -len(affix)].rstrip()
            elif affix and bare.lower().startswith(affix):
                bare = bare[len(affix) :].lstrip()
            if not bare:
                return Cell("") if not text.strip() else Cell(text, "pipeline.number")
            match = form.fullmatch(bare)
            if match is None or not (match[2] or match[3]):
                return Cell(text, "pipeline.number")
            digits = re.sub(r"[^0-9]", "", match[2]) or "0"
            return Cell(f"{match[1]}{digits}" + (f".{match[3]}" if match[3] else ""))

        return read


@dataclass(frozen=True, slots=True)
class CastDate(CatalogueFree):
    """Reads dates and times of stated forms."""

    column: str = ""
    """Column that is read; empty cells stay empty."""
    forms: tuple[str, ...] = ()
    """Forms in the notation of strptime; the first that fits counts."""

    def faults(self, at: str) -> list[Violation]:
        """Give all faults that can be told without a file."""
        faults = column_faults(f"{at}/column", self.column) + list_faults(f"{at}/forms", self.forms)
        for place, form in enumerate(self.forms):
            if not _tells_a_day(form):
                detail = "The form does not tell year, month and day; write for instance %d.%m.%Y."
                faults.append(Violation(f"{at}/forms/{place}", detail, "forms.complete"))
        return faults

    def columns_after(self, names: Sequence[str]) -> Sequence[str]:
        """Give the columns behind this step."""
        check_there(names, self.column)
        return names

    def apply(self, sheet: Sheet, facts: Facts) -> None:
        """Write the dates as ISO 8601 does."""
        del facts
        sheet.compute([self.column], self.column, self.read)

    def read(self, text: str) -> Cell:
        """Read one cell.

        >>> CastDate("when", ("%d.%m.%Y",)).read("24.12.2026").text
        '2026-12-24'
        """
        bare = text.strip()
        if not bare:
            return Cell("")
        for form in self.forms:
            try:
                found = datetime.strptime(bare, form)  # noqa: DTZ007 - the form may tell an offset
            except ValueError:
                continue
            return Cell(found.isoformat() if _TIME.search(form) else found.date().isoformat())
        return Cell(text, "pipeline.date")


def _tells_a_day(form: str) -> bool:
    try:
        return datetime.strptime(_SAMPLE.strftime(form), form).date() == _SAMPLE.date()  # noqa: DTZ007 - as above
    except ValueError:
        return False
