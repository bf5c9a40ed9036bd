"""One binding, compiled: its reader, its RPC and its writer."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from typing import TYPE_CHECKING, Final

from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from shelfcast_gateway.adapters.codec.reader import ReadPlans
from shelfcast_gateway.adapters.codec.reply import ReplyWriter
from shelfcast_gateway.adapters.codec.request import RequestReader
from shelfcast_gateway.adapters.codec.writer import WritePlans
from shelfcast_gateway.adapters.upstreams import UpstreamMethod
from shelfcast_gateway.domain.binding import Binding
from shelfcast_gateway.domain.exchange import Sent

if TYPE_CHECKING:
    from google.protobuf.descriptor import MethodDescriptor


MOST_NAMED: Final = 4096
LONGEST_NAMED: Final = 1024


class Plans:
    """The compiled plans of all message types, shared by all operations."""

    def __init__(self) -> None:
        """Begin with none."""
        self.readers = ReadPlans()
        self.writers = WritePlans()


class RpcOperation:
    """Reads requests, calls the RPC, writes replies."""

    def __init__(
        self, binding: Binding, method: MethodDescriptor, plans: Plans, upstream: UpstreamMethod
    ) -> None:
        """Compile. Raises: TypeNotMapped when binding and types do not fit."""
        self.binding = binding
        self._request_type = GetMessageClass(method.input_type)
        self._reader = RequestReader(binding, self._request_type, plans.readers)
        self._writer = ReplyWriter(binding, method.output_type, plans.writers)
        self._upstream = upstream
        self._named: dict[tuple[tuple[str, ...], bytes], tuple[Message, str]] = {}
        self._prefix = binding.rpc.encode() + b"\0"
        self.takes_body = self._reader.takes_body
        self.read = self._reader.read
        self.read_fields = self._reader.read_fields
        self.write = self._writer.write
        self.json_line = self._writer.json_line

    def chunk(self, data: bytes) -> Message:
        """Give a further message of an upload."""
        return self._request_type(**{self.binding.body_field: data})

    def read_named(self, sent: Sent) -> tuple[Message, str]:
        """Give the request of a route without a body, and its digest.

        Remembered by path and query, from which both follow: reading and digesting take some 40 us, which
        a cached reply need not pay twice. The message is never changed after it was read.
        """
        name = (tuple(sent.variables.values()), sent.query)
        known = self._named.get(name)
        if known is None:
            request = self.read(sent)
            known = (request, self.digest(request))
            if len(self._named) >= MOST_NAMED:
                self._named.clear()
            if len(sent.query) <= LONGEST_NAMED:
                self._named[name] = known
        return known

    def digest(self, request: Message) -> str:
        """Give the name of a request among those of all RPCs, the same in every process."""
        text = self._prefix + request.SerializeToString(deterministic=True)
        return hashlib.blake2b(text, digest_size=16).hexdigest()

    async def call(self, request: Message, metadata: Mapping[str, str]) -> Message:
        """Give the reply; cancelled with the awaiting task. Raises: ShelfcastError."""
        return await self._upstream.call(request, metadata)

    async def upload(self, requests: AsyncIterator[Message], metadata: Mapping[str, str]) -> Message:
        """Give the reply to a stream of messages. Raises: ShelfcastError."""
        return await self._upstream.upload(requests, metadata)

    def watch(self, request: Message) -> AsyncGenerator[Message, None]:
        """Give the replies of a streaming RPC. Raises: ShelfcastError."""
        return self._upstream.stream(request)
