"""Keep the entries of the catalogue, of whatever kind: create, read, list, change and delete."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

from shelfcast_data.application.catalogue_rule import Proposal, Rules
from shelfcast_data.domain.catalogue_entry import check_same_key, masked_fields, raise_if_any
from shelfcast_data.domain.data_version import DataVersion
from shelfcast_data.domain.entry import Entry, F, Key, Kind
from shelfcast_data.domain.event import entries_changed
from shelfcast_data.domain.identifier import created_id, stored_id
from shelfcast_data.domain.listing import Listing
from shelfcast_data.ports.sales import Announcer
from shelfcast_data.ports.store import Store, Tx

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Change(Generic[F]):
    """What an update says."""

    key: Key
    """Ids in the path."""
    body_key: Key
    """Ids in the body; empty where it has none."""
    fields: F
    """New values."""
    mask: tuple[str, ...]
    """Paths of the mask; empty means the populated fields, `*` all."""
    populated: frozenset[str]
    """Fields that the body has a value for."""
    etag: str
    """Version that must still be stored; empty means any."""


@dataclass(frozen=True, slots=True)
class Catalogue(Generic[F]):
    """The entries of one kind of each tenant; each change of data makes a data version."""

    store: Store
    announcer: Announcer
    kind: Kind[F]
    rules: Rules[F] = field(default_factory=Rules)

    async def create(self, tenant: str, key: Key, fields: F) -> Entry[F]:
        """Create an entry; an empty id of its own is made up.

        Raises: the kind's `exists`, IdMalformed, IdReserved, FieldRuleViolated, and what the rules raise.
        """
        new_key = self._new_key(key)
        raise_if_any(fields.faults(self._at))

        def work(tx: Tx) -> tuple[Entry[F], DataVersion | None]:
            tx.hold(tenant)
            admitted = self.rules.admit(Proposal(tx, tenant, new_key, fields, None))
            return tx.entries(self.kind, tenant).add(new_key, admitted), self._touched(tx, tenant, new_key)

        return await self._announced(tenant, work)

    async def get(self, tenant: str, key: Key) -> Entry[F]:
        """Give an entry, deleted or not. Raises: the kind's `not_found`, IdMalformed."""
        known = self._stored_key(key)
        return await self.store.read(lambda tx: tx.entries(self.kind, tenant).get(known))

    async def page(self, tenant: str, listing: Listing) -> Sequence[Entry[F]]:
        """Give the entries of a page."""
        return await self.store.read(lambda tx: tx.entries(self.kind, tenant).page(listing))

    async def change(self, tenant: str, change: Change[F]) -> Entry[F]:
        """Change an entry; a deleted one is brought back.

        Raises: the kind's `not_found`, IdMismatch, MaskPathUnknown, EtagMismatch, FieldRuleViolated, and what
        the rules raise.
        """
        check_same_key(change.key, change.body_key)
        names = masked_fields(change.mask, change.populated, self.kind.changeable)
        key = self._stored_key(change.key)

        def work(tx: Tx) -> tuple[Entry[F], DataVersion | None]:
            tx.hold(tenant)
            entries = tx.entries(self.kind, tenant)
            known = entries.get(key)
            known.stamp.check(change.etag)
            new = replace(known.fields, **{name: getattr(change.fields, name) for name in names})
            raise_if_any(new.faults(self._at))
            admitted = self.rules.admit(Proposal(tx, tenant, key, new, known))
            return entries.change(known, admitted), self._touched(tx, tenant, key)

        return await self._announced(tenant, work)

    async def delete(self, tenant: str, key: Key, etag: str) -> None:
        """Delete an entry softly; again changes nothing.

        Raises: the kind's `not_found`, EtagMismatch, and what the rules raise.
        """

        def work(tx: Tx) -> tuple[None, DataVersion | None]:
            tx.hold(tenant)
            known = tx.entries(self.kind, tenant).get(self._stored_key(key))
            known.stamp.check(etag)
            if not known.is_live:
                return None, None
            self.rules.release(tx, tenant, known)
            tx.entries(self.kind, tenant).delete(known)
            return None, self._touched(tx, tenant, known.key)

        await self._announced(tenant, work)

    async def erase(self, tenant: str, key: Key, etag: str) -> None:
        """Remove an entry for good.

        Raises: the kind's `not_found`, EtagMismatch, and what the rules raise.
        """

        def work(tx: Tx) -> tuple[None, DataVersion | None]:
            tx.hold(tenant)
            known = tx.entries(self.kind, tenant).locked(self._stored_key(key))
            known.stamp.check(etag)
            self.rules.free(tx, tenant, known)
            tx.entries(self.kind, tenant).erase(known)
            return None, self._touched(tx, tenant, known.key)

        await self._announced(tenant, work)

    def _touched(self, tx: Tx, tenant: str, key: Key) -> DataVersion | None:
        if not self.kind.is_data:
            return None
        version = tx.touched(tenant, self.kind.name)
        tx.tell(tenant, entries_changed(self.kind.name, [key]), version)
        return version

    async def _announced(self, tenant: str, work: Callable[[Tx], tuple[T, DataVersion | None]]) -> T:
        result, version = await self.store.transact(work)
        if version is not None:
            await self.announcer.announce(tenant, version.name)
        return result

    @property
    def _at(self) -> str:
        """Pointer of an entry in a request."""
        return f"/{self.kind.name}"

    def _new_key(self, key: Key) -> Key:
        parents = self._stored_key(key[:-1])
        own_id = key[-1] or (str(uuid.uuid4()) if self.kind.makes_ids else "")
        return (*parents, created_id(own_id, f"{self._at}/{self.kind.id_name}"))

    def _stored_key(self, key: Key) -> Key:
        return tuple(stored_id(each, f"/{name}") for each, name in zip(key, self.kind.id_names, strict=False))
