"""JSON Schemas of messages, by the same rules as the codec."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, TypeAlias

from buf.validate import validate_pb2
from google.api import field_behavior_pb2
from google.protobuf.descriptor import FieldDescriptor
from shelfcast.common.v1 import options_pb2

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor, EnumDescriptor

Schema: TypeAlias = dict[str, object]

KNOWN: Final[Mapping[str, Schema]] = {
    "google.protobuf.Timestamp": {"type": "string", "format": "date-time"},
    "google.protobuf.FieldMask": {"type": "string", "description": "Field paths joined by commas."},
    "google.protobuf.Value": {"description": "Any JSON value."},
    "google.protobuf.Struct": {"type": "object", "additionalProperties": True},
    "google.protobuf.ListValue": {"type": "array", "items": {}},
    "google.protobuf.Empty": {"type": "object"},
}
_INTEGERS: Final = frozenset(
    {
        FieldDescriptor.TYPE_INT32,
        FieldDescriptor.TYPE_SINT32,
        FieldDescriptor.TYPE_SFIXED32,
        FieldDescriptor.TYPE_UINT32,
        FieldDescriptor.TYPE_FIXED32,
    }
)
_RULES: Final = {
    "gte": "minimum",
    "gt": "exclusiveMinimum",
    "lte": "maximum",
    "lt": "exclusiveMaximum",
    "min_len": "minLength",
    "max_len": "maxLength",
    "pattern": "pattern",
    "min_items": "minItems",
    "max_items": "maxItems",
}


class Schemas:
    """Collects the schemas of all messages that a document names."""

    def __init__(self, comments: Mapping[str, str]) -> None:
        """comments: of the protos, by full name."""
        self._comments = comments
        self.components: dict[str, Schema] = {}

    def reference(self, message: Descriptor) -> Schema:
        """Give a reference to a message's schema, which is made at the first call."""
        if message.full_name in KNOWN:
            return dict(KNOWN[message.full_name])
        name = message.full_name.removeprefix("shelfcast.")
        if name not in self.components:
            self.components[name] = {}
            self.components[name] = self.object_of(message)
        return {"$ref": f"#/components/schemas/{name}"}

    def object_of(self, message: Descriptor, without: frozenset[str] = frozenset()) -> Schema:
        """Give the schema of a message, leaving out some fields."""
        fields = [field for field in message.fields if field.name not in without]
        schema: Schema = {
            "type": "object",
            "properties": {field.name: self.field(field) for field in fields},
            "additionalProperties": False,
        }
        required = [field.name for field in fields if is_required(field)]
        if required:
            schema["required"] = required
        return self._described(schema, message.full_name)

    def field(self, field: FieldDescriptor) -> Schema:
        """Give the schema of a field."""
        schema = self._shape(field)
        schema.update(_rules(field))
        if _behaves(field, field_behavior_pb2.OUTPUT_ONLY):
            schema["readOnly"] = True
        if field.GetOptions().deprecated:
            schema["deprecated"] = True
        return self._described(schema, field.full_name)

    def _shape(self, field: FieldDescriptor) -> Schema:
        message = field.message_type
        if message is not None and message.GetOptions().map_entry:
            return {"type": "object", "additionalProperties": self._one(message.fields_by_name["value"])}
        if field.is_repeated:
            return {"type": "array", "items": {**self._one(field), **_item_rules(field)}}
        one = self._one(field)
        return _nullable(one) if _may_be_null(field) else one

    def _one(self, field: FieldDescriptor) -> Schema:
        if field.message_type is not None:
            return self.reference(field.message_type)
        if field.enum_type is not None:
            return {"type": "string", "enum": words(field.enum_type)}
        if field.type in _INTEGERS:
            return {"type": "integer", "format": "int32"}
        if field.type in {FieldDescriptor.TYPE_DOUBLE, FieldDescriptor.TYPE_FLOAT}:
            return {"type": "number", "format": "double"}
        if field.type == FieldDescriptor.TYPE_BOOL:
            return {"type": "boolean"}
        return {"type": "string", **({"format": "byte"} if field.type == FieldDescriptor.TYPE_BYTES else {})}

    def _described(self, schema: Schema, name: str) -> Schema:
        comment = self._comments.get(name)
        return {**schema, "description": comment} if comment else schema


def words(enum: EnumDescriptor) -> list[str]:
    """Give the JSON words of an enum, without the unspecified value."""
    prefix = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", enum.name).upper() + "_"
    found = [value.name.removeprefix(prefix).lower() for value in enum.values]
    return [word for word in found if word != "unspecified"]


def is_required(field: FieldDescriptor) -> bool:
    """Whether a request without the field is refused."""
    return _behaves(field, field_behavior_pb2.REQUIRED)


def _behaves(field: FieldDescriptor, behaviour: int) -> bool:
    return behaviour in field.GetOptions().Extensions[field_behavior_pb2.field_behavior]


def _may_be_null(field: FieldDescriptor) -> bool:
    unset = field.GetOptions().Extensions[options_pb2.json].when_unset
    if unset == options_pb2.WHEN_UNSET_OMIT:
        return False
    if field.message_type is not None:
        return bool(unset == options_pb2.WHEN_UNSET_NULL)
    return field.has_presence or field.enum_type is not None


def _nullable(schema: Schema) -> Schema:
    if "enum" in schema and isinstance(schema["enum"], list):
        return {**schema, "type": ["string", "null"], "enum": [*schema["enum"], None]}
    if "type" in schema:
        return {**schema, "type": [schema["type"], "null"]}
    return {"anyOf": [schema, {"type": "null"}]}


def _rules(field: FieldDescriptor) -> Schema:
    rules = field.GetOptions().Extensions[validate_pb2.field]
    kind = rules.WhichOneof("type")
    return {} if kind is None else _known_rules(getattr(rules, kind))


def _item_rules(field: FieldDescriptor) -> Schema:
    items = field.GetOptions().Extensions[validate_pb2.field].repeated.items
    kind = items.WhichOneof("type")
    return {} if kind is None else _known_rules(getattr(items, kind))


def _known_rules(rules: object) -> Schema:
    listed = rules.ListFields()  # type: ignore[attr-defined]  # rules of some type, all messages
    return {_RULES[field.name]: value for field, value in listed if field.name in _RULES}
