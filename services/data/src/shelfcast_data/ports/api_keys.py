"""What the keeper of API keys needs from outside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from shelfcast_data.domain.api_key import ApiKey
from shelfcast_data.ports.listing import Newest


class ApiKeys(Protocol):
    """The API keys of a tenant."""

    def add(self, key_id: str, name: str, role: str, digest: str) -> ApiKey:
        """Store a new key."""

    def get(self, key_id: str) -> ApiKey:
        """Give a key. Raises: ApiKeyNotFound."""

    def page(self, limit: int, after: Newest | None) -> Sequence[ApiKey]:
        """Give up to `limit` keys, newest first."""

    def revoke(self, key_id: str) -> None:
        """Revoke a key. Raises: ApiKeyNotFound."""
