"""Rows that were not taken, and the sentences that say why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

LONGEST_VALUE: Final = 200

REMEDIES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "row.columns": "The row has not as many columns as the header; check delimiters and quotes.",
        "row.encoding": "The row is not UTF-8; save the file as UTF-8.",
        "row.quote": "A quote is not closed within the row; double the quotes inside a value.",
        "row.duplicate": "An earlier row for this shop, product and date was taken; same_day=sum adds up.",
        "row.archived": "Sales of that day are archived; have the operator bring the month back (unarchive).",
        "date.required": "The date is empty; write it as YYYY-MM-DD.",
        "date.form": "The date has not the form YYYY-MM-DD.",
        "date.calendar": "There is no such day in the calendar.",
        "date.range": "The date lies outside 1900-01-01 to 2199-12-31.",
        "shop_id.required": "The shop is empty; name the shop that sold.",
        "shop_id.form": "A shop id has 1 to 128 printable characters and no blank at its ends.",
        "shop_id.reserved": "The shop id is a word of the interface; choose another.",
        "product_id.required": "The product is empty; name the product that was sold.",
        "product_id.form": "A product id has 1 to 128 printable characters and no blank at its ends.",
        "product_id.reserved": "The product id is a word of the interface; choose another.",
        "quantity.required": "The quantity is empty; write 0 where nothing was sold, or leave the row out.",
        "quantity.number": "The quantity is not a number; write digits with a point as decimal sign.",
        "quantity.finite": "The quantity is not finite; leave the row out where it is not known.",
        "quantity.range": "The quantity is not below 1,000,000,000,000.",
        "quantity.negative": "The quantity is negative; mark returns by is_return, or send same_day=sum.",
        "unit_price.number": "The price is not a number; write digits with a point as decimal sign.",
        "unit_price.finite": "The price is not finite; leave the cell empty where it is not known.",
        "unit_price.range": "The price is not from 0 up to 1,000,000,000,000.",
        "shop_id.missing": "The shop is absent; name the shop that was counted.",
        "product_id.missing": "The product is absent; name the product that was counted.",
        "shop_id.unknown": "The catalogue does not know the shop; create it there first.",
        "product_id.unknown": "The catalogue does not know the product; create it there first.",
        "lot_id.form": "A lot id has 1 to 128 printable characters and no blank at its ends.",
        "quantity.missing": "The quantity is absent; write 0 where nothing was there, or leave the row out.",
        "quantity.below_zero": "What was counted is 0 or more.",
        "quantity.too_large": "The quantity is not below 1,000,000,000.",
        "count.duplicate": "An earlier row for this shop, product and lot was taken; leave one of them.",
        "is_promotion.flag": "The cell is neither true nor false; write 1 or 0, or leave it empty.",
        "was_available.flag": "The cell is neither true nor false; write 1 or 0, or leave it empty.",
        "stock_out_hours.number": "The hours out of stock are not a number; write 0 to 24.",
        "stock_out_hours.finite": "The hours out of stock are not finite; leave the cell empty.",
        "stock_out_hours.range": "The hours out of stock are not from 0 to 24.",
        "is_return.flag": "The cell is neither true nor false; write 1 or 0, or leave it empty.",
        "pipeline.number": "The cell is no number of the form that the step cast_number states.",
        "pipeline.date": "The cell has none of the forms that the step cast_date states.",
        "pipeline.timestamp": "The cell is no ISO 8601 time; a business day needs date and time of day.",
        "pipeline.factor": "The factor of the row is unknown, or no number above 0; state it or a case pack.",
        "pipeline.currency": "The pipeline states no rate for the currency of the row.",
        "pipeline.rate": "No rate of the currency is valid yet on the date of the row; state an earlier one.",
        "pipeline.rate_date": "The date of the row is no YYYY-MM-DD, so it is not known which rate holds.",
    }
)
"""What to do about each rule that a row of a file can break."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """One row that was not taken, and why."""

    row: int
    """Number of the row; the first data row of a file is 1."""
    column: str
    """Column of the file; empty where the whole row is meant."""
    value: str
    """The refused value, cut to 200 characters."""
    rule: str
    """Rule that it broke."""

    @property
    def detail(self) -> str:
        """One sentence for people: what is wrong and what would be right."""
        return REMEDIES.get(self.rule, self.rule)


def shown(value: str) -> str:
    r"""Give a value as it is shown in a report: printable, at most 200 characters.

    >>> shown("a" + chr(0) + "b")
    'a\ufffdb'
    """
    cut = value[:LONGEST_VALUE]
    return "".join(each if each.isprintable() else "\ufffd" for each in cut)
