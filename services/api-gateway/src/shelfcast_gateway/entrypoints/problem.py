"""Error bodies: `application/problem+json` for whatever goes wrong (RFC 9457)."""

from __future__ import annotations

import math
from typing import Final

import orjson
from shelfcast_servicekit.errors import ShelfcastError
from shelfcast_servicekit.status import entry_of, render

from shelfcast_gateway.domain.exchange import Header, Outbound
from shelfcast_gateway.errors import MethodNotAllowed

PROBLEM: Final[Header] = (b"content-type", b"application/problem+json")
NO_STORE: Final[Header] = (b"cache-control", b"no-store")
ERRORS_PAGE: Final = "/docs/errors"
MEMBERS: Final = dict.fromkeys(
    ("PAYLOAD_TOO_LARGE", "EXPANSION_TOO_LARGE", "REPLY_TOO_LARGE"), ("limit", "size")
)
CHALLENGE: Final[Header] = (b"www-authenticate", b'Bearer realm="shelfcast"')
CHALLENGE_INVALID: Final[Header] = (
    b"www-authenticate",
    b'Bearer realm="shelfcast", error="invalid_token"',
)
_FEWEST_WAIT: Final = 1


def problem_body(
    error: ShelfcastError, *, instance: str, request_id: str, trace_id: str
) -> dict[str, object]:
    """Give the members of the problem that an error is."""
    entry = entry_of(error.reason)
    facts = error.metadata if entry.reason == error.reason else {}
    body: dict[str, object] = {
        "type": f"{ERRORS_PAGE}#{entry.reason}",
        "title": entry.title,
        "status": entry.http_status,
        "detail": render(entry.detail, facts),
        "instance": instance,
        "code": entry.reason,
        "request_id": request_id,
        "trace_id": trace_id,
        "errors": [{"pointer": each.pointer, "detail": each.detail} for each in error.violations],
        "hint": render(entry.hint, facts),
    }
    for name in MEMBERS.get(entry.reason, ()):
        if name in facts:
            body[name] = _number(facts[name])
    return body


def _number(text: str) -> object:
    return int(text) if text.isdecimal() else text


def problem(error: ShelfcastError, *, instance: str, request_id: str, trace_id: str) -> Outbound:
    """Give the reply for an error."""
    entry = entry_of(error.reason)
    body = problem_body(error, instance=instance, request_id=request_id, trace_id=trace_id)
    headers: list[Header] = [PROBLEM, NO_STORE, *_extra(error, entry.http_status)]
    return Outbound(entry.http_status, headers, orjson.dumps(body))


def _extra(error: ShelfcastError, status: int) -> list[Header]:
    headers: list[Header] = []
    if status == 401:
        headers.append(CHALLENGE if error.reason == "CREDENTIAL_MISSING" else CHALLENGE_INVALID)
    if isinstance(error, MethodNotAllowed):
        headers.append((b"allow", ", ".join(error.allow).encode()))
    after = error.retry_after_seconds
    if after is None and status == 503:
        after = _FEWEST_WAIT
    if after is not None:
        headers.append((b"retry-after", str(max(_FEWEST_WAIT, math.ceil(after))).encode()))
    return headers
