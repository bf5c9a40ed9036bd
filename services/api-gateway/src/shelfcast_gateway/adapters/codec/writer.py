"""Messages to JSON: one plan per message type, compiled at start, fills a dictionary for orjson."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Final, TypeAlias

from google.protobuf.message import Message
from shelfcast.common.v1 import options_pb2

from shelfcast_gateway.adapters.codec.known import KNOWN, Json
from shelfcast_gateway.adapters.codec.scalars import NumberNotFinite, finite_out, scalar_plan
from shelfcast_gateway.adapters.codec.shape import TypeNotMapped, is_map, message_of

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor, FieldDescriptor


class _Omitted:
    """Marks a field that is left out."""


OMITTED: Final = _Omitted()
WriteField: TypeAlias = Callable[[Message], "Json | _Omitted"]
WriteItem: TypeAlias = Callable[[Message], Json]

_FOREIGN: Final = "google."


class MessageWriter:
    """How one message type is written."""

    def __init__(self, descriptor: Descriptor) -> None:
        """Remember the type; `compile` fills in the fields, so that types may contain themselves."""
        self.descriptor = descriptor
        self._fields: tuple[tuple[str, WriteField], ...] = ()

    def compile(self, plans: WritePlans) -> None:
        """Compile all fields. Raises: TypeNotMapped."""
        self._fields = tuple((field.name, _field(field, plans)) for field in self.descriptor.fields)

    def write(self, message: Message) -> dict[str, Json]:
        """Give the JSON object of a message. Raises: NumberNotFinite."""
        members: dict[str, Json] = {}
        for name, emit in self._fields:
            value = emit(message)
            if not isinstance(value, _Omitted):
                members[name] = value
        return members


class WritePlans:
    """All compiled plans, by message type."""

    def __init__(self) -> None:
        """Begin with none."""
        self._writers: dict[str, MessageWriter] = {}

    def writer_of(self, descriptor: Descriptor) -> WriteItem:
        """Give the plan of a type, compiled at the first call. Raises: TypeNotMapped."""
        foreign = KNOWN.get(descriptor.full_name)
        if foreign is not None:
            return foreign.write
        known = self._writers.get(descriptor.full_name)
        if known is not None:
            return known.write
        if descriptor.full_name.startswith(_FOREIGN):
            raise TypeNotMapped(f"{descriptor.full_name} has no JSON form here")
        writer = self._writers[descriptor.full_name] = MessageWriter(descriptor)
        writer.compile(self)
        return writer.write


def _field(field: FieldDescriptor, plans: WritePlans) -> WriteField:
    if is_map(field):
        return _map(field, plans)
    if field.message_type is not None:
        return _messages(field, plans) if field.is_repeated else _message(field, plans)
    return _scalars(field) if field.is_repeated else _scalar(field)


def _scalar(field: FieldDescriptor) -> WriteField:
    get: Callable[[Message], Json] = attrgetter(field.name)
    convert = scalar_plan(field).to_json
    name = field.name
    if field.has_presence:
        unset = _when_unset(field, None)

        def emit_optional(message: Message) -> Json | _Omitted:
            if not message.HasField(name):
                return unset
            value = getattr(message, name)
            return value if convert is None else convert(value)

        return emit_optional
    if convert is None:
        return get
    return lambda message: convert(getattr(message, name))


def _scalars(field: FieldDescriptor) -> WriteField:
    name = field.name
    convert = scalar_plan(field).to_json
    if convert is None:
        return lambda message: list(getattr(message, name))
    if convert is finite_out:
        return lambda message: _finite_list(getattr(message, name))
    return lambda message: [convert(value) for value in getattr(message, name)]


def _finite_list(values: Sequence[float]) -> list[Json]:
    if not all(map(math.isfinite, values)):
        raise NumberNotFinite("a reply holds a number that is not finite")
    return list(values)


def _message(field: FieldDescriptor, plans: WritePlans) -> WriteField:
    name = field.name
    write = plans.writer_of(message_of(field))
    unset = _when_unset(field, OMITTED)

    def emit(message: Message) -> Json | _Omitted:
        return write(getattr(message, name)) if message.HasField(name) else unset

    return emit


def _messages(field: FieldDescriptor, plans: WritePlans) -> WriteField:
    name = field.name
    write = plans.writer_of(message_of(field))
    return lambda message: [write(item) for item in getattr(message, name)]


def _map(field: FieldDescriptor, plans: WritePlans) -> WriteField:
    name = field.name
    value_field = message_of(field).fields_by_name["value"]
    if value_field.message_type is not None:
        write = plans.writer_of(value_field.message_type)
        return lambda message: {_key(key): write(item) for key, item in getattr(message, name).items()}
    convert = scalar_plan(value_field).to_json
    if convert is None:
        return lambda message: {_key(key): item for key, item in getattr(message, name).items()}
    return lambda message: {_key(key): convert(item) for key, item in getattr(message, name).items()}


def _key(key: str | int | bool) -> str:
    return str(key).lower() if isinstance(key, bool) else str(key)


def _when_unset(field: FieldDescriptor, usual: _Omitted | None) -> _Omitted | None:
    declared = field.GetOptions().Extensions[options_pb2.json].when_unset
    return {options_pb2.WHEN_UNSET_NULL: None, options_pb2.WHEN_UNSET_OMIT: OMITTED}.get(declared, usual)
