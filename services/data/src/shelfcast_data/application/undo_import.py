"""Undo an import: from a new data version on its rows are no longer seen."""

from __future__ import annotations

from dataclasses import dataclass

from shelfcast_data.application.receive_import import INLINE_REJECTIONS
from shelfcast_data.domain.data_version import DataVersion
from shelfcast_data.domain.event import ImportUndone
from shelfcast_data.domain.import_record import ImportRecord
from shelfcast_data.ports.sales import Announcer
from shelfcast_data.ports.store import Store, Tx


@dataclass(frozen=True, slots=True)
class UndoImport:
    """Takes imports back without deleting what was known."""

    store: Store
    announcer: Announcer

    async def __call__(self, tenant: str, import_id: str) -> ImportRecord:
        """Undo an import; one that is undone already stays as it is.

        Raises: ImportNotFound, ImportNotUndoable.
        """

        def work(tx: Tx) -> tuple[ImportRecord, DataVersion | None]:
            imports = tx.imports(tenant)
            record = imports.get(import_id, INLINE_REJECTIONS)
            number = record.undoable_version()
            if record.undone_number is not None:
                return record, None
            version = tx.versions(tenant).undo(number, f"undo:{import_id}")
            imports.undo(import_id, version.number)
            tx.tell(tenant, ImportUndone(import_id), version)
            return imports.get(import_id, INLINE_REJECTIONS), version

        record, version = await self.store.transact(work)
        if version is not None:
            await self.announcer.announce(tenant, version.name)
        return record
