"""Take a backup while the service runs: one moment of the database, and the files that it names.

A file has its name before the row that names it is committed, and is removed only after the row says so.
So the files are copied before the moment of the database is fixed, and once more just after it. A file that
came and went in between belongs to an import that the tables show unfinished; then the moment is taken anew.
"""

from __future__ import annotations

import os
import shutil
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from shelfcast_data.adapters.arrow.sales_table import file_digest
from shelfcast_data.adapters.backup.manifest import FORM, FileEntry, Manifest, TableEntry
from shelfcast_data.adapters.backup.refusal import OperationRefused
from shelfcast_data.adapters.backup.store_copy import PLACE, StoreCopy
from shelfcast_data.adapters.backup.table_file import write_table
from shelfcast_data.adapters.files.folder import storage_errors
from shelfcast_data.adapters.sql.every_table import every_table
from shelfcast_data.adapters.sql.moment import one_moment
from shelfcast_data.adapters.sql.schema import IMPORTS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection, Engine, Table

    from shelfcast_data.adapters.files.folder import Folder

_ATTEMPTS: Final = 3
_TABLES: Final = "tables"


@dataclass(frozen=True, slots=True)
class BackupTaker:
    """Takes backups."""

    engine: Engine
    """Database, at `revision`."""
    store: Folder
    """Store of the files."""
    revision: str
    """Revision of the schema."""

    def take(self, folder: Path) -> Manifest:
        """Write a backup, which appears under its name when it is whole.

        Raises: OperationRefused if the folder is there already; StorageFull, with nothing left behind.
        """
        if folder.exists():
            raise OperationRefused(f"{folder} is there already. Name a folder that is not.")
        with storage_errors(), _scratch(folder) as scratch:
            manifest = self._written(scratch)
            manifest.write(scratch)
            _flush_all(scratch)
            scratch.rename(folder)
            _flush(folder.parent)
        return manifest

    def _written(self, scratch: Path) -> Manifest:
        copy = StoreCopy(self.store, scratch)
        for attempt in range(1, _ATTEMPTS + 1):
            copy.add_new()
            with one_moment(self.engine) as connection:
                taken_at = datetime.now(UTC)
                copy.add_new()
                if attempt == _ATTEMPTS or _awaited(connection) <= set(copy.store_paths):
                    tables = [_table(connection, table, scratch) for table in every_table()]
                    break
        files = [_file(store_path, scratch) for store_path in sorted(copy.store_paths)]
        return Manifest(FORM, self.revision, taken_at.isoformat(), tables, files)


def _awaited(connection: Connection) -> set[str]:
    """Give the files that imports are still to be read from."""
    return set(connection.scalars(select(IMPORTS.c.store_path).where(IMPORTS.c.completed_at.is_(None))))


def _table(connection: Connection, table: Table, scratch: Path) -> TableEntry:
    path = f"{_TABLES}/{table.name}.parquet"
    (scratch / _TABLES).mkdir(exist_ok=True)
    row_count = write_table(connection, table, scratch / path)
    return TableEntry(table.name, path, row_count, _digest(scratch / path))


def _file(store_path: str, scratch: Path) -> FileEntry:
    path = f"{PLACE}/{store_path}"
    return FileEntry(store_path, path, _digest(scratch / path))


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file)


@contextmanager
def _scratch(folder: Path) -> Iterator[Path]:
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = folder.with_name(f".{folder.name}.{uuid.uuid4().hex}.part")
    scratch.mkdir(mode=0o700)  # it holds sales and the digests of API keys
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _flush_all(folder: Path) -> None:
    for path in (*folder.rglob("*"), folder):
        _flush(path)


def _flush(path: Path) -> None:
    """Have the disk keep a file or a folder, whatever happens to the machine."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
