"""JSON to messages: one plan per message type, compiled at start; all faults are collected."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, TypeAlias

import orjson
from google.api import field_behavior_pb2
from google.protobuf.message import Message

from shelfcast_gateway.adapters.codec.fault import MOST_FAULTS, Fault, FaultKind, ValueFault, token
from shelfcast_gateway.adapters.codec.known import KNOWN, KnownPlan
from shelfcast_gateway.adapters.codec.scalars import ScalarPlan, scalar_plan
from shelfcast_gateway.adapters.codec.shape import TypeNotMapped, behaviours, is_list, is_map, message_of

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor, FieldDescriptor

Faults: TypeAlias = list[Fault]
ReadField: TypeAlias = Callable[[object, Message, str, Faults], None]
ReadItem: TypeAlias = Callable[[object, str, Faults], None]

_FOREIGN: Final = "google."


class FieldReader:
    """How one field is read."""

    def __init__(self, field: FieldDescriptor, plans: ReadPlans) -> None:
        """Compile the plan of a field. Raises: TypeNotMapped."""
        declared = behaviours(field)
        self.name: Final[str] = field.name
        self.is_required = field_behavior_pb2.REQUIRED in declared
        self.is_read_only = field_behavior_pb2.OUTPUT_ONLY in declared
        self.is_immutable = field_behavior_pb2.IMMUTABLE in declared
        self.is_repeated = is_list(field)
        self.is_map = is_map(field)
        self.oneof = _oneof_name(field)
        message = field.message_type
        self.known: KnownPlan | None = None if message is None else KNOWN.get(message.full_name)
        self.scalar: ScalarPlan | None = None if message is not None else scalar_plan(field)
        self.takes_null = self.known is not None and self.known.takes_null and not self.is_repeated
        self.message: MessageReader | None = None
        if message is not None and self.known is None and not self.is_map:
            self.message = plans.reader_of(message)
        self.read: ReadField = self._compile(field, plans)

    def _compile(self, field: FieldDescriptor, plans: ReadPlans) -> ReadField:
        if self.is_map:
            return _map_reader(field, plans)
        if self.scalar is not None:
            convert = self.scalar.from_json
            return _scalar_list(self.name, convert) if self.is_repeated else _scalar(self.name, convert)
        item = _item_reader(self.known, self.message)
        return _message_list(self.name, item) if self.is_repeated else _message(self.name, item)


ReadMessage: TypeAlias = Callable[[object, Message, str, Faults], None]


def _item_reader(known: KnownPlan | None, reader: MessageReader | None) -> ReadMessage:
    if reader is not None:
        return reader.read
    if known is None:
        raise TypeNotMapped("a message type has no plan")
    read = known.read

    def read_known(value: object, message: Message, pointer: str, faults: Faults) -> None:
        try:
            read(value, message)
        except ValueFault as fault:
            faults.append(fault.at(pointer))

    return read_known


def _oneof_name(field: FieldDescriptor) -> str:
    oneof = field.containing_oneof
    return "" if oneof is None or oneof.name.startswith("_") else oneof.name


def _scalar(name: str, convert: Callable[[object], object]) -> ReadField:
    def read(value: object, message: Message, pointer: str, faults: Faults) -> None:
        try:
            setattr(message, name, convert(value))
        except ValueFault as fault:
            faults.append(fault.at(pointer))

    return read


def _scalar_list(name: str, convert: Callable[[object], object]) -> ReadField:
    def read(value: object, message: Message, pointer: str, faults: Faults) -> None:
        if not isinstance(value, list):
            faults.append(Fault(FaultKind.UNREADABLE, pointer, "A list is due."))
            return
        target = getattr(message, name)
        for index, item in enumerate(value):
            try:
                target.append(convert(item))
            except ValueFault as fault:
                faults.append(fault.at(f"{pointer}/{index}"))
                if len(faults) >= MOST_FAULTS:
                    return

    return read


def _message(name: str, read_item: ReadMessage) -> ReadField:
    def read(value: object, message: Message, pointer: str, faults: Faults) -> None:
        target = getattr(message, name)
        target.SetInParent()
        read_item(value, target, pointer, faults)

    return read


def _message_list(name: str, read_item: ReadMessage) -> ReadField:
    def read(value: object, message: Message, pointer: str, faults: Faults) -> None:
        if not isinstance(value, list):
            faults.append(Fault(FaultKind.UNREADABLE, pointer, "A list is due."))
            return
        add = getattr(message, name).add
        for index, item in enumerate(value):
            read_item(item, add(), f"{pointer}/{index}", faults)
            if len(faults) >= MOST_FAULTS:
                return

    return read


def _map_reader(field: FieldDescriptor, plans: ReadPlans) -> ReadField:
    entry = message_of(field)
    key_plan = scalar_plan(entry.fields_by_name["key"])
    value_field = entry.fields_by_name["value"]
    store = _map_store(value_field, plans)
    name = field.name

    def read(value: object, message: Message, pointer: str, faults: Faults) -> None:
        if not isinstance(value, dict):
            faults.append(Fault(FaultKind.UNREADABLE, pointer, "An object is due."))
            return
        target = getattr(message, name)
        for key, item in value.items():
            place = f"{pointer}/{token(key)}"
            try:
                store(target, key_plan.from_text(key), item, place, faults)
            except ValueFault as fault:
                faults.append(fault.at(place))

    return read


MapStore: TypeAlias = Callable[[object, object, object, str, Faults], None]


def _map_store(field: FieldDescriptor, plans: ReadPlans) -> MapStore:
    message = field.message_type
    if message is None:
        convert = scalar_plan(field).from_json

        def store_scalar(target: object, key: object, item: object, place: str, faults: Faults) -> None:
            del place, faults
            target[key] = convert(item)  # type: ignore[index]  # a protobuf map has no common type

        return store_scalar
    known = KNOWN.get(message.full_name)
    read_item = _item_reader(known, None if known else plans.reader_of(message))

    def store_message(target: object, key: object, item: object, place: str, faults: Faults) -> None:
        read_item(item, target[key], place, faults)  # type: ignore[index]  # as above

    return store_message


class MessageReader:
    """How one message type is read."""

    def __init__(self, descriptor: Descriptor) -> None:
        """Remember the type; `compile` fills in the fields, so that types may contain themselves."""
        self.descriptor = descriptor
        self.fields: dict[str, FieldReader] = {}
        self.required: tuple[str, ...] = ()
        self._has_oneofs = False

    def compile(self, plans: ReadPlans) -> None:
        """Compile all fields. Raises: TypeNotMapped."""
        for field in self.descriptor.fields:
            self.fields[field.name] = FieldReader(field, plans)
        self.required = tuple(name for name, field in self.fields.items() if field.is_required)
        self._has_oneofs = any(field.oneof for field in self.fields.values())

    def read(self, value: object, message: Message, pointer: str, faults: Faults) -> None:
        """Fill `message` from a JSON object, whole: required members must be there."""
        if not isinstance(value, dict):
            faults.append(Fault(FaultKind.UNREADABLE, pointer, "An object is due."))
            return
        self.read_members(value, message, pointer, faults)
        self.check_required(value, pointer, faults)

    def read_members(
        self, members: Mapping[str, object], message: Message, pointer: str, faults: Faults
    ) -> None:
        """Fill `message` from the members of an object; null counts as absent."""
        fields = self.fields
        for name, value in members.items():
            field = fields.get(name)
            if field is None:
                faults.append(_unknown(name, pointer, fields))
                if len(faults) >= MOST_FAULTS:
                    return
            elif field.is_read_only:
                place = f"{pointer}/{name}"
                faults.append(Fault(FaultKind.READ_ONLY, place, "This member can only be read."))
            elif value is not None or field.takes_null:
                field.read(value, message, f"{pointer}/{name}", faults)
        if self._has_oneofs:
            self._check_oneofs(members, pointer, faults)

    def check_required(self, members: Mapping[str, object], pointer: str, faults: Faults) -> None:
        """Report the required members that are not there."""
        for name in self.required:
            if members.get(name) is None:
                faults.append(Fault(FaultKind.MISSING, f"{pointer}/{name}", "This member is required."))

    def _check_oneofs(self, members: Mapping[str, object], pointer: str, faults: Faults) -> None:
        seen: dict[str, str] = {}
        for name, value in members.items():
            field = self.fields.get(name)
            if field is None or not field.oneof or value is None:
                continue
            other = seen.setdefault(field.oneof, name)
            if other != name:
                detail = f"Only one of {other} and {name} may be present."
                faults.append(Fault(FaultKind.UNREADABLE, f"{pointer}/{name}", detail))


def _unknown(name: str, pointer: str, fields: Mapping[str, FieldReader]) -> Fault:
    place = f"{pointer}/{token(name[:100])}"
    known = ", ".join(each.name for each in fields.values() if not each.is_read_only)
    detail = f"There is no such field; known: {known}." if known else "No field is known here."
    return Fault(FaultKind.UNKNOWN, place, detail)


class ReadPlans:
    """All compiled plans, by message type."""

    def __init__(self) -> None:
        """Begin with none."""
        self._readers: dict[str, MessageReader] = {}

    def reader_of(self, descriptor: Descriptor) -> MessageReader:
        """Give the plan of a type, compiled at the first call. Raises: TypeNotMapped."""
        known = self._readers.get(descriptor.full_name)
        if known is not None:
            return known
        if descriptor.full_name.startswith(_FOREIGN):
            raise TypeNotMapped(f"{descriptor.full_name} has no JSON form here")
        reader = self._readers[descriptor.full_name] = MessageReader(descriptor)
        reader.compile(self)
        return reader


def parse_json(body: bytes) -> object:
    """Give the value of a JSON text; duplicate keys: the last counts.

    Raises: ValueFault saying where the text breaks off from JSON.
    """
    try:
        value: object = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ValueFault(str(error)) from error
    return value
