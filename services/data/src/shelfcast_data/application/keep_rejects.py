"""Keep the refused rows of an import while it runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from shelfcast_data.domain.file_chunk import FileChunk
from shelfcast_data.domain.import_record import ImportProgress, ImportRecord
from shelfcast_data.domain.rejection import Rejection
from shelfcast_data.ports.imports import RejectFiles


@dataclass(frozen=True, slots=True)
class RejectKeeper:
    """Keeps refused rows up to a size."""

    files: RejectFiles
    most_bytes: int
    """Bytes of refused rows that are kept of one import."""

    def keep(
        self,
        record: ImportRecord,
        chunk: FileChunk,
        refused: Sequence[Rejection],
        before: ImportProgress,
        after: ImportProgress,
    ) -> ImportProgress:
        """Keep a chunk's refused rows and give the progress that tells of them; call it before the commit.

        before, after: progress without and with the chunk. Raises: StorageFull.
        """
        room = 0 if before.is_reject_file_cut else self.most_bytes - before.reject_bytes
        lines = chunk.source.refused(refused, room)
        if lines:
            self.files.keep(record, before.offset, chunk.source.reject_header(), lines)
        is_cut = before.is_reject_file_cut or lines.count(b"\n") < len({each.row for each in refused})
        return replace(after, reject_bytes=before.reject_bytes + len(lines), is_reject_file_cut=is_cut)
