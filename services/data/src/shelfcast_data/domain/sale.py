"""A sale: what one shop sold of one product on one business date."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final

from shelfcast_servicekit.errors import FieldRuleViolated, Violation

from shelfcast_data.errors import SaleNotFound

_SALE_ID: Final = re.compile(r"s(\d{1,10})-(\d{4})(\d{2})(\d{2})", re.ASCII)


@dataclass(frozen=True, slots=True)
class SaleFacts:
    """What is said about a day; a correction says it anew."""

    quantity: int
    """Units sold, in millionths; negative only where returns exceed sales."""
    unit_price: int | None = None
    """Price a unit, in millionths; None means not known."""
    is_promotion: bool | None = None
    """Whether the product was on promotion; None means not known."""
    was_available: bool | None = None
    """Whether it could be bought the whole day; None means not known."""
    is_return: bool = False
    """Whether a negative quantity is meant."""
    is_withdrawn: bool = False
    """Whether the day has no sale from this version on."""

    def checked(self) -> SaleFacts:
        """Give the facts back. Raises: FieldRuleViolated naming all faults."""
        faults = []
        if self.quantity < 0 and not self.is_return:
            detail = "The quantity is negative; set is_return where returns exceed sales."
            faults.append(Violation("/sale/quantity", detail, "quantity.negative"))
        if self.unit_price is not None and self.unit_price < 0:
            faults.append(Violation("/sale/unit_price", "The price is 0 or more.", "unit_price.range"))
        if faults:
            raise FieldRuleViolated(violations=faults)
        return self


@dataclass(frozen=True, slots=True)
class SaleKey:
    """Shop, product and business date of a sale."""

    shop_id: str
    product_id: str
    sale_date: date


@dataclass(frozen=True, slots=True)
class Sale:
    """A row version of a sale as stored."""

    series_no: int
    """Number of its shop and product in the store."""
    key: SaleKey
    """What it is about."""
    facts: SaleFacts
    """What it says."""
    recorded_at: datetime
    """When this version was recorded."""

    @property
    def sale_id(self) -> str:
        """Id that all versions of the row share."""
        return sale_id_of(self.series_no, self.key.sale_date)


def sale_id_of(series_no: int, sale_date: date) -> str:
    """Give the id of a sale.

    >>> sale_id_of(7, date(2017, 9, 30))
    's7-20170930'
    """
    return f"s{series_no}-{sale_date.isoformat().replace('-', '')}"


def place_of(sale_id: str) -> tuple[int, date]:
    """Give series number and date of a sale's id. Raises: SaleNotFound when it has not the form of one."""
    match = _SALE_ID.fullmatch(sale_id)
    if match is None:
        raise SaleNotFound(sale_id=sale_id[:64])
    series_no, year, month, day = map(int, match.groups())
    try:
        return series_no, date(year, month, day)
    except ValueError as error:
        raise SaleNotFound(sale_id=sale_id) from error


def withdrawn(facts: SaleFacts) -> SaleFacts:
    """Give the facts of a day whose sale is taken back."""
    return replace(facts, is_withdrawn=True)
