"""Attribute values of OTLP as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson

from shelfcast_monitoring.domain.text_limit import VALUE_CHARACTERS, cut_attributes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

DEEPEST: Final = 4
"""Levels of lists and maps inside a value that are shown."""
MOST_ELEMENTS: Final = 64
"""Elements of a list or map inside a value that are shown."""
MOST_SEARCHED: Final = 128

_LEFT_OUT: Final = "…"


def text_of(value: AnyValue) -> str:
    """Give an attribute value as text: scalars plainly, lists and maps as JSON, bytes in hex."""
    kind = value.WhichOneof("value")
    if kind == "string_value":
        return value.string_value
    if kind == "bool_value":
        return "true" if value.bool_value else "false"
    if kind in {"int_value", "double_value"}:
        return str(getattr(value, kind))
    if kind == "bytes_value":
        return value.bytes_value[: VALUE_CHARACTERS // 2].hex()
    return "" if kind is None else orjson.dumps(_plain(value, DEEPEST)).decode()


def _plain(value: AnyValue, depth: int) -> object:
    """Give a value as plain JSON types, with lists, maps and depth cut."""
    kind = value.WhichOneof("value")
    if kind == "array_value":
        if not depth:
            return _LEFT_OUT
        return [_plain(element, depth - 1) for element in value.array_value.values[:MOST_ELEMENTS]]
    if kind == "kvlist_value":
        if not depth:
            return _LEFT_OUT
        return {pair.key: _plain(pair.value, depth - 1) for pair in value.kvlist_value.values[:MOST_ELEMENTS]}
    if kind in {"bool_value", "double_value"}:
        return getattr(value, kind)
    return None if kind is None else text_of(value)


def attributes_of(pairs: Sequence[KeyValue]) -> dict[str, str]:
    """Give attributes as text, within the limits."""
    return cut_attributes(((pair.key, text_of(pair.value)) for pair in pairs), len(pairs))


def string_attribute(pairs: Sequence[KeyValue], key: str, characters: int) -> str:
    """Give the text of one string attribute, cut; empty where it is not among the first 128."""
    for pair in pairs[:MOST_SEARCHED]:
        if pair.key == key:
            return text_of(pair.value)[:characters]
    return ""
