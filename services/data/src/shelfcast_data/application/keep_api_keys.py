"""Keep API keys: create, list, revoke, and tell whose one is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shelfcast_servicekit.auth import Caller
from shelfcast_servicekit.errors import CredentialInvalid, FieldRuleViolated, Violation

from shelfcast_data.domain.api_key import ApiKey, digest_of, key_id_of, new_secret
from shelfcast_data.domain.role import SERVICE, known_role, permissions_of
from shelfcast_data.errors import ApiKeyNotFound
from shelfcast_data.ports.listing import Newest
from shelfcast_data.ports.store import Store, Tx

LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a credential belongs to and what it may do."""

    tenant: str
    principal: str
    role: str
    permissions: frozenset[str]

    def as_caller(self) -> Caller:
        """Give the identity as the caller of an RPC."""
        return Caller(self.tenant, self.principal, self.permissions)


@dataclass(frozen=True, slots=True)
class ApiKeyRing:
    """The API keys of each tenant."""

    store: Store
    known_permissions: frozenset[str]
    """All permissions that RPCs declare."""

    async def create(self, tenant: str, name: str, role: str) -> tuple[ApiKey, str]:
        """Make a key; give it with its secret, kept nowhere. Raises: RoleUnknown, FieldRuleViolated."""
        known_role(role)
        if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
            detail = f"A name has 1 to {LONGEST_NAME} printable characters."
            raise FieldRuleViolated(violations=[Violation("/api_key/name", detail, "string.len")])
        secret = new_secret()

        def work(tx: Tx) -> ApiKey:
            tx.ensure_tenant(tenant)
            return tx.api_keys(tenant).add(key_id_of(secret) or "", name, role, digest_of(secret))

        return await self.store.transact(work), secret

    async def page(self, tenant: str, limit: int, after: Newest | None) -> Sequence[ApiKey]:
        """Give up to `limit` keys, newest first."""
        return await self.store.read(lambda tx: tx.api_keys(tenant).page(limit, after))

    async def revoke(self, tenant: str, key_id: str) -> None:
        """Revoke a key; again changes nothing. Raises: ApiKeyNotFound."""
        await self.store.transact(lambda tx: tx.api_keys(tenant).revoke(key_id))

    async def authenticate(self, secret: str) -> Identity:
        """Tell whose key a secret opens. Raises: CredentialInvalid."""
        key_id = key_id_of(secret)
        key = None if key_id is None else await self.store.read(lambda tx: tx.find_key(key_id))
        if key is None or not key.is_opened_by(secret):
            raise CredentialInvalid
        permissions = permissions_of(key.role, self.known_permissions)
        return Identity(key.tenant, key.principal, key.role, permissions)

    async def caller_of(self, secret: str) -> Caller:
        """Give the caller that a secret stands for. Raises: CredentialInvalid."""
        return (await self.authenticate(secret)).as_caller()

    async def identity_of(self, caller: Caller) -> Identity:
        """Tell the role of a caller that is already verified."""
        kind, _, key_id = caller.principal.partition(":")
        role = SERVICE
        if kind == "api-key":
            try:
                role = (await self.store.read(lambda tx: tx.api_keys(caller.tenant).get(key_id))).role
            except ApiKeyNotFound:
                role = ""
        return Identity(caller.tenant, caller.principal, role, caller.permissions)
