"""The fields of a sales row: how the text of one cell is read, and which rule it may break."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from shelfcast_servicekit.identifier import MAX_ID_LENGTH, RESERVED_IDS, id_fault

from shelfcast_data.domain.calendar import FIRST_DATE, LAST_DATE, date_fault, date_of
from shelfcast_data.domain.decimal_text import LIMIT, decimal_of, millionths_of, number_fault
from shelfcast_data.domain.declared_schema import FieldSchema, Range, Schema, ValueType

UNKNOWN: Final = -1
"""Value of an empty cell in a field that may be unknown."""

_TRUE: Final = ("1", "true", "t", "yes", "y", "1.0")
_FALSE: Final = ("0", "false", "f", "no", "n", "0.0")
_EPOCH: Final = date_of("1970-01-01").toordinal()


def _flag(name: str, description: str, *aliases: str) -> FieldSchema:
    rules, words = (f"{name}.flag",), (*_TRUE, *_FALSE)
    return FieldSchema(name, description, ValueType.FLAG, rules, words=words, aliases=(name, *aliases))


def _id(name: str, description: str, *aliases: str) -> FieldSchema:
    return FieldSchema(
        name,
        description,
        ValueType.ID,
        tuple(f"{name}.{rule}" for rule in ("required", "form", "reserved")),
        is_required=True,
        longest=MAX_ID_LENGTH,
        aliases=(name, *aliases),
    )


SALES: Final = Schema(
    "sales",
    1,
    "What a shop sold of a product on a business date.",
    (
        FieldSchema(
            "date",
            "Business date; of a time, its day.",
            ValueType.DATE,
            ("date.required", "date.form", "date.calendar", "date.range"),
            is_required=True,
            first_date=FIRST_DATE,
            last_date=LAST_DATE,
            aliases=("date", "business_date", "sale_date", "day", "ds", "dt"),
        ),
        _id("shop_id", "Shop that sold.", "store_id", "shop", "store", "store_nbr"),
        _id(
            *("product_id", "Product that was sold."),
            *("item_id", "product", "item", "sku", "item_nbr", "stock_code", "stockcode", "unique_id"),
        ),
        FieldSchema(
            "quantity",
            "Units sold; below 0 only for a return.",
            ValueType.DECIMAL,
            (
                "quantity.required",
                "quantity.number",
                "quantity.finite",
                "quantity.range",
                "quantity.negative",
            ),
            is_required=True,
            unit="units of the product",
            range=Range(least=-LIMIT, is_least_excluded=True, most=LIMIT, is_most_excluded=True),
            aliases=("quantity", "qty", "sales", "units", "units_sold", "sale_amount", "y"),
        ),
        FieldSchema(
            "unit_price",
            "Price of a unit; empty is unknown.",
            ValueType.DECIMAL,
            ("unit_price.number", "unit_price.finite", "unit_price.range"),
            unit="money a unit",
            range=Range(least=Decimal(0), most=LIMIT, is_most_excluded=True),
            aliases=("unit_price", "price", "sell_price", "unitprice"),
        ),
        _flag(
            *("is_promotion", "Whether it was on promotion; empty is unknown."),
            *("promotion", "promo", "onpromotion", "on_promotion"),
        ),
        _flag(
            "was_available", "Whether it could be bought all day; empty is unknown.", "available", "in_stock"
        ),
        _flag("is_return", "Whether a negative quantity is meant; empty is no.", "return", "returned"),
        FieldSchema(
            "stock_out_hours",
            "Hours out of stock; above 0 it was not available all day, empty is unknown.",
            ValueType.DECIMAL,
            ("stock_out_hours.number", "stock_out_hours.finite", "stock_out_hours.range"),
            unit="hours",
            range=Range(least=Decimal(0), most=Decimal(24)),
            aliases=("stock_out_hours", "stockout_hours", "stock_hour6_22_cnt"),
        ),
    ),
    ("row.columns", "row.encoding", "row.quote", "row.duplicate"),
)
"""The declaration of a row of sales; raise its version when a row may be judged differently."""

_QUANTITY: Final = SALES.field("quantity").range
_PRICE: Final = SALES.field("unit_price").range
_HOURS: Final = SALES.field("stock_out_hours").range


@dataclass(frozen=True, slots=True)
class Reading:
    """What the text of one cell means."""

    number: int = 0
    """Days since 1970-01-01, millionths, or 0 and 1; -1 for an unknown price or flag."""
    fault: str = ""
    """Rule that the text breaks; empty if it is good."""


Reader = Callable[[str], Reading]


def read_date(text: str) -> Reading:
    """Read a business date as days since 1970-01-01.

    >>> read_date("1970-01-02").number, read_date("2017-02-30").fault
    (1, 'date.calendar')
    """
    text = text.strip()
    if not text:
        return Reading(fault="date.required")
    fault = date_fault(text)
    return Reading(fault=f"date.{fault}") if fault else Reading(date_of(text).toordinal() - _EPOCH)


def read_quantity(text: str) -> Reading:
    """Read a quantity in millionths; its sign is judged beside `is_return`."""
    text = text.strip()
    if not text:
        return Reading(fault="quantity.required")
    fault = number_fault(text)
    if fault:
        return Reading(fault=f"quantity.{fault}")
    millionths = millionths_of(Decimal(text))
    is_held = _QUANTITY.holds(decimal_of(millionths))
    return Reading(millionths) if is_held else Reading(fault="quantity.range")


def read_price(text: str) -> Reading:
    """Read a price in millionths; empty is unknown."""
    text = text.strip()
    if not text:
        return Reading(UNKNOWN)
    fault = number_fault(text)
    if fault:
        return Reading(fault=f"unit_price.{fault}")
    millionths = millionths_of(Decimal(text))
    is_held = _PRICE.holds(decimal_of(millionths))
    return Reading(millionths) if is_held else Reading(fault="unit_price.range")


def read_id(field: str, text: str) -> Reading:
    """Judge an id; the text itself is its value, after NFC."""
    if not text:
        return Reading(fault=f"{field}.required")
    if id_fault(text) is not None:
        return Reading(fault=f"{field}.form")
    return Reading(fault=f"{field}.reserved") if text in RESERVED_IDS else Reading()


def read_flag(field: str, text: str) -> Reading:
    """Read a flag as 1 or 0; empty is unknown.

    >>> read_flag("is_promotion", "Yes").number
    1
    """
    word = text.strip().lower()
    if not word:
        return Reading(UNKNOWN)
    if word in _TRUE:
        return Reading(1)
    return Reading(0) if word in _FALSE else Reading(fault=f"{field}.flag")


def read_stock_out(text: str) -> Reading:
    """Read for how many hours of the day the product was out of stock, as whether it was available.

    >>> read_stock_out("0").number, read_stock_out("2.5").number, read_stock_out("").number
    (1, 0, -1)
    """
    text = text.strip()
    if not text:
        return Reading(UNKNOWN)
    fault = number_fault(text)
    if fault:
        return Reading(fault=f"stock_out_hours.{fault}")
    hours = Decimal(text)
    return Reading(int(hours == 0)) if _HOURS.holds(hours) else Reading(fault="stock_out_hours.range")


READERS: Final[Mapping[str, Reader]] = MappingProxyType(
    {
        "date": read_date,
        "shop_id": lambda text: read_id("shop_id", text),
        "product_id": lambda text: read_id("product_id", text),
        "quantity": read_quantity,
        "unit_price": read_price,
        "is_promotion": lambda text: read_flag("is_promotion", text),
        "was_available": lambda text: read_flag("was_available", text),
        "is_return": lambda text: read_flag("is_return", text),
        "stock_out_hours": read_stock_out,
    }
)
"""How the cells of each field are read, in the order in which faults of a row are reported."""

FIELDS: Final = tuple(SALES.names)
REQUIRED: Final = tuple(each.name for each in SALES.fields if each.is_required)
