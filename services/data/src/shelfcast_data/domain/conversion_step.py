"""Steps that convert numbers: from one unit to another, and from one currency to another."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from itertools import chain
from types import MappingProxyType
from typing import Final

from shelfcast_servicekit.errors import Violation

from shelfcast_data.domain.calendar import date_fault, date_of
from shelfcast_data.domain.catalogue_entry import required_fault
from shelfcast_data.domain.decimal_text import number_fault
from shelfcast_data.domain.field_rule import CURRENCY, positive_faults
from shelfcast_data.domain.pipeline_facts import Facts, Need
from shelfcast_data.domain.pipeline_step import CatalogueFree, check_there, column_faults, list_faults
from shelfcast_data.domain.text_sheet import Cell, Sheet

MEASURES: Final[Sequence[Mapping[str, Decimal]]] = tuple(
    MappingProxyType({unit: Decimal(size) for unit, size in measure.items()})
    for measure in (
        {"mg": "0.001", "g": "1", "kg": "1000", "oz": "28.349523125", "lb": "453.59237"},
        {"ml": "1", "cl": "10", "dl": "100", "l": "1000", "fl_oz": "29.5735295625", "gal": "3785.411784"},
        {"mm": "1", "cm": "10", "m": "1000", "in": "25.4", "ft": "304.8"},
        {"each": "1", "pair": "2", "dozen": "12", "gross": "144"},
    )
)
"""Size of each named unit in the smallest of its measure; fl_oz and gal are those of the United States."""

MOST_RATES: Final = 20_000
_MOST_DIGITS: Final = 30
_PLACES: Final = Decimal("1e-12")
_ONE: Final = Decimal(1)


@dataclass(frozen=True, slots=True)
class UnitPair:
    """From one named unit to another of the same measure."""

    from_unit: str = ""
    """Unit in the file."""
    to_unit: str = ""
    """Unit of the product."""

    @property
    def factor(self) -> Decimal | None:
        """What a number in the first unit is multiplied by; None unless both measure the same.

        >>> UnitPair("dozen", "each").factor
        Decimal('12')
        """
        for measure in MEASURES:
            if self.from_unit in measure and self.to_unit in measure:
                return measure[self.from_unit] / measure[self.to_unit]
        return None


@dataclass(frozen=True, slots=True)
class ConvertUnit:
    """Converts a column of numbers to another unit."""

    column: str = ""
    """Column that is converted; empty cells stay empty."""
    factor: Decimal | None = None
    """The same factor for all rows."""
    units: UnitPair | None = None
    """Two named units."""
    factor_column: str = ""
    """Column that holds the factor of each row."""
    case_pack_product_column: str = ""
    """Column that holds the product, whose case pack is the factor."""
    is_divided: bool = False
    """Whether the number is divided by the factor."""
    unit_column: str = ""
    """Column that tells the unit of each row; empty means that all rows are converted."""
    unit_values: tuple[str, ...] = ()
    """Texts in that column of the rows that are converted."""

    def faults(self, at: str) -> list[Violation]:
        """Give all faults that can be told without a file."""
        faults = column_faults(f"{at}/column", self.column)
        ways = (self.factor, self.units, self.factor_column or None, self.case_pack_product_column or None)
        if sum(way is not None for way in ways) != 1:
            detail = "One of factor, units, factor_column and case_pack_product_column is given."
            faults.append(Violation(f"{at}/factor", detail, "factor.one"))
        faults += positive_faults(f"{at}/factor", self.factor)
        if self.units is not None and self.units.factor is None:
            known = "; ".join(", ".join(measure) for measure in MEASURES)
            detail = f"Both are units of one measure. Known are {known}."
            faults.append(Violation(f"{at}/units", detail, "units.measure"))
        if bool(self.unit_column) is not bool(self.unit_values):
            detail = "unit_column and unit_values are given together."
            faults.append(Violation(f"{at}/unit_column", detail, "unit_column.together"))
        return faults + (list_faults(f"{at}/unit_values", self.unit_values) if self.unit_values else [])

    def columns_after(self, names: Sequence[str]) -> Sequence[str]:
        """Give the columns behind this step."""
        check_there(names, self.column, self.factor_column, self.case_pack_product_column, self.unit_column)
        return names

    def needs(self) -> frozenset[Need]:
        """Give what of the catalogue it asks for."""
        return frozenset({Need.CASE_PACKS}) if self.case_pack_product_column else frozenset()

    def apply(self, sheet: Sheet, facts: Facts) -> None:
        """Convert the rows that are of the stated unit."""
        source = self.factor_column or self.case_pack_product_column
        others = [name for name in (source, self.unit_column) if name]
        factor_of = self._factors(facts)
        units = frozenset(self.unit_values)

        def read(text: str, *rest: str) -> Cell:
            if units and rest[-1].strip() not in units:
                return Cell(text)
            if number_fault(text.strip()):
                return Cell(text)  # empty, or for the rule of the field to refuse
            factor = factor_of(rest[0] if source else "")
            scaled = None if factor is None else _scaled(text, factor)
            return Cell(text, "pipeline.factor") if scaled is None else Cell(scaled)

        sheet.compute([self.column, *others], self.column, read)

    def _factors(self, facts: Facts) -> Callable[[str], Decimal | None]:
        fixed = self.factor if self.units is None else self.units.factor
        if fixed is not None:
            chosen = _inverse(fixed) if self.is_divided else fixed
            return lambda _: chosen
        known = _positive if self.factor_column else facts.case_pack

        def factor_of(text: str) -> Decimal | None:
            factor = known(text)
            return _inverse(factor) if self.is_divided and factor is not None else factor

        return factor_of


@dataclass(frozen=True, slots=True)
class ExchangeRate:
    """What a currency was worth from a day on."""

    currency_code: str = ""
    """ISO 4217 code."""
    valid_from: str = ""
    """First day on which it holds, YYYY-MM-DD."""
    rate: Decimal = Decimal(0)
    """Units of the target currency for one unit."""


@dataclass(frozen=True, slots=True)
class ConvertCurrency(CatalogueFree):
    """Converts columns of money by stated rates."""

    columns: tuple[str, ...] = ()
    """Columns that are converted; empty cells stay empty."""
    to_currency_code: str = ""
    """Code that they are converted to."""
    from_currency_code: str = ""
    """Code of all rows; empty where a column tells it."""
    currency_column: str = ""
    """Column that holds the code of each row."""
    date_column: str = ""
    """Column with the date that decides which rate holds."""
    rates: tuple[ExchangeRate, ...] = ()
    """The rates; of one currency the newest that is valid on the date holds."""

    def faults(self, at: str) -> list[Violation]:
        """Give all faults that can be told without a file."""
        faults = [
            *list_faults(f"{at}/columns", self.columns),
            *_code_faults(f"{at}/to_currency_code", self.to_currency_code),
            *column_faults(f"{at}/date_column", self.date_column),
        ]
        if bool(self.from_currency_code) is bool(self.currency_column):
            detail = "Either from_currency_code or currency_column is given."
            faults.append(Violation(f"{at}/from_currency_code", detail, "currency.either"))
        elif self.from_currency_code:
            faults += _code_faults(f"{at}/from_currency_code", self.from_currency_code)
        if not self.rates:
            faults.append(required_fault(f"{at}/rates"))
        elif len(self.rates) > MOST_RATES:
            faults.append(Violation(f"{at}/rates", f"At most {MOST_RATES} rates.", "repeated.max_items"))
        return faults + list(chain.from_iterable(self._rate_faults(f"{at}/rates")))

    def _rate_faults(self, at: str) -> list[list[Violation]]:
        seen: set[tuple[str, str]] = set()
        found = []
        for place, each in enumerate(self.rates[:MOST_RATES]):
            faults = _code_faults(f"{at}/{place}/currency_code", each.currency_code)
            if len(each.valid_from) != 10 or date_fault(each.valid_from):
                detail = "The first day is written as YYYY-MM-DD."
                faults.append(Violation(f"{at}/{place}/valid_from", detail, "date"))
            faults += positive_faults(f"{at}/{place}/rate", each.rate)
            key = (each.currency_code, each.valid_from)
            if key in seen:
                detail = "The currency has another rate from that day on."
                faults.append(Violation(f"{at}/{place}/valid_from", detail, "rates.unique"))
            seen.add(key)
            found.append(faults)
        return found

    def columns_after(self, names: Sequence[str]) -> Sequence[str]:
        """Give the columns behind this step."""
        check_there(names, *self.columns, self.currency_column, self.date_column)
        return names

    def apply(self, sheet: Sheet, facts: Facts) -> None:
        """Convert the columns."""
        del facts
        table: dict[str, list[tuple[date, Decimal]]] = {}
        for each in self.rates:
            table.setdefault(each.currency_code, []).append((date_of(each.valid_from), each.rate))
        for known in table.values():
            known.sort()
        others = [self.date_column, *([self.currency_column] if self.currency_column else [])]

        def read(text: str, day: str, *code: str) -> Cell:
            if number_fault(text.strip()):
                return Cell(text)
            currency = code[0].strip() if code else self.from_currency_code
            if currency == self.to_currency_code:
                return Cell(text)
            if currency not in table:
                return Cell(text, "pipeline.currency")
            if date_fault(day.strip()):
                return Cell(text, "pipeline.rate_date")
            rate = _rate_on(table[currency], date_of(day.strip()))
            scaled = None if rate is None else _scaled(text, rate)
            return Cell(text, "pipeline.rate") if scaled is None else Cell(scaled)

        for column in self.columns:
            sheet.compute([column, *others], column, read)


def _rate_on(rates: Sequence[tuple[date, Decimal]], day: date) -> Decimal | None:
    place = bisect_right(rates, day, key=lambda each: each[0])
    return rates[place - 1][1] if place else None


def _code_faults(at: str, code: str) -> list[Violation]:
    if not code:
        return [required_fault(at)]
    if CURRENCY.fullmatch(code):
        return []
    return [Violation(at, "A currency code has three capital letters.", "currency.form")]


def _positive(text: str) -> Decimal | None:
    bare = text.strip()
    if number_fault(bare):
        return None
    number = Decimal(bare)
    return number if number > 0 else None


def _inverse(factor: Decimal) -> Decimal:
    with localcontext() as context:
        context.prec = 60
        return _ONE / factor


def _scaled(text: str, factor: Decimal) -> str | None:
    """Give a number times a factor, to twelve places; None for one that no unit makes sense of.

    >>> _scaled("2.50", Decimal("12"))
    '30'
    """
    with localcontext() as context:
        context.prec = 80
        exact = Decimal(text.strip()) * factor
        if exact.adjusted() > _MOST_DIGITS:
            return None
        product = exact.quantize(_PLACES, ROUND_HALF_EVEN)
        return format(product.normalize(), "f") if product else "0"
