"""Well-known types both ways: instants, masks, free JSON values, the empty message."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, TypeAlias, cast

from google.protobuf import empty_pb2, field_mask_pb2, struct_pb2, timestamp_pb2
from google.protobuf.message import Message

from shelfcast_gateway.adapters.codec.fault import FaultKind, ValueFault
from shelfcast_gateway.adapters.codec.scalars import NumberNotFinite

Json: TypeAlias = str | int | float | bool | dict[str, "Json"] | list["Json"] | None

MOST_NESTED: Final = 32
"""Depth of free JSON: protobuf itself stops at 100 levels, and each level here takes three."""

_INSTANT: Final = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?([Zz]|[+-]\d{2}:\d{2})"
)
_PATH: Final = re.compile(r"\*|[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*")
_WHOLE_LIMIT: Final = float(2**53)


@dataclass(frozen=True, slots=True)
class KnownPlan:
    """How a well-known message is read from JSON and from text, and written."""

    read: Callable[[object, Message], None]
    read_text: Callable[[str, Message], None]
    write: Callable[[Message], Json]
    takes_null: bool = False
    """Whether null is a value of its own."""


def _read_instant(value: object, message: Message) -> None:
    if not isinstance(value, str):
        raise ValueFault("An RFC 3339 instant is due, for instance 2026-01-31T08:00:00Z.")
    _read_instant_text(value, message)


def _read_instant_text(text: str, message: Message) -> None:
    if not _INSTANT.fullmatch(text):
        raise ValueFault("An RFC 3339 instant is due, for instance 2026-01-31T08:00:00Z.")
    try:
        moment = datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueFault("The instant names a time that does not exist.") from error
    cast("timestamp_pb2.Timestamp", message).FromDatetime(moment)


def _write_instant(message: Message) -> str:
    stamp = cast("timestamp_pb2.Timestamp", message)
    moment = stamp.ToDatetime()
    return f"{moment.isoformat(timespec='microseconds')}Z"


def _read_mask(value: object, message: Message) -> None:
    if not isinstance(value, str):
        raise ValueFault("Paths joined by commas are due.")
    _read_mask_text(value, message)


def _read_mask_text(text: str, message: Message) -> None:
    paths = [path.strip() for path in text.split(",")] if text else []
    wrong = [path for path in paths if not _PATH.fullmatch(path)]
    if wrong:
        raise ValueFault(f"{wrong[0][:100]!r} is no field path.")
    cast("field_mask_pb2.FieldMask", message).paths.extend(paths)


def _write_mask(message: Message) -> str:
    return ",".join(cast("field_mask_pb2.FieldMask", message).paths)


def _read_empty(value: object, message: Message) -> None:
    del message
    if value != {}:
        raise ValueFault("An empty object is due.")


def _fill(value: object, target: struct_pb2.Value, depth: int) -> None:
    if depth > MOST_NESTED:
        raise ValueFault(f"JSON may be nested {MOST_NESTED} deep here.", FaultKind.RULE)
    match value:
        case None:
            target.null_value = struct_pb2.NULL_VALUE
        case bool():
            target.bool_value = value
        case int() | float():
            target.number_value = _finite(float(value))
        case str():
            target.string_value = value
        case list():
            target.list_value.SetInParent()
            for item in value:
                _fill(item, target.list_value.values.add(), depth + 1)
        case dict():
            target.struct_value.SetInParent()
            for name, item in value.items():
                _fill(item, target.struct_value.fields[name], depth + 1)


def _finite(number: float) -> float:
    if math.isfinite(number):
        return number
    raise ValueFault("A finite number is due.")


def _read_value(value: object, message: Message) -> None:
    _fill(value, cast("struct_pb2.Value", message), 1)


def _read_value_text(text: str, message: Message) -> None:
    cast("struct_pb2.Value", message).string_value = text


def _read_struct(value: object, message: Message) -> None:
    if not isinstance(value, dict):
        raise ValueFault("An object is due.")
    for name, item in value.items():
        _fill(item, cast("struct_pb2.Struct", message).fields[name], 1)


def _read_list(value: object, message: Message) -> None:
    if not isinstance(value, list):
        raise ValueFault("A list is due.")
    for item in value:
        _fill(item, cast("struct_pb2.ListValue", message).values.add(), 1)


def value_out(value: struct_pb2.Value) -> Json:
    """Give the JSON of a free value; whole numbers are written without a point."""
    match value.WhichOneof("kind"):
        case "number_value":
            return _number_out(value.number_value)
        case "string_value":
            return value.string_value
        case "bool_value":
            return value.bool_value
        case "struct_value":
            return {name: value_out(item) for name, item in value.struct_value.fields.items()}
        case "list_value":
            return [value_out(item) for item in value.list_value.values]
        case _:
            return None


def _number_out(number: float) -> int | float:
    if not math.isfinite(number):
        raise NumberNotFinite("a reply holds a number that is not finite")
    return int(number) if number.is_integer() and abs(number) < _WHOLE_LIMIT else number


def _write_value(message: Message) -> Json:
    return value_out(cast("struct_pb2.Value", message))


def _write_struct(message: Message) -> Json:
    return {name: value_out(item) for name, item in cast("struct_pb2.Struct", message).fields.items()}


def _write_list(message: Message) -> Json:
    return [value_out(item) for item in cast("struct_pb2.ListValue", message).values]


def _no_text(text: str, message: Message) -> None:
    del text, message
    raise ValueFault("This field has no text form.")


KNOWN: Final = {
    timestamp_pb2.Timestamp.DESCRIPTOR.full_name: KnownPlan(
        _read_instant, _read_instant_text, _write_instant
    ),
    field_mask_pb2.FieldMask.DESCRIPTOR.full_name: KnownPlan(_read_mask, _read_mask_text, _write_mask),
    empty_pb2.Empty.DESCRIPTOR.full_name: KnownPlan(_read_empty, _no_text, lambda _: {}),
    struct_pb2.Value.DESCRIPTOR.full_name: KnownPlan(
        _read_value, _read_value_text, _write_value, takes_null=True
    ),
    struct_pb2.Struct.DESCRIPTOR.full_name: KnownPlan(_read_struct, _no_text, _write_struct),
    struct_pb2.ListValue.DESCRIPTOR.full_name: KnownPlan(_read_list, _no_text, _write_list),
}
