"""A request message from path, query and body, by the rules of its binding."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, cast

from google.protobuf import field_mask_pb2
from google.protobuf.message import Message
from shelfcast_servicekit.errors import BodyMalformed, PayloadTooLarge

from shelfcast_gateway.adapters.codec.fault import Fault, FaultKind, ValueFault, error_of
from shelfcast_gateway.adapters.codec.query import read_path, read_query, read_texts
from shelfcast_gateway.adapters.codec.reader import Faults, MessageReader, ReadPlans, parse_json
from shelfcast_gateway.adapters.codec.shape import TypeNotMapped
from shelfcast_gateway.domain.binding import WHOLE_BODY, Binding
from shelfcast_gateway.domain.exchange import Sent

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor

ETAG: Final = "etag"
MASK: Final = "update_mask"
REPLACE_ALL: Final = "*"


class RequestReader:
    """Fills the request message of one binding."""

    def __init__(self, binding: Binding, request_type: type[Message], plans: ReadPlans) -> None:
        """Check the binding against the type. Raises: TypeNotMapped naming what does not fit."""
        self._binding = binding
        self._type = request_type
        self._reader = plans.reader_of(cast("Descriptor", request_type.DESCRIPTOR))
        self._variables = frozenset(each.field_path for each in binding.template.variables)
        self._check()
        self._body_reader = self._reader_of_body()
        self._taken = self._variables | {binding.body_field}
        self.takes_body = self._find_whether_body_is_due()
        self._has_mask = MASK in self._reader.fields

    def _check(self) -> None:
        fields = self._reader.fields
        for name in self._variables:
            if name not in fields or fields[name].scalar is None or fields[name].is_repeated:
                raise TypeNotMapped(f"{self._binding.template.text}: {name} is no scalar field")
        body = self._binding.body_field
        if body not in {"", WHOLE_BODY} and body not in fields:
            raise TypeNotMapped(f"{self._binding.template.text}: {body} is no field")

    def _reader_of_body(self) -> MessageReader | None:
        body = self._binding.body_field
        if body in {"", WHOLE_BODY} or self._binding.streams_request:
            return None
        return self._reader.fields[body].message

    def _find_whether_body_is_due(self) -> bool:
        if self._binding.body_field == WHOLE_BODY:
            return bool(set(self._reader.fields) - self._variables)
        return bool(self._binding.body_field)

    def read(self, sent: Sent) -> Message:
        """Give the request message.

        Raises: BodyMalformed, PayloadTooLarge, or one error that lists all faults of the request.
        """
        faults: Faults = []
        message = self._type()
        read_path(sent.variables, self._reader, message, faults)
        given = self._read_query(sent.query, message, faults)
        body = self._parse(sent.body)
        if body is not None:
            given |= self._read_body(body, sent.variables, message, faults)
        for name in self._reader.required:
            if name not in given and name not in self._variables:
                faults.append(Fault(FaultKind.MISSING, f"/{name}", "This field is required."))
        if faults:
            raise error_of(faults)
        self._fill_mask(message, body)
        if sent.if_match:
            self._fill_etag(message, sent.if_match)
        return message

    def read_fields(self, texts: Mapping[str, list[str]], query: bytes) -> Message:
        """Give the first message of an upload: its fields from the query and from form parts.

        Raises: one error that lists all faults.
        """
        faults: Faults = []
        message = self._type()
        read_query(query, self._reader, message, {*self._taken, *texts}, faults)
        for name, values in texts.items():
            field = self._reader.fields.get(name)
            if field is None or name in self._taken:
                faults.append(Fault(FaultKind.UNKNOWN, f"/{name[:100]}", "There is no such part."))
            else:
                read_texts(field, values, message, f"/{name}", faults)
        if faults:
            raise error_of(faults)
        return message

    def _read_query(self, query: bytes, message: Message, faults: Faults) -> set[str]:
        if not query:
            return set()
        if self._binding.body_field == WHOLE_BODY:
            return read_query(query, self._reader, message, self._reader.fields, faults)
        return read_query(query, self._reader, message, self._taken, faults)

    def _parse(self, body: bytes) -> object:
        if not self._binding.body_field or (not body and not self.takes_body):
            if body:
                raise BodyMalformed(problem="this route takes no body")
            return None
        if not body.strip():
            raise BodyMalformed(problem="it is empty")
        try:
            parsed = parse_json(body)
        except ValueFault as fault:
            raise BodyMalformed(problem=fault.detail) from fault
        if not isinstance(parsed, dict):
            raise BodyMalformed(problem="it is no JSON object")
        self._check_rows(parsed)
        return parsed

    def _check_rows(self, body: Mapping[str, object]) -> None:
        limit = self._binding.call.max_body_rows
        if not limit:
            return
        rows = max((len(each) for each in body.values() if isinstance(each, list)), default=0)
        if rows > limit:
            raise PayloadTooLarge(limit=str(limit), size=str(rows))

    def _read_body(
        self, body: object, variables: Mapping[str, str], message: Message, faults: Faults
    ) -> set[str]:
        if not isinstance(body, dict):
            return set()
        if self._body_reader is not None:
            target = getattr(message, self._binding.body_field)
            target.SetInParent()
            self._body_reader.read_members(body, target, "", faults)
            if self._binding.verb != "PATCH":
                self._body_reader.check_required(body, "", faults)
            return {self._binding.body_field}
        rest = dict(body)
        for name in self._variables & rest.keys():
            if rest.pop(name) != variables[name]:
                faults.append(Fault(FaultKind.RULE, f"/{name}", "It differs from the path."))
        self._reader.read_members(rest, message, "", faults)
        return {name for name, value in rest.items() if value is not None}

    def _fill_mask(self, message: Message, body: object) -> None:
        """Make the mask that REST implies: PATCH names the members sent, PUT means all of them."""
        if not self._has_mask or message.HasField(MASK):
            return
        mask: field_mask_pb2.FieldMask = getattr(message, MASK)
        if self._binding.verb == "PUT":
            mask.paths.append(REPLACE_ALL)
        elif self._binding.verb == "PATCH" and self._body_reader is not None and isinstance(body, dict):
            fields = self._body_reader.fields
            mask.SetInParent()
            mask.paths.extend(name for name in body if name != ETAG and not fields[name].is_immutable)

    def _fill_etag(self, message: Message, etag: str) -> None:
        if self._body_reader is not None and ETAG in self._body_reader.fields:
            setattr(getattr(message, self._binding.body_field), ETAG, etag)
        elif ETAG in self._reader.fields:
            setattr(message, ETAG, etag)
