"""What the tables know of a person: API keys in their name, jobs that they asked for, and their address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shelfcast_servicekit.sql_clock import utc_now
from sqlalchemy import and_, func, select, update

from shelfcast_data.adapters.sql.catalogue_schema import SUPPLIERS
from shelfcast_data.adapters.sql.quality_schema import SOURCE_SCORES
from shelfcast_data.adapters.sql.schema import API_KEYS, JOBS
from shelfcast_data.adapters.sql.tenants import TenantRows
from shelfcast_data.adapters.sql.versions import VersionRows
from shelfcast_data.domain.api_key import ApiKey
from shelfcast_data.domain.quality_source import source_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import ColumnElement, Connection

_K, _J, _S = API_KEYS.c, JOBS.c, SUPPLIERS.c
_Q = SOURCE_SCORES.c
_JOB = (_J.job_id, _J.kind, _J.status, _J.submitted_by, _J.submitted_at, _J.started_at, _J.completed_at)


class PersonalRows:
    """What is stored of one person of a tenant, within one transaction."""

    def __init__(self, connection: Connection, tenant: str, name: str) -> None:
        """Work within the transaction of `connection`.

        name: how the person is called: a principal, for instance `api-key:Ab3dE6gH`, the name of API keys, or
        the address of a supplier's contact.
        """
        self._connection = connection
        self._tenant = tenant
        self._name = name

    def export(self) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        """Give the person's API keys, without their digests, jobs, oldest first, and suppliers."""
        jobs = select(*_JOB).where(_J.tenant == self._tenant, _J.submitted_by.in_(self._principals()))
        rows = self._connection.execute(jobs.order_by(_J.submitted_at, _J.job_id)).mappings()
        shown = ("key_id", "name", "role", "created_at", "revoked_at")
        keys = [{field: getattr(key, field) for field in shown} for key in self._keys()]
        return {
            "api_keys": keys,
            "jobs": [{str(field): value for field, value in row.items()} for row in rows],
            "suppliers": self._suppliers(),
        }

    def _suppliers(self) -> Sequence[Mapping[str, Any]]:
        query = select(_S.supplier_id, _S.name, _S.contact_email).where(self._is_their_address())
        rows = self._connection.execute(query.order_by(_S.supplier_id)).mappings()
        return [{str(field): value for field, value in row.items()} for row in rows]

    def _is_their_address(self) -> ColumnElement[bool]:
        return and_(_S.tenant == self._tenant, func.lower(_S.contact_email) == self._name.lower())

    def erase(self, pseudonym: str) -> None:
        """Put a pseudonym in the place of the person's names, revoke their keys, remove their address."""
        asked = update(JOBS).where(_J.tenant == self._tenant, _J.submitted_by.in_(self._principals()))
        self._connection.execute(asked.values(submitted_by=pseudonym))
        for principal in self._principals():
            scored = update(SOURCE_SCORES).where(_Q.source_id == source_of("", principal), self._is_mine())
            self._connection.execute(scored.values(source_id=source_of("", pseudonym)))
        keys = update(API_KEYS).where(self._is_theirs())
        self._connection.execute(
            keys.values(name=pseudonym, revoked_at=func.coalesce(_K.revoked_at, utc_now()))
        )
        addresses = update(SUPPLIERS).where(self._is_their_address())
        gone = addresses.values(contact_email=None, revision=_S.revision + 1, updated_at=utc_now())
        if self._connection.execute(gone).rowcount:  # replies that show the address are cached by version
            VersionRows(self._connection, self._tenant).publish(None, "erasure", 0)

    def _is_mine(self) -> ColumnElement[bool]:
        return _Q.tenant_no == (TenantRows(self._connection).number(self._tenant) or 0)

    def _principals(self) -> Sequence[str]:
        return [self._name, *(key.principal for key in self._keys())]

    def _keys(self) -> Sequence[ApiKey]:
        query = select(API_KEYS).where(self._is_theirs()).order_by(_K.created_at, _K.key_id)
        return [ApiKey(**row) for row in self._connection.execute(query).mappings()]

    def _is_theirs(self) -> ColumnElement[bool]:
        mine = _K.tenant == self._tenant
        prefix, _, key_id = self._name.partition(":")
        if prefix == "api-key" and key_id:
            return mine & ((_K.name == self._name) | (_K.key_id == key_id))
        return mine & (_K.name == self._name)
