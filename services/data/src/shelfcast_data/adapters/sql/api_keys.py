"""API keys in SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shelfcast_servicekit.sql_clock import utc_now
from sqlalchemy import and_, insert, or_, select, update

from shelfcast_data.adapters.sql.schema import API_KEYS
from shelfcast_data.domain.api_key import ApiKey
from shelfcast_data.errors import ApiKeyNotFound

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

_C = API_KEYS.c


def find_key(connection: Connection, key_id: str) -> ApiKey | None:
    """Give a key of whatever tenant; None if there is none."""
    row = connection.execute(select(API_KEYS).where(_C.key_id == key_id)).mappings().one_or_none()
    return None if row is None else ApiKey(**row)


class ApiKeyRows:
    """The API keys of one tenant within one transaction."""

    def __init__(self, connection: Connection, tenant: str) -> None:
        """Work within the transaction of `connection`."""
        self._connection = connection
        self._tenant = tenant

    def add(self, key_id: str, name: str, role: str, digest: str) -> ApiKey:
        """Store a new key."""
        values = {"key_id": key_id, "tenant": self._tenant, "name": name, "role": role, "digest": digest}
        self._connection.execute(insert(API_KEYS).values(**values, created_at=utc_now()))
        return self.get(key_id)

    def get(self, key_id: str) -> ApiKey:
        """Give a key of the tenant. Raises: ApiKeyNotFound."""
        key = find_key(self._connection, key_id)
        if key is None or key.tenant != self._tenant:
            raise ApiKeyNotFound(key_id=key_id[:64])
        return key

    def page(self, limit: int, after: tuple[datetime, str] | None) -> Sequence[ApiKey]:
        """Give up to `limit` keys, newest first, after a position."""
        query = select(API_KEYS).where(_C.tenant == self._tenant)
        if after is not None:
            same_time = and_(_C.created_at == after[0], _C.key_id < after[1])
            query = query.where(or_(_C.created_at < after[0], same_time))
        query = query.order_by(_C.created_at.desc(), _C.key_id.desc()).limit(limit)
        return [ApiKey(**row) for row in self._connection.execute(query).mappings()]

    def revoke(self, key_id: str) -> None:
        """Revoke a key; revoking it again changes nothing. Raises: ApiKeyNotFound."""
        self.get(key_id)
        good = and_(_C.key_id == key_id, _C.tenant == self._tenant, _C.revoked_at.is_(None))
        self._connection.execute(update(API_KEYS).where(good).values(revoked_at=utc_now()))
