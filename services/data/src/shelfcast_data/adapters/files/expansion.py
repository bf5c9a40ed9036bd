"""Compressed uploads, expanded bit by bit under a cap of size and ratio."""

from __future__ import annotations

import io
import zipfile
import zlib
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Final

from shelfcast_data.adapters.files.form import GZIP, ZIP
from shelfcast_data.errors import ExpansionTooLarge, FileUnreadable

if TYPE_CHECKING:
    from collections.abc import Iterator

RATIO_FLOOR_BYTES: Final = 16 * 1024 * 1024
"""Below this size any ratio is harmless."""

_READ_BYTES: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class ExpansionLimits:
    """How far a compressed upload may expand."""

    most_bytes: int
    """Largest size after expansion."""
    most_ratio: float
    """Largest ratio of expanded to sent bytes, once over 16 MiB."""

    def check(self, expanded: int, sent: int) -> None:
        """Raise ExpansionTooLarge when a limit is passed."""
        if expanded > self.most_bytes:
            raise ExpansionTooLarge(limit=f"{self.most_bytes} bytes")
        if expanded > RATIO_FLOOR_BYTES and expanded > self.most_ratio * max(sent, 1):
            raise ExpansionTooLarge(limit=f"{self.most_ratio:g} times its size")


class GzipExpansion:
    """Expands a gzip stream piece by piece, several members after one another included."""

    def __init__(self, limits: ExpansionLimits) -> None:
        """Begin with nothing read."""
        self._limits = limits
        self._inflate = zlib.decompressobj(wbits=31)
        self._sent = 0
        self._expanded = 0

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Give the expanded pieces of some bytes, each of a bounded size.

        Raises: ExpansionTooLarge; FileUnreadable when the stream is damaged.
        """
        self._sent += len(data)
        while data:
            if self._inflate.eof:
                self._inflate = zlib.decompressobj(wbits=31)
            try:
                piece = self._inflate.decompress(data, _READ_BYTES)
            except zlib.error as error:
                raise FileUnreadable(problem="its gzip data is damaged") from error
            data = (
                self._inflate.unused_data.lstrip(b"\0")
                if self._inflate.eof
                else self._inflate.unconsumed_tail
            )
            self._expanded += len(piece)
            self._limits.check(self._expanded, self._sent)
            if piece:
                yield piece

    def finish(self) -> None:
        """Raise FileUnreadable unless the stream is whole."""
        if not self._inflate.eof:
            raise FileUnreadable(problem="its gzip data breaks off")


def expanded(file: IO[bytes], limits: ExpansionLimits) -> Iterator[bytes]:
    """Give the bytes of an upload in pieces of a bounded size: plain, gzip, or a zip of one file.

    Raises: ExpansionTooLarge; FileUnreadable.
    """
    magic = file.read(4)
    file.seek(0)
    if magic.startswith(GZIP):
        yield from _from_gzip(file, limits)
    elif magic.startswith(ZIP):
        yield from _from_zip(file, limits)
    else:
        while piece := file.read(_READ_BYTES):
            yield piece


def _from_gzip(file: IO[bytes], limits: ExpansionLimits) -> Iterator[bytes]:
    expansion = GzipExpansion(limits)
    while data := file.read(_READ_BYTES):
        yield from expansion.feed(data)
    expansion.finish()


def _from_zip(file: IO[bytes], limits: ExpansionLimits) -> Iterator[bytes]:
    sent = file.seek(0, io.SEEK_END)
    total = 0
    try:
        with zipfile.ZipFile(file) as archive, archive.open(_only_member(archive, limits)) as member:
            while piece := member.read(_READ_BYTES):
                total += len(piece)
                limits.check(total, sent)
                yield piece
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError) as error:
        raise FileUnreadable(problem="its zip data is damaged or encrypted") from error


def _only_member(archive: zipfile.ZipFile, limits: ExpansionLimits) -> zipfile.ZipInfo:
    members = [each for each in archive.infolist() if not each.is_dir()]
    if len(members) != 1:
        raise FileUnreadable(problem=f"the archive holds {len(members)} files instead of one")
    limits.check(members[0].file_size, members[0].compress_size)
    return members[0]
