"""Reject files in the store: a part for each chunk that had refused rows, beside the file of the import.

A part is named by the offset at which its chunk begins and is written just before the chunk is committed.
What lies at or beyond the committed offset was never committed and is not read; the re-run writes it anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from shelfcast_data.adapters.files.folder import storage_errors

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shelfcast_data.adapters.files.folder import Folder
    from shelfcast_data.domain.import_record import ImportRecord

SUFFIX: Final = ".rejects"
"""What is added to the name of an import's file to name the folder of its refused rows."""
_HEADER: Final = "header"
_PIECE_BYTES: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class RejectParts:
    """Keeps, gives and removes the reject files of imports."""

    folder: Folder
    """Where they are stored."""

    def keep(self, record: ImportRecord, offset: int, header: bytes, lines: bytes) -> None:
        """Keep the refused lines of the chunk that begins at `offset`. Raises: StorageFull."""
        if not self.folder.exists(f"{_place(record)}/{_HEADER}"):
            self._write(record, _HEADER, header)
        self._write(record, _part(offset), lines)

    def _write(self, record: ImportRecord, name: str, data: bytes) -> None:
        scratch = self.folder.scratch_path(_place(record))
        try:
            with storage_errors(), self.folder.create(scratch) as file:
                file.write(data)
            self.folder.move(scratch, f"{_place(record)}/{name}")
        finally:
            self.folder.remove(scratch)

    def pieces(self, record: ImportRecord) -> Iterator[bytes]:
        """Give the reject file of what is committed: the header, then the lines; nothing if there is none."""
        names = self.folder.names(_place(record))
        parts = [name for name in names if name.isdigit() and name < _part(record.progress.offset)]
        for name in [_HEADER, *parts] if parts else []:
            with self.folder.open(f"{_place(record)}/{name}") as file:
                while piece := file.read(_PIECE_BYTES):
                    yield piece

    def forget_from(self, record: ImportRecord, offset: int) -> None:
        """Remove what was kept of chunks that begin at `offset` or later."""
        for name in self.folder.names(_place(record)):
            if name.isdigit() and name >= _part(offset):
                self.folder.remove(f"{_place(record)}/{name}")

    def remove(self, record: ImportRecord) -> None:
        """Remove the reject file of an import."""
        self.folder.remove_all(_place(record))


def _place(record: ImportRecord) -> str:
    return f"{record.file.store_path}{SUFFIX}"


def _part(offset: int) -> str:
    return f"{offset:018d}"
