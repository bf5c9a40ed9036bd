"""The files of the store on their way into a backup, and out of one."""

from __future__ import annotations

import shutil
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from shelfcast_data.adapters.files.folder import storage_errors

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from shelfcast_data.adapters.backup.manifest import FileEntry
    from shelfcast_data.adapters.files.folder import Folder

FOLDERS: Final = ("archive", "imports", "snapshots")
"""Folders of the store that are this service's own."""
PLACE: Final = "store"
"""Folder of the copies within a backup."""


class StoreCopy:
    """Copies the store's files; none of them changes once it has its name, so that each is copied once."""

    def __init__(self, store: Folder, target: Path) -> None:
        """Copy from `store` into the backup's folder `target`."""
        self._store = store
        self._target = target
        self.store_paths: list[str] = []
        """What has been copied."""

    def add_new(self) -> None:
        """Copy the files that were not there before."""
        known = set(self.store_paths)
        for folder in FOLDERS:
            for store_path in self._store.paths(folder):
                if store_path not in known:
                    self._add(store_path)

    def _add(self, store_path: str) -> None:
        path = self._target / PLACE / store_path
        path.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError), self._store.open(store_path) as source:  # removed meanwhile
            with path.open("wb") as copy:
                shutil.copyfileobj(source, copy)
            self.store_paths.append(store_path)


class StoreFilling:
    """Brings the files of a backup into the store; those that it added can be taken away again."""

    def __init__(self, backup: Path, store: Folder) -> None:
        """Copy from the folder of a backup into `store`."""
        self._backup = backup
        self._store = store
        self._added: list[str] = []

    def fill(self, entries: Sequence[FileEntry]) -> None:
        """Copy all files, each of which appears whole. Raises: StorageFull."""
        for entry in entries:
            if not self._store.exists(entry.store_path):
                self._added.append(entry.store_path)
            self._copy(entry)

    def _copy(self, entry: FileEntry) -> None:
        scratch = self._store.scratch_path(entry.store_path.rpartition("/")[0])
        try:
            source = (self._backup / entry.path).open("rb")
            with source, storage_errors(), self._store.create(scratch) as file:
                shutil.copyfileobj(source, file)
            self._store.move(scratch, entry.store_path)
        finally:
            self._store.remove(scratch)

    def undo(self) -> None:
        """Remove what was added."""
        for store_path in self._added:
            self._store.remove(store_path)
