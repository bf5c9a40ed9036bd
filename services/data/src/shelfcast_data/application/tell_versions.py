"""Tell the data versions of a tenant, and how the rows of imports among them were prepared and checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shelfcast_data.domain.data_version import DataVersion
from shelfcast_data.domain.import_record import NewImport
from shelfcast_data.ports.store import Store, Tx

_BY_IMPORT = "import:"


@dataclass(frozen=True, slots=True)
class ToldVersion:
    """A data version, and the file that made it."""

    version: DataVersion
    """The version."""
    file: NewImport | None
    """The import that made it; None if something else did."""


@dataclass(frozen=True, slots=True)
class VersionBook:
    """The data versions of each tenant."""

    store: Store

    async def current(self, tenant: str) -> ToldVersion:
        """Give the newest version."""

        def work(tx: Tx) -> ToldVersion:
            return _told(tx, tenant, [tx.versions(tenant).current()])[0]

        return await self.store.read(work)

    async def page(self, tenant: str, limit: int, before: int | None) -> Sequence[ToldVersion]:
        """Give up to `limit` versions, newest first, older than a number."""

        def work(tx: Tx) -> Sequence[ToldVersion]:
            return _told(tx, tenant, tx.versions(tenant).page(limit, before))

        return await self.store.read(work)


def _told(tx: Tx, tenant: str, versions: Sequence[DataVersion]) -> Sequence[ToldVersion]:
    imported = [each.number for each in versions if each.cause.startswith(_BY_IMPORT)]
    files = tx.imports(tenant).of_versions(imported) if imported else {}
    return [ToldVersion(each, files.get(each.number)) for each in versions]
