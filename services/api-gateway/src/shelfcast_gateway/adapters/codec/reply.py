"""A reply message in its HTTP form: JSON, entity tag, location, and the copy kept for bad days."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson
from google.protobuf.message import Message
from shelfcast.common.v1 import options_pb2

from shelfcast_gateway.adapters.codec.known import Json
from shelfcast_gateway.adapters.codec.shape import TypeNotMapped
from shelfcast_gateway.adapters.codec.writer import WritePlans
from shelfcast_gateway.domain.binding import Binding
from shelfcast_gateway.domain.etag import strong, weak_of
from shelfcast_gateway.domain.exchange import Written

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor

EMPTY: Final = "google.protobuf.Empty"
VERSIONS: Final = ("data_version", "model_version")
BEST: Final = 1
"""Number of the best step in an enum of steps: the first that is stated."""


class ReplyWriter:
    """Writes the replies of one binding."""

    def __init__(self, binding: Binding, reply: Descriptor, plans: WritePlans) -> None:
        """Compile the plan. Raises: TypeNotMapped when type and binding do not fit."""
        self._write = _unwritten if binding.gives_file else plans.writer_of(reply)
        self._is_empty = reply.full_name == EMPTY
        self._has_etag = "etag" in reply.fields_by_name
        self._hashes = binding.verb == "GET"
        self._location = binding.call.location
        self._keeps_stale = binding.is_cacheable and binding.call.stale_seconds > 0
        self._step, self._stale_word = _stale_rule(reply)
        self._versions = tuple(name if name in reply.fields_by_name else "" for name in VERSIONS)
        if self._location is not None:
            _check_location(binding, reply)

    def write(self, message: Message) -> Written:
        """Give the HTTP form. Raises: NumberNotFinite."""
        if self._is_empty:
            return Written(b"", "")
        members = self._write(message)
        body = orjson.dumps(members)
        return Written(
            body=body,
            etag=self._etag(message, body),
            location=self._located(message),
            stale_body=self._stale(members) if self._keeps_stale else b"",
            is_best=not self._step or getattr(message, self._step) == BEST,
            versions=(_text(message, self._versions[0]), _text(message, self._versions[1])),
        )

    def json_line(self, message: Message) -> bytes:
        """Give one message of a stream. Raises: NumberNotFinite."""
        return orjson.dumps(self._write(message))

    def _etag(self, message: Message, body: bytes) -> str:
        if self._has_etag and message.etag:  # type: ignore[attr-defined]  # known from the descriptor
            return strong(message.etag)  # type: ignore[attr-defined]  # known from the descriptor
        return weak_of(body) if self._hashes else ""

    def _located(self, message: Message) -> str:
        if self._location is None:
            return ""
        names = [each.field_path for each in self._location.variables]
        return self._location.expand({name: str(getattr(message, name)) for name in names})

    def _stale(self, members: Json) -> bytes:
        if not self._step or not isinstance(members, dict):
            return orjson.dumps(members)
        return orjson.dumps({**members, self._step: self._stale_word})


def _stale_rule(reply: Descriptor) -> tuple[str, str]:
    for field in reply.fields:
        word = field.GetOptions().Extensions[options_pb2.json].when_stale
        if word:
            return field.name, word
    return "", ""


def _unwritten(message: Message) -> Json:
    raise TypeNotMapped(f"{message.DESCRIPTOR.full_name} goes out as it is")


def _check_location(binding: Binding, reply: Descriptor) -> None:
    names = [each.field_path for each in binding.call.location.variables] if binding.call.location else []
    missing = [name for name in names if name not in reply.fields_by_name]
    if missing:
        raise TypeNotMapped(f"{binding.rpc}: location names {', '.join(missing)}, which the reply lacks")


def _text(message: Message, name: str) -> str | None:
    return str(getattr(message, name)) if name else None
