"""Uploads: a body or a form becomes a stream of messages, in pieces of at most 1 MiB."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Final

from google.protobuf.message import Message
from shelfcast_servicekit.errors import (
    FieldMissing,
    PayloadTooLarge,
    RequestCancelled,
    ShelfcastError,
    Violation,
)

from shelfcast_gateway.application.admit import Admit, check_key
from shelfcast_gateway.application.openapi import UPLOADS
from shelfcast_gateway.application.serve import finished, onward
from shelfcast_gateway.application.visit import Visit
from shelfcast_gateway.domain.exchange import Inbound, Outbound
from shelfcast_gateway.entrypoints.body import check_length, chunks, media_type
from shelfcast_gateway.entrypoints.channel import Channel
from shelfcast_gateway.entrypoints.multipart import FILE_PART, FormReader
from shelfcast_gateway.errors import MediaTypeUnsupported, UploadBroken
from shelfcast_gateway.ports import Operation

PIECE_BYTES: Final = 1024 * 1024
FORM: Final = "multipart/form-data"
FILE_NAME: Final = "file_name"
_ENCODINGS: Final = frozenset({"", "identity", "gzip"})


@dataclass(frozen=True, slots=True)
class Upload:
    """Serves RPCs that take a stream."""

    admit: Admit
    max_bytes: int

    async def __call__(
        self, operation: Operation, visit: Visit, variables: Mapping[str, str], channel: Channel
    ) -> Outbound:
        """Pass the upload on and give the reply. Raises: ShelfcastError."""
        del variables
        inbound = visit.inbound
        await self.admit.identify(operation.binding, visit)
        kind = _kind(inbound)
        check_length(inbound, self.max_bytes)
        key = inbound.headers.get(b"idempotency-key")
        if key is not None:
            check_key(key)
        await self.admit.enter(operation.binding, visit)
        source = _Source(channel, self.max_bytes)
        first, pieces = await _opened(operation, inbound, kind, source)
        requests = _Requests(operation, first, pieces, source)
        return await self._sent(operation, visit, requests)

    async def _sent(self, operation: Operation, visit: Visit, requests: _Requests) -> Outbound:
        try:
            reply = await operation.upload(requests.stream(), onward(visit))
        except BaseException:
            if requests.fault is not None:  # it, and not the cancelled call, is the cause
                raise requests.fault from None
            raise
        return finished(operation, visit, operation.write(reply))


def _kind(inbound: Inbound) -> str:
    kind = media_type(inbound)
    if kind != FORM and kind not in UPLOADS:
        raise MediaTypeUnsupported(media_type=kind or "(none)", accepted=", ".join((FORM, *UPLOADS)))
    encoding = inbound.header(b"content-encoding").lower()
    if encoding not in _ENCODINGS:
        raise MediaTypeUnsupported(media_type=f"encoding {encoding}", accepted="gzip")
    return kind


async def _opened(
    operation: Operation, inbound: Inbound, kind: str, source: _Source
) -> tuple[Message, AsyncIterator[bytes]]:
    """Give the first message and the iterator over the file's bytes."""
    if kind != FORM:
        return operation.read_fields({}, inbound.query), source.chunks()
    reader = FormReader(inbound.header(b"content-type"))
    incoming = source.chunks()
    await reader.begin(incoming)
    fields = dict(reader.form.fields)
    if reader.form.file_name and b"file_name=" not in inbound.query:
        fields.setdefault(FILE_NAME, [reader.form.file_name])
    first = operation.read_fields(fields, inbound.query)
    if not reader.form.has_file:
        raise FieldMissing(
            violations=[Violation(f"/{FILE_PART}", "This part is required.", "required")], field=FILE_PART
        )
    return first, reader.file(incoming)


class _Source:
    """The body of one request, counted."""

    def __init__(self, channel: Channel, limit: int) -> None:
        self._channel = channel
        self._limit = limit
        self.size = 0

    async def chunks(self) -> AsyncIterator[bytes]:
        async for chunk in chunks(self._channel.receive):
            self.size += len(chunk)
            if self.size > self._limit:
                raise PayloadTooLarge(limit=str(self._limit), size=str(self.size))
            yield chunk


class _Requests:
    """The messages of one upload; remembers why it ended early, which the call cannot say."""

    def __init__(
        self, operation: Operation, first: Message, pieces: AsyncIterator[bytes], source: _Source
    ) -> None:
        self._operation = operation
        self._first = first
        self._pieces = pieces
        self._source = source
        self.fault: ShelfcastError | None = None

    async def stream(self) -> AsyncIterator[Message]:
        yield self._first
        try:
            async for piece in rechunked(self._pieces):
                yield self._operation.chunk(piece)
        except RequestCancelled:
            self.fault = UploadBroken(size=str(self._source.size))
            raise
        except ShelfcastError as error:
            self.fault = error
            raise


async def rechunked(pieces: AsyncIterator[bytes], size: int = PIECE_BYTES) -> AsyncIterator[bytes]:
    """Give the same bytes in pieces of `size`, the last one shorter."""
    buffer = bytearray()
    async for piece in pieces:
        buffer += piece
        while len(buffer) >= size:
            yield bytes(buffer[:size])
            del buffer[:size]
    if buffer:
        yield bytes(buffer)
