"""The field rules of the protos, checked before a servicer sees the message; all faults at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol, cast

import protovalidate
from buf.validate import validate_pb2
from google.protobuf.message import Message

from shelfcast_servicekit.errors import (
    DateMalformed,
    FieldMissing,
    FieldRuleViolated,
    ShelfcastError,
    Violation,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Sequence

    from google.protobuf.descriptor import Descriptor

    from shelfcast_servicekit.interceptors.behaviour import Context, Request, Stream, Unary
    from shelfcast_servicekit.permissions import MethodRule

REQUIRED_RULE: Final = "required"
DATE_RULE: Final = "date"


class ValidationStage:
    """Checks requests whose type has rules; other methods are left as they are."""

    def __init__(self) -> None:
        """Compile rules at the first message of each type."""
        self._validator = protovalidate.Validator()

    def unary(self, rule: MethodRule, inner: Unary) -> Unary:
        """Check the request of a call that answers with one message."""
        if not has_rules(rule.request):
            return inner
        if rule.is_client_streaming:

            async def checked_stream(request: Request, context: Context) -> Message | None:
                return await inner(self._checked(cast("AsyncIterator[Message]", request)), context)

            return checked_stream
        check = self.check

        async def checked(request: Request, context: Context) -> Message | None:
            check(cast("Message", request))
            return await inner(request, context)

        return checked

    def stream(self, rule: MethodRule, inner: Stream) -> Stream:
        """Check the request of a call that answers with a stream."""
        if not has_rules(rule.request):
            return inner

        async def checked(request: Request, context: Context) -> AsyncIterator[Message]:
            if isinstance(request, Message):
                self.check(request)
            else:
                request = self._checked(request)
            async for message in inner(request, context):
                yield message

        return checked

    def check(self, message: Message) -> None:
        """Raise FieldMissing, DateMalformed or FieldRuleViolated with all faults of the message."""
        found = self._validator.collect_violations(message)
        if found:
            raise error_of([violation_of(violation) for violation in found])

    async def _checked(self, messages: AsyncIterator[Message]) -> AsyncIterator[Message]:
        async for message in messages:
            self.check(message)
            yield message


def error_of(violations: Sequence[Violation]) -> ShelfcastError:
    """Give the error for faults: 400 if any is a missing field or an unreadable date, else 422."""
    for violation in violations:
        if violation.rule == REQUIRED_RULE:
            field = violation.pointer.removeprefix("/")
            return FieldMissing(violations=violations, field=field)
    for violation in violations:
        if violation.rule.rpartition(".")[2] == DATE_RULE:
            return DateMalformed(violations=violations, value=violation.pointer.removeprefix("/"))
    return FieldRuleViolated(violations=violations)


class PathElement(Protocol):
    """One step of a field path, as protovalidate reports it."""

    @property
    def field_name(self) -> str:
        """Name of the field."""

    @property
    def subscript(self) -> object:
        """Index or map key below the field; None for the field itself."""


def violation_of(found: protovalidate.Violation) -> Violation:
    """Give our form of a protovalidate violation."""
    proto = found.proto
    elements = proto.field.elements if proto.field is not None else ()
    return Violation(pointer_of(elements), proto.message, proto.rule_id)


def pointer_of(elements: Iterable[PathElement]) -> str:
    """Give the JSON Pointer of a field path: names, list indices and map keys.

    Source: RFC 6901, section 3 (`~` is `~0`, `/` is `~1`).
    """
    parts: list[str] = []
    for element in elements:
        parts.append(element.field_name)
        subscript = _subscript(element)
        if subscript is not None:
            parts.append(subscript)
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in parts)


def has_rules(message: Descriptor) -> bool:
    """Say whether a message type, or one inside it, declares field rules."""
    return _search(message, set())


def _search(message: Descriptor, seen: set[str]) -> bool:
    if message.full_name in seen:
        return False
    seen.add(message.full_name)
    if message.GetOptions().HasExtension(validate_pb2.message):
        return True
    if any(oneof.GetOptions().HasExtension(validate_pb2.oneof) for oneof in message.oneofs):
        return True
    return any(
        field.GetOptions().HasExtension(validate_pb2.field)
        or (field.message_type is not None and _search(field.message_type, seen))
        for field in message.fields
    )


def _subscript(element: PathElement) -> str | None:
    value = getattr(element.subscript, "value", None)
    if isinstance(value, bool):  # a map key
        return str(value).lower()
    return None if value is None else str(value)
