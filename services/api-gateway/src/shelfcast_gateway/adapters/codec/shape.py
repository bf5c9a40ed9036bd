"""Questions to field descriptors that reader, writer and OpenAPI all ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

from google.api import field_behavior_pb2

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor


class TypeNotMapped(TypeError):
    """A field's type has no JSON form here; the gateway must not start."""


def behaviours(field: FieldDescriptor) -> frozenset[int]:
    """Give the declared behaviours of a field (REQUIRED, OUTPUT_ONLY, IMMUTABLE, ...)."""
    return frozenset(field.GetOptions().Extensions[field_behavior_pb2.field_behavior])


def is_map(field: FieldDescriptor) -> bool:
    """Whether a field is a map."""
    message = field.message_type
    return message is not None and message.GetOptions().map_entry


def is_list(field: FieldDescriptor) -> bool:
    """Whether a field is a list."""
    return field.is_repeated and not is_map(field)


def message_of(field: FieldDescriptor) -> Descriptor:
    """Give the message type of a field. Raises: TypeNotMapped when it has none."""
    if field.message_type is None:
        raise TypeNotMapped(f"{field.full_name} is no message")
    return field.message_type


def enum_of(field: FieldDescriptor) -> EnumDescriptor:
    """Give the enum type of a field. Raises: TypeNotMapped when it has none."""
    if field.enum_type is None:
        raise TypeNotMapped(f"{field.full_name} is no enum")
    return field.enum_type
