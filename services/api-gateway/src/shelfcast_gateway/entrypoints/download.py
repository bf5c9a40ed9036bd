"""Files on their way out: the bytes of an RPC that answers with `google.api.HttpBody` messages."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Final, cast
from urllib.parse import unquote

from google.api.httpbody_pb2 import HttpBody
from google.protobuf.message import Message
from shelfcast_servicekit.errors import ShelfcastError

from shelfcast_gateway.application.admit import Admit
from shelfcast_gateway.application.visit import Visit
from shelfcast_gateway.domain.exchange import Outbound, Sent
from shelfcast_gateway.entrypoints.channel import Channel
from shelfcast_gateway.entrypoints.finish import common_headers
from shelfcast_gateway.ports import Operation

UNKNOWN_KIND: Final = "application/octet-stream"
_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Download:
    """Serves RPCs that answer with a file, piece by piece; only one piece is held."""

    admit: Admit

    async def __call__(
        self, operation: Operation, visit: Visit, variables: Mapping[str, str], channel: Channel
    ) -> Outbound | None:
        """Send the file. Raises: ShelfcastError before the first byte.

        A file that breaks off later is not ended properly, so that no client takes a part for the whole.
        """
        await self.admit.identify(operation.binding, visit)
        request = operation.read(Sent(variables, visit.inbound.query))
        await self.admit.enter(operation.binding, visit)
        async with contextlib.aclosing(operation.watch(request)) as pieces, channel.presence:
            first = await anext(pieces, None)
            await self._begin(cast("HttpBody | None", first), visit, channel)
            if visit.inbound.method != "HEAD" and not await _rest(first, pieces, channel):
                return None
            await channel.send({"type": "http.response.body", "body": b""})
        return None

    async def _begin(self, first: HttpBody | None, visit: Visit, channel: Channel) -> None:
        kind = first.content_type if first is not None and first.content_type else UNKNOWN_KIND
        name = unquote(visit.inbound.path.rpartition(b"/")[2].decode("ascii", "replace"))
        headers = [
            (b"content-type", kind.encode("latin-1", "replace")),
            (b"content-disposition", f'attachment; filename="{_plain(name)}"'.encode()),
            (b"cache-control", b"no-store"),
            *common_headers(visit, channel.traceparent),
        ]
        await channel.send({"type": "http.response.start", "status": 200, "headers": headers})


async def _rest(first: Message | None, pieces: AsyncIterator[Message], channel: Channel) -> bool:
    """Send all pieces; say whether the file is whole."""
    try:
        piece = first
        while piece is not None:
            data = cast("HttpBody", piece).data
            if data:
                await channel.send({"type": "http.response.body", "body": data, "more_body": True})
            piece = await anext(pieces, None)
    except ShelfcastError as error:
        _LOG.warning("a download broke off: %s", error.reason)
        return False
    return True


def _plain(name: str) -> str:
    return "".join(each if each.isascii() and (each.isalnum() or each in "._-") else "_" for each in name)
