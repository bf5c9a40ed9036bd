"""Lists of the service's own RPCs as tables: their messages, field by field, in columns."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from google.api import annotations_pb2
from google.protobuf import descriptor_pool, json_format, message_factory
from google.protobuf.descriptor import FieldDescriptor
from shelfcast_servicekit.paging import MAX_PAGE_SIZE
from shelfcast_servicekit.permissions import method_rules

from shelfcast_data.domain.export import Column, Kind
from shelfcast_data.errors import ExportFilterUnknown

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor, EnumDescriptor
    from google.protobuf.message import Message
    from shelfcast_servicekit.lifecycle import Registration

    from shelfcast_data.domain.export import Part

_SAME: Final = {"start": "start_date", "end": "end_date"}
"""Other names of an export's filters in the lists."""
_LIST_PATH: Final = re.compile(r"/api/v1/([a-z0-9-]+)")
_INSTANT: Final = "google.protobuf.Timestamp"
_KINDS: Final = {
    FieldDescriptor.CPPTYPE_DOUBLE: Kind.NUMBER,
    FieldDescriptor.CPPTYPE_FLOAT: Kind.NUMBER,
    FieldDescriptor.CPPTYPE_INT32: Kind.WHOLE,
    FieldDescriptor.CPPTYPE_INT64: Kind.WHOLE,
    FieldDescriptor.CPPTYPE_UINT32: Kind.WHOLE,
    FieldDescriptor.CPPTYPE_BOOL: Kind.FLAG,
}


@dataclass(frozen=True, slots=True)
class ListTable:
    """One list RPC as a table."""

    name: str
    """Last word of its route, for instance `products`."""
    permission: str
    """What its caller needs."""
    call: Callable[[Any, Any], Any]
    """The servicer's method."""
    request: Descriptor
    """Type of its request."""
    elements: str
    """Field of the reply that holds the elements."""
    fields: Sequence[FieldDescriptor]
    """Fields of an element, in their order."""

    @property
    def columns(self) -> Sequence[Column]:
        """Give the columns: the fields of an element."""
        return [Column(field.name, _kind(field)) for field in self.fields]

    async def parts(self, filters: Mapping[str, str]) -> AsyncGenerator[Part]:
        """Give all rows, page by page.

        filters: values of the request's fields. Raises: ExportFilterUnknown; what the RPC raises.
        """
        fields = self.request.fields_by_name
        named = {name if name in fields else _SAME.get(name, name): value for name, value in filters.items()}
        for name, known in zip(filters, named, strict=True):
            if known not in fields:
                raise ExportFilterUnknown(list=self.name, filter=name)
        request = message_factory.GetMessageClass(self.request)
        page_token: str | None = ""
        while page_token is not None:
            wanted = request(page_size=MAX_PAGE_SIZE, page_token=page_token, **named)
            reply = await self.call(wanted, None)
            yield self._part(getattr(reply, self.elements))
            page_token = reply.next_page_token or None

    def _part(self, elements: Sequence[Message]) -> Part:
        return {field.name: [_value(element, field) for element in elements] for field in self.fields}


def list_tables(registrations: Iterable[Registration]) -> Mapping[str, ListTable]:
    """Give the lists among the RPCs of some services, by name."""
    return {table.name: table for each in registrations for table in _tables_of(each)}


def _tables_of(registration: Registration) -> Iterator[ListTable]:
    service = descriptor_pool.Default().FindServiceByName(registration.full_name)
    rules = {rule.method: rule for rule in method_rules(service).values()}
    for method in service.methods:
        path = _LIST_PATH.fullmatch(method.GetOptions().Extensions[annotations_pb2.http].get)
        elements = _elements(method.output_type)
        if path is None or elements is None or elements.message_type is None:
            continue
        yield ListTable(
            name=path.group(1),
            permission=rules[method.name].permission,
            call=getattr(registration.servicer, method.name),
            request=method.input_type,
            elements=elements.name,
            fields=elements.message_type.fields,
        )


def _elements(reply: Descriptor) -> FieldDescriptor | None:
    """Give the field of the elements in the reply of a list; None if it is none."""
    if "next_page_token" not in reply.fields_by_name:
        return None
    return next((field for field in reply.fields if field.message_type and _is_repeated(field)), None)


def _is_repeated(field: FieldDescriptor) -> bool:
    return bool(field.is_repeated)


def _kind(field: FieldDescriptor) -> Kind:
    if _is_repeated(field):
        return Kind.TEXT
    if field.message_type is not None and field.message_type.full_name == _INSTANT:
        return Kind.INSTANT
    return _KINDS.get(field.cpp_type, Kind.TEXT)


def _value(message: Message, field: FieldDescriptor) -> object:
    if field.has_presence and not message.HasField(field.name):
        return None
    value = getattr(message, field.name)
    if field.message_type is not None or _is_repeated(field):
        if _kind(field) is Kind.INSTANT:
            return value.ToDatetime()
        plain = json_format.MessageToDict(message, preserving_proto_field_name=True).get(field.name)
        return None if plain is None else json.dumps(plain, ensure_ascii=False, sort_keys=True)
    return value if field.enum_type is None else _word(field.enum_type, value)


def _word(enum: EnumDescriptor, number: int) -> str | None:
    """Give the word of an enum's value as the REST surface writes it; None for the unspecified one."""
    values = enum.values_by_number
    prefix = values[0].name.removesuffix("UNSPECIFIED")
    return values[number].name.removeprefix(prefix).lower() if number else None
