"""The last touch: headers that every reply carries, and compression on request."""

from __future__ import annotations

import gzip
import re
import secrets
import time
from typing import Final

from shelfcast_gateway.application.visit import Visit
from shelfcast_gateway.domain.exchange import Header, Inbound, Outbound

SECURITY: Final[tuple[Header, ...]] = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
SMALLEST_COMPRESSED: Final = 1024
COMPRESSION_LEVEL: Final = 4

_WELL_FORMED: Final = re.compile(rb"[A-Za-z0-9._:/+=-]{8,128}")
_REFUSED_GZIP: Final = re.compile(rb"gzip\s*;\s*q=0(\.0*)?\s*(,|$)")


def request_id_of(inbound: Inbound) -> str:
    """Give the client's request id if it is well formed, else a new one."""
    sent = inbound.headers.get(b"x-request-id")
    if sent is not None and _WELL_FORMED.fullmatch(sent):
        return sent.decode("ascii")
    return secrets.token_hex(16)


def common_headers(visit: Visit, traceparent: str) -> list[Header]:
    """Give the headers that every reply carries."""
    total = time.perf_counter() - visit.started
    steps = "".join(f"{name};dur={seconds * 1000:.2f}, " for name, seconds in visit.timings)
    headers = [
        (b"x-request-id", visit.request_id.encode()),
        (b"server-timing", f"{steps}total;dur={total * 1000:.2f}".encode()),
        *SECURITY,
    ]
    if traceparent:
        headers.append((b"traceparent", traceparent.encode()))
    if visit.limit is not None and visit.verdict is not None:
        headers.append((b"ratelimit-policy", visit.limit.policy.encode()))
        headers.append((b"ratelimit", visit.verdict.header(visit.limit).encode()))
    if visit.cache_status:
        headers.append((b"cache-status", visit.cache_status.encode()))
    return headers


def compressed(inbound: Inbound, outbound: Outbound) -> Outbound:
    """Give the reply compressed if the client asks for it and it is worth it."""
    if len(outbound.body) <= SMALLEST_COMPRESSED:
        return outbound
    accepted = inbound.headers.get(b"accept-encoding", b"")
    if b"gzip" not in accepted or _REFUSED_GZIP.search(accepted):
        return outbound
    headers = [(name, _weak(value) if name == b"etag" else value) for name, value in outbound.headers]
    headers += [(b"content-encoding", b"gzip"), (b"vary", b"accept-encoding")]
    body = gzip.compress(outbound.body, COMPRESSION_LEVEL, mtime=0)
    return Outbound(outbound.status, headers, body)


def _weak(etag: bytes) -> bytes:
    """Give the weak form: a strong tag names exact bytes, which compression changes (RFC 9110, 8.8.1)."""
    return etag if etag.startswith(b"W/") else b"W/" + etag
