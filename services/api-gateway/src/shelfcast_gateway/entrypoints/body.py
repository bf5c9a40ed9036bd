"""Bodies: read whole within a limit, or chunk by chunk; never more than was agreed."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any, Final, TypeAlias

from shelfcast_servicekit.errors import BodyMalformed, PayloadTooLarge, RequestCancelled

from shelfcast_gateway.domain.exchange import Inbound
from shelfcast_gateway.errors import MediaTypeUnsupported

AsgiMessage: TypeAlias = MutableMapping[str, Any]
"""Message of the ASGI protocol, whose values have no common type."""
Receive: TypeAlias = Callable[[], Awaitable[AsgiMessage]]
Send: TypeAlias = Callable[[AsgiMessage], Awaitable[None]]

JSON_TYPE: Final = "application/json"
GZIP_WINDOW: Final = 31
MOST_EXPANSION: Final = 200
"""Largest ratio of expanded to compressed size."""


async def chunks(receive: Receive) -> AsyncIterator[bytes]:
    """Give the body as it comes. Raises: RequestCancelled when the client goes away before its end."""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise RequestCancelled
        data = message.get("body", b"")
        if data:
            yield data
        if not message.get("more_body", False):
            return


async def whole(receive: Receive, inbound: Inbound, limit: int) -> bytes:
    """Give the whole body, expanded.

    Raises: MediaTypeUnsupported, PayloadTooLarge, BodyMalformed, RequestCancelled.
    """
    encoding = inbound.header(b"content-encoding").lower()
    if encoding not in {"", "identity", "gzip"}:
        raise MediaTypeUnsupported(media_type=f"encoding {encoding}", accepted="gzip")
    check_length(inbound, limit)
    parts: list[bytes] = []
    size = 0
    async for part in chunks(receive):
        size += len(part)
        if size > limit:
            raise PayloadTooLarge(limit=str(limit), size=str(size))
        parts.append(part)
    body = b"".join(parts)
    if body:
        check_json(inbound)
    return expanded(body, limit) if encoding == "gzip" else body


def check_length(inbound: Inbound, limit: int) -> None:
    """Check the declared length. Raises: PayloadTooLarge."""
    declared = inbound.header(b"content-length")
    if declared.isdecimal() and int(declared) > limit:
        raise PayloadTooLarge(limit=str(limit), size=declared)


def media_type(inbound: Inbound) -> str:
    """Give the declared media type without its parameters, lower case."""
    return inbound.header(b"content-type").partition(";")[0].strip().lower()


def check_json(inbound: Inbound) -> None:
    """Check that the body is declared as JSON in UTF-8. Raises: MediaTypeUnsupported."""
    kind = media_type(inbound)
    if kind != JSON_TYPE and not (kind.startswith("application/") and kind.endswith("+json")):
        raise MediaTypeUnsupported(media_type=kind or "(none)", accepted=JSON_TYPE)
    _, _, charset = inbound.header(b"content-type").lower().partition("charset=")
    if charset and charset.split(";")[0].strip(' "') not in {"utf-8", "utf8"}:
        raise MediaTypeUnsupported(media_type=f"charset {charset}", accepted=f"{JSON_TYPE} in utf-8")


def expanded(body: bytes, limit: int) -> bytes:
    """Give the expanded form of a gzip body.

    Raises: PayloadTooLarge past the limit of size or ratio, BodyMalformed when it is no gzip.
    """
    cap = min(limit, max(len(body), 1024) * MOST_EXPANSION)
    stream = zlib.decompressobj(GZIP_WINDOW)
    try:
        text = stream.decompress(body, cap + 1)
    except zlib.error as error:
        raise BodyMalformed(problem="it is no gzip stream") from error
    if len(text) > cap:
        raise PayloadTooLarge(limit=str(cap), size=f"over {cap}")
    if not stream.eof:
        raise BodyMalformed(problem="its gzip stream is cut off")
    return text
