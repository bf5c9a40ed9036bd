"""Uploads as they arrive: stored, hashed, and judged on the way, so that a bad one is refused at once."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from shelfcast_servicekit.errors import PayloadTooLarge

from shelfcast_data.adapters.files.expansion import GzipExpansion
from shelfcast_data.adapters.files.folder import storage_errors
from shelfcast_data.adapters.files.form import TELLING_BYTES, Form, form_of
from shelfcast_data.adapters.files.lines import LineGauge
from shelfcast_data.adapters.files.sales_file import first_bytes
from shelfcast_data.adapters.files.text import text_of
from shelfcast_data.domain.file_head import Expectation, FileHead, read_head
from shelfcast_data.errors import FileEmpty

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shelfcast_data.adapters.files.folder import Folder
    from shelfcast_data.adapters.files.sales_file import FileLimits

IMPORTS: Final = "imports"
"""Folder of the files of imports."""


class Upload:
    """One file on its way into the store; `feed` it, then `finish` or `abort` it. Blocking."""

    def __init__(
        self,
        folder: Folder,
        limits: FileLimits,
        most_bytes: int,
        expected: Expectation,
        name: str | None = None,
    ) -> None:
        """Store under a scratch name, or the given one, until the upload is whole."""
        self._folder = folder
        self._limits = limits
        self._most_bytes = most_bytes
        self._expected = expected
        self._path = f"{IMPORTS}/.{name}.part" if name else folder.scratch_path(IMPORTS)
        self._file = folder.create(self._path)
        self._digest = hashlib.sha256()
        self._gauge = LineGauge(limits.longest_line)
        self._gzip: GzipExpansion | None = None
        self._is_late = False
        """Whether the text can only be seen when the file is whole."""
        self._unseen = bytearray()
        self._begin = bytearray()
        self.head: FileHead | None = None
        self.size_bytes = 0
        self.expanded_bytes = 0

    def feed(self, data: bytes) -> None:
        """Take the next bytes. Raises: PayloadTooLarge, StorageFull, FileRefused, MappingInvalid."""
        self.size_bytes += len(data)
        if self.size_bytes > self._most_bytes:
            raise PayloadTooLarge(limit=f"{self._most_bytes} bytes", size=str(self.size_bytes))
        self._digest.update(data)
        with storage_errors():
            self._file.write(data)
        if self._is_late:
            return
        self._unseen += data
        if self.size_bytes >= TELLING_BYTES:
            self._see()

    def _see(self) -> None:
        """Judge what has come since the last look."""
        data = bytes(self._unseen)
        self._unseen.clear()
        if len(data) == self.size_bytes:
            self._recognise(form_of(data))
        for piece in self._text(data):
            if not self.expanded_bytes:
                self._is_late = form_of(piece) is not Form.DELIMITED
            if self._is_late:
                break
            self._judge(piece)

    def _recognise(self, form: Form) -> None:
        """Make ready for what the first bytes are."""
        self._is_late = form not in {Form.DELIMITED, Form.GZIP}
        if form is Form.GZIP:
            self._gzip = GzipExpansion(self._limits.expansion)

    def _text(self, data: bytes) -> Iterator[bytes]:
        """Give what of the file's text can be seen while it arrives."""
        if self._gzip is not None:
            yield from self._gzip.feed(data)
        elif not self._is_late:
            yield data

    def _judge(self, piece: bytes) -> None:
        self.expanded_bytes += len(piece)
        self._gauge.feed(piece)
        if self.head is None:
            self._begin += piece
            if len(self._begin) > self._limits.longest_line:
                self._read_head(is_whole=False)

    def _read_head(self, *, is_whole: bool) -> None:
        begin = bytes(self._begin)
        self.head = read_head(begin, self._expected, self._limits.longest_line, is_whole=is_whole)
        self._begin.clear()

    def finish(self, store_path: str) -> tuple[FileHead, str]:
        """Give the file its name; give its head and its SHA-256.

        Raises: FileRefused, MappingInvalid, StorageFull.
        """
        if not self.size_bytes:
            raise FileEmpty
        with storage_errors():
            self._file.close()
        if self._unseen:
            self._see()
        if self._is_late:
            self._see_late()
        elif self._gzip is not None:
            self._gzip.finish()
        if self.head is None:
            self._read_head(is_whole=True)
        self._folder.move(self._path, store_path)
        if self.head is None:
            raise FileEmpty
        return self.head, self._digest.hexdigest()

    def _see_late(self) -> None:
        with self._folder.open(self._path) as file:
            pieces = text_of(file, self._limits.expansion, self._limits.longest_line)
            begin, is_whole = first_bytes(pieces, self._limits.longest_line + 1)
            self.head = read_head(begin, self._expected, self._limits.longest_line, is_whole=is_whole)
            self.expanded_bytes = len(begin) + sum(map(len, pieces))

    def abort(self) -> None:
        """Remove what was stored of a file that will not be finished."""
        with suppress(OSError):
            self._file.close()
        self._folder.remove(self._path)
