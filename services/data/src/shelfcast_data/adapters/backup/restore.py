"""Bring a backup back into an empty database: all of it in one transaction, or nothing."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from shelfcast_servicekit.transact import Transactor
from sqlalchemy import func, select

from shelfcast_data.adapters.backup.manifest import read_manifest, verify
from shelfcast_data.adapters.backup.refusal import OperationRefused
from shelfcast_data.adapters.backup.store_copy import StoreFilling
from shelfcast_data.adapters.backup.table_file import read_table
from shelfcast_data.adapters.sql.every_table import every_table

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection, Engine

    from shelfcast_data.adapters.backup.manifest import Manifest
    from shelfcast_data.adapters.files.folder import Folder


@dataclass(frozen=True, slots=True)
class BackupRestorer:
    """Brings backups back."""

    engine: Engine
    """Database, at `revision` and empty."""
    store: Folder
    """Store of the files."""
    revision: str
    """Revision of the schema."""

    def restore(self, folder: Path) -> Manifest:
        """Load a backup; nothing is stored before all of it was found sound.

        Raises: OperationRefused if the backup is damaged or of another revision, or if the database is not
        empty; StorageFull. Database and store are then as they were.
        """
        manifest = read_manifest(folder)
        self._refuse_other_revision(manifest)
        database: Transactor[Connection] = Transactor(self.engine, None, lambda connection: connection)
        database.read_sync(_refuse_rows)
        verify(folder, manifest)
        filling = StoreFilling(folder, self.store)
        try:
            filling.fill(manifest.files)
            database.transact_sync(partial(_load, folder, manifest))
        except BaseException:
            filling.undo()
            raise
        return manifest

    def _refuse_other_revision(self, manifest: Manifest) -> None:
        if manifest.revision != self.revision:
            raise OperationRefused(
                f"The backup is of schema revision {manifest.revision}, the database of {self.revision}."
                " Restore with the release that made the backup, then `migrate` with this one."
            )


def _load(folder: Path, manifest: Manifest, connection: Connection) -> None:
    _refuse_rows(connection)
    paths = {entry.name: folder / entry.path for entry in manifest.tables}
    for table in every_table():
        read_table(connection, table, paths[table.name])
    _refuse_other_counts(manifest, connection)


def _refuse_rows(connection: Connection) -> None:
    for table in every_table():
        if connection.execute(select(*table.primary_key).limit(1)).first() is not None:
            raise OperationRefused(
                f"The database is not empty: the table {table.name} has rows. Make a new database, set"
                " SHELFCAST_DATABASE_URL to it, run `migrate`, and restore again."
            )


def _refuse_other_counts(manifest: Manifest, connection: Connection) -> None:
    counts = {entry.name: entry.row_count for entry in manifest.tables}
    for table in every_table():
        found = connection.scalar(select(func.count()).select_from(table))
        if found != counts[table.name]:
            raise OperationRefused(
                f"The table {table.name} got {found} rows of {counts[table.name]}. Use another backup."
            )
