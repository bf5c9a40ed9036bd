"""Entity tags: read from If-Match and If-None-Match, written as ETag.

Source: RFC 9110, section 8.8.3.
"""

from __future__ import annotations

import hashlib

ANY = "*"


def strong(tag: str) -> str:
    """Give the header value of a stored version tag.

    >>> strong("7")
    '"7"'
    """
    return f'"{tag}"'


def weak_of(body: bytes) -> str:
    """Give a weak tag for a body that has no stored version."""
    return f'W/"{hashlib.blake2b(body, digest_size=9).hexdigest()}"'


def listed(header: str) -> list[str]:
    """Give the opaque tags of a header, weakness and quotes taken off.

    >>> listed('W/"a", "b", c')
    ['a', 'b', 'c']
    """
    parts = (part.strip().removeprefix("W/").strip('"') for part in header.split(","))
    return [part for part in parts if part]


def is_match(if_none_match: str, etag: str) -> bool:
    """Say whether the client has the version already (weak comparison)."""
    tags = listed(if_none_match)
    return ANY in tags or listed(etag)[0] in tags
