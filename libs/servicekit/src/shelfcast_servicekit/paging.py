"""Page tokens that nobody can forge, move to another list, or keep for ever."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time
from typing import TYPE_CHECKING, Final

import orjson

from shelfcast_servicekit.errors import FieldRuleViolated, PageTokenInvalid, Violation

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

DEFAULT_PAGE_SIZE: Final = 50
MAX_PAGE_SIZE: Final = 1000
LIFETIME_SECONDS: Final = 86_400

_TAG_BYTES: Final = 16


def page_size_of(asked: int) -> int:
    """Give the size of a page: 50 when not asked for, at most 1000.

    Raises: FieldRuleViolated when it is negative.
    """
    if asked < 0:
        fault = Violation("/page_size", "page_size is 0 or more.", "int32.gte")
        raise FieldRuleViolated(violations=[fault])
    return min(asked or DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE)


class PageTokens:
    """Issues and reads the tokens of keyset pages, bound to tenant, filters and order."""

    def __init__(self, key: bytes, *, now: Callable[[], float] = time.time) -> None:
        """Derive an own key from `key`, so that no other use of it can make page tokens."""
        self._key = hmac.digest(key, b"shelfcast/page-token/1", "sha256")
        self._now = now

    def issue(self, tenant: str, scope: Mapping[str, str], position: Sequence[str]) -> str:
        """Give the token of the page that begins after `position`.

        scope: list name, filters, order and as_of; the same must come back with the token.
        """
        expires_at = int(self._now()) + LIFETIME_SECONDS
        body = orjson.dumps([expires_at, *position])
        tag = self._tag(tenant, scope, body)
        return base64.urlsafe_b64encode(tag + body).rstrip(b"=").decode()

    def read(self, token: str, tenant: str, scope: Mapping[str, str]) -> tuple[str, ...]:
        """Give the position in a token; () for the empty token, which means the first page.

        Raises: PageTokenInvalid unless the token is ours, for this tenant and scope, and fresh.
        """
        if not token:
            return ()
        raw = _decoded(token)
        tag, body = raw[:_TAG_BYTES], raw[_TAG_BYTES:]
        if not hmac.compare_digest(tag, self._tag(tenant, scope, body)):
            raise PageTokenInvalid
        expires_at, *position = orjson.loads(body)
        if expires_at < self._now():
            raise PageTokenInvalid
        return tuple(position)

    def _tag(self, tenant: str, scope: Mapping[str, str], body: bytes) -> bytes:
        bound = orjson.dumps([tenant, dict(scope)], option=orjson.OPT_SORT_KEYS)
        digest = hashlib.sha256(bound).digest()
        return hmac.digest(self._key, digest + body, "sha256")[:_TAG_BYTES]


def _decoded(token: str) -> bytes:
    try:
        return base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise PageTokenInvalid from error
