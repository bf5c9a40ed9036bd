"""Files of sales: judged by their first bytes, and read chunk by chunk."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from typing import IO, TYPE_CHECKING, TypeVar

from shelfcast_data.adapters.files.chunk_reader import ChunkReader
from shelfcast_data.adapters.files.lines import blocks
from shelfcast_data.adapters.files.text import text_of
from shelfcast_data.domain.file_head import Expectation, read_head
from shelfcast_data.errors import FileUnreadable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from shelfcast_data.adapters.files.expansion import ExpansionLimits
    from shelfcast_data.adapters.files.folder import Folder
    from shelfcast_data.domain.file_chunk import FileChunk
    from shelfcast_data.domain.import_record import ImportRecord
    from shelfcast_data.domain.pipeline_plan import Plan

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class FileLimits:
    """Bounds under which any file is read."""

    expansion: ExpansionLimits
    """How far a compressed file may expand."""
    chunk_bytes: int
    """Bytes of a chunk."""
    longest_line: int
    """Longest line, in bytes."""


class SalesFiles:
    """Reads the files that imports have stored."""

    def __init__(self, folder: Folder, limits: FileLimits) -> None:
        """Read from `folder` within `limits`."""
        self._folder = folder
        self._limits = limits

    def chunks(self, record: ImportRecord, plan: Plan | None) -> Iterator[FileChunk]:
        """Give the checked rows of an import's file from where it has come to; the next is read ahead.

        plan: what prepares the rows; None means nothing.
        Raises: FileRefused where the file as a whole cannot be taken.
        """
        with self._opened(record) as file:
            text = text_of(file, self._limits.expansion, self._limits.longest_line)
            yield from ahead(self._read(text, record, plan))

    def _opened(self, record: ImportRecord) -> IO[bytes]:
        try:
            return self._folder.open(record.file.store_path)
        except FileNotFoundError as error:
            raise FileUnreadable(problem="it is no longer kept; send it again") from error

    def _read(self, pieces: Iterator[bytes], record: ImportRecord, plan: Plan | None) -> Iterator[FileChunk]:
        begin, is_whole = first_bytes(pieces, self._limits.longest_line + 1)
        expected = Expectation(record.file.asked_mapping, record.file.shop_id, plan)
        head = read_head(begin, expected, self._limits.longest_line, is_whole=is_whole)
        file, row = record.file, record.progress.row
        reader = ChunkReader(head, file.shop_id, row, file.same_day, plan, shows_first=file.is_dry_run)
        start = max(head.start, record.progress.offset)
        all_pieces = chain([begin], pieces)
        for block in blocks(
            all_pieces, head.newline, start, self._limits.chunk_bytes, self._limits.longest_line
        ):
            yield reader.read(block)

    def remove(self, record: ImportRecord) -> None:
        """Remove the file of an import that needs it no more."""
        self._folder.remove(record.file.store_path)


def first_bytes(pieces: Iterator[bytes], size: int) -> tuple[bytes, bool]:
    """Give at least `size` of the first bytes, and whether they are all."""
    held = bytearray()
    for piece in pieces:
        held += piece
        if len(held) >= size:
            return bytes(held), False
    return bytes(held), True


def ahead(items: Iterable[T]) -> Iterator[T]:
    """Give the items, the next one already being made on a thread while the last one is used."""
    source = iter(items)
    with ThreadPoolExecutor(1, thread_name_prefix="read-ahead") as pool:
        upcoming = pool.submit(next, source, None)
        while (item := upcoming.result()) is not None:
            upcoming = pool.submit(next, source, None)
            yield item
