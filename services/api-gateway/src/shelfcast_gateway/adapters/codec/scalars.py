"""Scalars both ways: JSON values and text to field values, and field values to JSON."""

from __future__ import annotations

import base64
import binascii
import logging
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from google.protobuf.descriptor import FieldDescriptor

from shelfcast_gateway.adapters.codec.fault import FaultKind, ValueFault
from shelfcast_gateway.adapters.codec.shape import TypeNotMapped, enum_of

if TYPE_CHECKING:
    from google.protobuf.descriptor import EnumDescriptor

Scalar: TypeAlias = str | int | float | bool | bytes
FromJson: TypeAlias = Callable[[object], Scalar]
FromText: TypeAlias = Callable[[str], Scalar]
ToJson: TypeAlias = Callable[[Scalar], str | int | float | bool | None]

_LOG: Final = logging.getLogger(__name__)
_INT: Final = re.compile(r"[+-]?\d{1,20}")
_NUMBER: Final = re.compile(r"[+-]?(\d{1,400}(\.\d{0,400})?|\.\d{1,400})([eE][+-]?\d{1,4})?")
_FLOAT_MAX: Final = 3.4028234663852886e38


class NumberNotFinite(ValueError):
    """A reply holds NaN or infinity: a bug of the service, never sent on."""


@dataclass(frozen=True, slots=True)
class ScalarPlan:
    """How one scalar field is read and written."""

    from_json: FromJson
    from_text: FromText
    to_json: ToJson | None
    """None means that the field's value is its JSON value."""


def scalar_plan(field: FieldDescriptor) -> ScalarPlan:
    """Give the plan of a scalar or enum field. Raises: TypeNotMapped (64-bit integers, groups)."""
    if field.type == FieldDescriptor.TYPE_ENUM:
        return _enum_plan(enum_of(field))
    plan = _PLANS.get(field.type)
    if plan is None:
        raise TypeNotMapped(f"{field.full_name}: its type has no place in JSON")
    return plan


def _string(value: object) -> str:
    if isinstance(value, str):
        return value
    raise ValueFault("A text is due.")


def _boolean(value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise ValueFault("true or false is due.")


def _boolean_text(text: str) -> bool:
    if text == "true":
        return True
    if text == "false":
        return False
    raise ValueFault("true or false is due.")


def _whole(low: int, high: int) -> tuple[FromJson, FromText]:
    def checked(value: int) -> int:
        if low <= value <= high:
            return value
        raise ValueFault(f"The number must be between {low} and {high}.", FaultKind.RULE)

    def from_json(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueFault("A whole number is due.")
        if isinstance(value, float) and not value.is_integer():
            raise ValueFault("A whole number is due.")
        return checked(int(value))

    def from_text(text: str) -> int:
        if not _INT.fullmatch(text):
            raise ValueFault("A whole number is due.")
        return checked(int(text))

    return from_json, from_text


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueFault("A number is due.")
    return _finite(float(value))


def _number_text(text: str) -> float:
    if not _NUMBER.fullmatch(text):
        raise ValueFault("A number is due.")
    return _finite(float(text))


def _finite(value: float) -> float:
    if math.isfinite(value):
        return value
    raise ValueFault("A finite number is due.")


def _single(value: object) -> float:
    number = _number(value)
    if abs(number) <= _FLOAT_MAX:
        return number
    raise ValueFault("The number is too large.", FaultKind.RULE)


def _bytes_text(text: str) -> bytes:
    padded = text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4)
    try:
        return base64.b64decode(padded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueFault("Base64 text is due.") from error


def _bytes(value: object) -> bytes:
    return _bytes_text(_string(value))


def finite_out(value: Scalar) -> float:
    """Give a number for JSON. Raises: NumberNotFinite for NaN and infinity."""
    number = float(value)
    if not math.isfinite(number):
        raise NumberNotFinite("a reply holds a number that is not finite")
    return number


def _bytes_out(value: Scalar) -> str:
    return base64.b64encode(value if isinstance(value, bytes) else b"").decode()


def enum_words(enum: EnumDescriptor) -> dict[int, str | None]:
    """Give the JSON word of each value: lower case, without the type's prefix; null for unspecified."""
    prefix = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", enum.name).upper() + "_"
    words = {value.number: value.name.removeprefix(prefix).lower() for value in enum.values}
    return {number: None if word == "unspecified" else word for number, word in words.items()}


def _enum_plan(enum: EnumDescriptor) -> ScalarPlan:
    words = enum_words(enum)
    numbers = {word: number for number, word in words.items() if word is not None}

    def from_text(text: str) -> int:
        number = numbers.get(text)
        if number is None:
            raise ValueFault(f"One of these is due: {', '.join(numbers)}.", FaultKind.RULE)
        return number

    def to_json(value: Scalar) -> str | None:
        number = int(value)
        if number in words:
            return words[number]
        _LOG.warning("unknown value %d of %s", number, enum.full_name)
        return "unknown"

    return ScalarPlan(lambda value: from_text(_string(value)), from_text, to_json)


_INT32: Final = ScalarPlan(*_whole(-(2**31), 2**31 - 1), None)
_UINT32: Final = ScalarPlan(*_whole(0, 2**32 - 1), None)
_PLANS: Final = {
    FieldDescriptor.TYPE_STRING: ScalarPlan(_string, str, None),
    FieldDescriptor.TYPE_BOOL: ScalarPlan(_boolean, _boolean_text, None),
    FieldDescriptor.TYPE_DOUBLE: ScalarPlan(_number, _number_text, finite_out),
    FieldDescriptor.TYPE_FLOAT: ScalarPlan(_single, lambda text: _single(_number_text(text)), finite_out),
    FieldDescriptor.TYPE_BYTES: ScalarPlan(_bytes, _bytes_text, _bytes_out),
    FieldDescriptor.TYPE_INT32: _INT32,
    FieldDescriptor.TYPE_SINT32: _INT32,
    FieldDescriptor.TYPE_SFIXED32: _INT32,
    FieldDescriptor.TYPE_UINT32: _UINT32,
    FieldDescriptor.TYPE_FIXED32: _UINT32,
}
