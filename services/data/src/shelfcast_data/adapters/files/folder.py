"""The store of uploads and snapshots: a folder, or any other place that fsspec knows."""

from __future__ import annotations

import errno
import os
import uuid
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING, Final

from fsspec.core import url_to_fs
from shelfcast_servicekit.errors import StorageFull

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class Folder:
    """Files under the root of the store, named by paths that the service makes itself."""

    def __init__(self, store_url: str) -> None:
        """Keep files under `store_url`."""
        self._files, self._root = url_to_fs(store_url)

    def _path(self, store_path: str) -> str:
        return f"{self._root}/{store_path}"

    def open(self, store_path: str) -> IO[bytes]:
        """Open a file for reading. Raises: FileNotFoundError."""
        return self._files.open(self._path(store_path), "rb")  # type: ignore[no-any-return]  # untyped library

    def create(self, store_path: str) -> IO[bytes]:
        """Open a file for writing; it appears whole only through `finish`."""
        path = self._path(store_path)
        with storage_errors():
            self._files.makedirs(path.rpartition("/")[0], exist_ok=True)
            return self._files.open(path, "wb")  # type: ignore[no-any-return]  # untyped library

    def scratch_path(self, folder: str) -> str:
        """Give a name in a folder that nobody else uses."""
        return f"{folder}/.{uuid.uuid4().hex}.part"

    def move(self, store_path: str, target: str) -> None:
        """Give a finished file its name."""
        with storage_errors():
            self._files.mv(self._path(store_path), self._path(target))

    def settle(self, store_path: str) -> None:
        """Have a file on disk; other stores than folders do that by themselves."""
        if "file" in self._files.protocol:
            path = self._path(store_path)
            for each in (path, path.rpartition("/")[0]):
                handle = os.open(each, os.O_RDONLY)
                try:
                    os.fsync(handle)
                finally:
                    os.close(handle)

    def exists(self, store_path: str) -> bool:
        """Say whether there is such a file."""
        return bool(self._files.exists(self._path(store_path)))

    def remove(self, store_path: str) -> None:
        """Remove a file, if it is there."""
        with suppress(FileNotFoundError):
            self._files.rm(self._path(store_path))

    def names(self, folder: str) -> Sequence[str]:
        """Give the names of the files in a folder, in order; none if it is not there."""
        try:
            paths = self._files.ls(self._path(folder), detail=False)
        except FileNotFoundError:
            return []
        return sorted(str(path).rstrip("/").rpartition("/")[2] for path in paths)

    def paths(self, folder: str) -> Sequence[str]:
        """Give the finished files in a folder and the folders below it, in order; none if it is not there."""
        return [path for path in self.all_paths(folder) if not path.rpartition("/")[2].startswith(".")]

    def all_paths(self, folder: str) -> Sequence[str]:
        """Give all files in a folder and the folders below it, unfinished ones too."""
        return sorted(
            str(path).removeprefix(f"{self._root}/") for path in self._files.find(self._path(folder))
        )

    def modified(self, store_path: str) -> datetime:
        """Give when a file was written; now for one that is gone."""
        try:
            written: datetime = self._files.modified(self._path(store_path))
        except FileNotFoundError:
            return datetime.now(UTC)
        return written

    def remove_all(self, folder: str) -> None:
        """Remove a folder with all its files, if it is there."""
        with suppress(FileNotFoundError):
            self._files.rm(self._path(folder), recursive=True)


@contextmanager
def storage_errors() -> Iterator[None]:
    """Raise StorageFull where the store has no room for more."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StorageFull from error
        raise
