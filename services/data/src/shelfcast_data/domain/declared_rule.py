"""Rules declared beside the fields that they hold for; validators and schemas are made from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import partial
from typing import Any, Final, get_type_hints

from shelfcast_servicekit.errors import Violation
from shelfcast_servicekit.identifier import MAX_ID_LENGTH, id_fault

from shelfcast_data.domain.calendar import FIRST_DATE, LAST_DATE
from shelfcast_data.domain.catalogue_entry import length_fault
from shelfcast_data.domain.decimal_text import LIMIT
from shelfcast_data.domain.declared_schema import ANY, FieldSchema, Range, Schema, ValueType
from shelfcast_data.domain.entry import Kind
from shelfcast_data.domain.field_rule import (
    amount_faults,
    currency_faults,
    days_faults,
    positive_faults,
    reference_faults,
    repeat_faults,
    required_faults,
)
from shelfcast_data.domain.weekday import Weekday

Check = Callable[[str, Any], list[Violation]]
"""Gives the faults of a value that is there; the first argument is its pointer."""


def _nothing(at: str, value: object) -> list[Violation]:
    """Find no fault: the type says it all."""
    del at, value
    return []


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """What holds for a field; stands in the annotation of the field."""

    type: ValueType
    """Type of its values."""
    check: Check = _nothing
    """Finds the faults of a value."""
    rules: tuple[str, ...] = ()
    """Rules that the check knows; `{}` stands for the name of the field."""
    range: Range = ANY
    """Limits of a number."""
    longest: int | None = None
    """Most characters."""
    words: tuple[str, ...] = ()
    """Words that are taken."""
    unit: str = ""
    """Unit of its values."""
    is_required: bool = False
    """Whether there must be a value."""


def text(longest: int, *, is_required: bool = False) -> Declared:
    """Declare a printable text of bounded length."""
    return Declared(
        type=ValueType.TEXT,
        check=lambda at, value: length_fault(at, value, longest),
        rules=("string.max_len",),
        longest=longest,
        is_required=is_required,
    )


def checked_text(check: Check, rule: str) -> Declared:
    """Declare a text with a rule of its own."""
    return Declared(type=ValueType.TEXT, check=check, rules=(rule,))


def currency(*, is_required: bool = False) -> Declared:
    """Declare a currency code."""
    return Declared(
        type=ValueType.TEXT,
        check=currency_faults,
        rules=("currency.form",),
        longest=3,
        is_required=is_required,
    )


def reference(*, is_required: bool = False) -> Declared:
    """Declare the id of another entry."""
    return Declared(
        type=ValueType.ID,
        check=reference_faults,
        rules=("id.form",),
        longest=MAX_ID_LENGTH,
        is_required=is_required,
    )


def amount(unit: str = "money", *, is_required: bool = False) -> Declared:
    """Declare a number of 0 or more."""
    limits = Range(least=Decimal(0), most=LIMIT, is_most_excluded=True)
    return Declared(
        type=ValueType.DECIMAL,
        check=amount_faults,
        rules=("{}.range",),
        range=limits,
        unit=unit,
        is_required=is_required,
    )


def positive(unit: str) -> Declared:
    """Declare a number above 0."""
    limits = Range(least=Decimal(0), is_least_excluded=True, most=LIMIT, is_most_excluded=True)
    return Declared(
        type=ValueType.DECIMAL, check=positive_faults, rules=("{}.range",), range=limits, unit=unit
    )


def days(most: int) -> Declared:
    """Declare a number of days from 0 on."""
    return Declared(
        type=ValueType.WHOLE,
        check=lambda at, value: days_faults(at, value, most),
        rules=("{}.range",),
        range=Range(least=Decimal(0), most=Decimal(most)),
        unit="days",
    )


def day(*, is_required: bool = False) -> Declared:
    """Declare a business date."""
    return Declared(type=ValueType.DATE, rules=("date",), is_required=is_required)


def word(words: type[StrEnum], *, is_required: bool = False) -> Declared:
    """Declare a word out of a set."""
    return Declared(type=ValueType.WORD, words=tuple(each.value for each in words), is_required=is_required)


def weekdays() -> Declared:
    """Declare a list of days of the week, each once."""
    names = tuple(each.name.lower() for each in Weekday)
    return Declared(type=ValueType.LIST, check=repeat_faults, rules=("list.unique",), words=names)


def ids(most: int) -> Declared:
    """Declare a list of ids of other entries, each once."""
    return Declared(
        type=ValueType.LIST,
        check=partial(_id_faults, most),
        rules=("id.form", "list.unique", "repeated.max_items"),
    )


def _id_faults(most: int, at: str, values: Sequence[str]) -> list[Violation]:
    if len(values) > most:
        return [Violation(at, f"At most {most} ids are taken.", "repeated.max_items")]
    malformed = [
        Violation(f"{at}/{place}", fault, "id.form")
        for place, each in enumerate(values)
        if (fault := id_fault(each)) is not None
    ]
    return malformed + repeat_faults(at, values)


def declared(kind: type[Any]) -> Mapping[str, Declared]:
    """Give what is declared of the fields of a dataclass, by their names."""
    if kind not in _DECLARED:
        _DECLARED[kind] = _read(kind)
    return _DECLARED[kind]


_DECLARED: Final[dict[type[Any], Mapping[str, Declared]]] = {}
"""What has been read of each dataclass; reading takes some time."""


def _read(kind: type[Any]) -> Mapping[str, Declared]:
    hints = get_type_hints(kind, include_extras=True)
    return {
        name: told
        for name in kind.__dataclass_fields__
        for told in getattr(hints[name], "__metadata__", ())
        if isinstance(told, Declared)
    }


def declared_faults(at: str, fields: Any) -> list[Violation]:  # noqa: ANN401 - any dataclass
    """Give the faults of all declared fields, each judged for itself."""
    faults: list[Violation] = []
    for name, told in declared(type(fields)).items():
        value, pointer = getattr(fields, name), f"{at}/{name}"
        if value is None or (value == "" and told.is_required):
            faults += required_faults(at, {name: value}) if told.is_required else []
        else:
            faults += told.check(pointer, value)
    return faults


DETAILS: Final = {
    "required": "A value is required.",
    "string.max_len": "The text has at most so many characters, all printable.",
    "currency.form": "A currency code has three capital letters.",
    "currency.required": "Money needs a currency code.",
    "id.form": "An id has 1 to 128 printable characters and no blank at its ends.",
    "id.reserved": "A reserved word cannot be an id.",
    "date": "A date is written as YYYY-MM-DD.",
    "list.unique": "Each value stands once in the list.",
    "repeated.max_items": "The list has at most so many values.",
    "end_date.order": "The last day is not before the first.",
    "name.form": "A name has no / and no blank at its ends.",
    "contact_email.form": "An address has the form name@example.com.",
    "country_code.form": "A country code has two capital letters.",
    "country_code.required": "A part of a country needs the country.",
    "time_zone.known": "The name is one of an IANA time zone, for instance Europe/Berlin.",
    "discount_pct.either": "Either discount_pct or promo_price is given.",
    "product_ids.required": "At least one product or category is named.",
    "cost_breaks.order": "The quantities of the breaks rise from one to the next.",
}
"""What is right, for each rule of the catalogue that is not a mere range."""


def detail_of(rule: str) -> str:
    """Give the sentence of a rule of the catalogue."""
    return DETAILS.get(rule, "The number lies within the limits of the field.")


@dataclass(frozen=True, slots=True)
class EntrySchema:
    """What is declared of a kind of entry beside its fields."""

    kind: Kind[Any]
    """The kind."""
    name: str
    """Name of its schema."""
    version: int
    """Version of its schema."""
    description: str
    """What an entry is."""
    rules: tuple[str, ...] = ()
    """Rules that concern several fields."""

    def schema(self) -> Schema:
        """Give the schema that the declarations make."""
        own = [_own_id(name, self.kind) for name in self.kind.id_names]
        told = declared(self.kind.fields)
        changeable = [name for name in self.kind.changeable if name in told]
        fields = (*own, *(_field(name, told[name]) for name in changeable))
        return Schema(self.name, self.version, self.description, fields, self.rules)


def _own_id(name: str, kind: Kind[Any]) -> FieldSchema:
    is_required = name != kind.id_name or not kind.makes_ids
    rules = ("id.form", "id.reserved")
    description = "Id of what it belongs to." if name != kind.id_name else "Id of the entry."
    if kind.makes_ids and name == kind.id_name:
        description = "Id of the entry; made up if it is left out."
    return FieldSchema(name, description, ValueType.ID, rules, is_required, longest=MAX_ID_LENGTH)


def _field(name: str, told: Declared) -> FieldSchema:
    is_date = told.type is ValueType.DATE
    first: date | None = FIRST_DATE if is_date else None
    rules = tuple(rule.format(name) for rule in told.rules)
    return FieldSchema(
        name,
        "",
        told.type,
        (*(("required",) if told.is_required else ()), *rules),
        told.is_required,
        told.unit,
        told.range,
        first,
        LAST_DATE if is_date else None,
        told.longest,
        told.words,
    )
