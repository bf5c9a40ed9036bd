"""Snapshots in the store: a list of parts, one Parquet file a month, each under the name of its content.

The rows of a part have one order, so that the same rows give the same bytes however they came about, and a
snapshot that differs from its parent in one month writes one part and a list.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Final

import orjson

from shelfcast_data.adapters.arrow.month_sheets import MonthSheets
from shelfcast_data.adapters.arrow.sales_table import (
    IpcChunks,
    file_digest,
    read_parquet,
    record_batch,
    write_parquet,
)
from shelfcast_data.adapters.files.folder import storage_errors
from shelfcast_data.domain.data_version import Snapshot, SnapshotPart
from shelfcast_data.errors import SalesAbsent, SnapshotDamaged

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence

    import pyarrow as pa

    from shelfcast_data.adapters.files.folder import Folder
    from shelfcast_data.domain.table_batch import TableBatch

_EPOCH: Final = date(1970, 1, 1)
_FORM: Final = "snapshot/1"
_NAME_DIGITS: Final = 32


class SnapshotFiles:
    """Writes and reads snapshots; blocking, for a thread of its own."""

    def __init__(self, folder: Folder) -> None:
        """Keep them in `folder`."""
        self._folder = folder

    def write_parts(self, tenant: str, batches: Iterable[TableBatch]) -> Mapping[str, SnapshotPart]:
        """Write rows, ordered by shop, product and date, as one part a month. Raises: StorageFull."""
        place = _folder_of(tenant)
        scratch = self._folder.scratch_path(place)
        try:
            with storage_errors(), self._folder.create(scratch) as file:
                sheets = MonthSheets(file)
                for batch in batches:
                    sheets.add(batch)
            with self._folder.open(scratch) as file:
                return {month: self._part(place, month, rows) for month, rows in sheets.months(file)}
        finally:
            self._folder.remove(scratch)

    def _part(self, place: str, month: str, batch: TableBatch) -> SnapshotPart:
        days = batch.rows.sales.day
        first, last = (_EPOCH + timedelta(days=int(day)) for day in (days.min(), days.max()))
        scratch = self._folder.scratch_path(place)
        try:
            with storage_errors(), self._folder.create(scratch) as file:
                write_parquet([record_batch(batch)], file)
            with self._folder.open(scratch) as file:
                part = SnapshotPart(month, file_digest(file), len(days), first, last)
            self._folder.move(scratch, _part_path(place, part))
        finally:
            self._folder.remove(scratch)
        return part

    def write(
        self,
        tenant: str,
        version_number: int,
        parts: Mapping[str, SnapshotPart],
        parent: Snapshot | None,
    ) -> Snapshot:
        """Write the list of parts under the name of its content. Raises: SalesAbsent, StorageFull."""
        if not parts:
            raise SalesAbsent
        listed = [parts[month] for month in sorted(parts)]
        data = orjson.dumps({"form": _FORM, "parts": [asdict(part) for part in listed]})
        digest = hashlib.sha256(data).hexdigest()
        name, place = f"snap-{digest[:_NAME_DIGITS]}", _folder_of(tenant)
        path, scratch = f"{place}/{name}.json", self._folder.scratch_path(place)
        try:
            with storage_errors(), self._folder.create(scratch) as file:
                file.write(data)
            self._folder.move(scratch, path)
        finally:
            self._folder.remove(scratch)
        return Snapshot(
            snapshot_id=name,
            version_number=version_number,
            digest=digest,
            store_path=path,
            row_count=sum(part.row_count for part in listed),
            first_date=listed[0].first_date,
            last_date=listed[-1].last_date,
            created_at=datetime.now(UTC),
            parent_snapshot_id=None if parent is None else parent.snapshot_id,
        )

    def parts(self, snapshot: Snapshot) -> Sequence[SnapshotPart]:
        """Give the parts of a snapshot. Raises: SnapshotDamaged unless the list and all parts are there."""
        damaged = SnapshotDamaged(snapshot_id=snapshot.snapshot_id)
        try:
            with self._folder.open(snapshot.store_path) as file:
                data = file.read()
        except FileNotFoundError as error:
            raise damaged from error
        if hashlib.sha256(data).hexdigest() != snapshot.digest:
            raise damaged
        parts = [_part_of(each) for each in orjson.loads(data)["parts"]]
        if not all(self._folder.exists(self.path(snapshot, part)) for part in parts):
            raise damaged
        return parts

    def path(self, snapshot: Snapshot, part: SnapshotPart) -> str:
        """Give where a part of a snapshot lies, relative to the store's root."""
        return _part_path(snapshot.store_path.rpartition("/")[0], part)

    def read(self, snapshot: Snapshot, stream: IpcChunks) -> Generator[bytes]:
        """Give the rows of a snapshot as the bytes of a stream. Raises: SnapshotDamaged."""
        yield from stream.chunks(self._batches(snapshot))

    def _batches(self, snapshot: Snapshot) -> Iterator[pa.RecordBatch]:
        for part in self.parts(snapshot):
            with self._folder.open(self.path(snapshot, part)) as file:
                is_whole = file_digest(file) == part.digest
                if is_whole:
                    file.seek(0)
                    yield from read_parquet(file)
            if not is_whole:  # without the file, the next snapshot makes it anew
                self._folder.remove(self.path(snapshot, part))
                raise SnapshotDamaged(snapshot_id=snapshot.snapshot_id)


def _folder_of(tenant: str) -> str:
    return f"snapshots/{hashlib.sha256(tenant.encode()).hexdigest()[:16]}"


def _part_path(place: str, part: SnapshotPart) -> str:
    return f"{place}/part-{part.digest[:_NAME_DIGITS]}.parquet"


def _part_of(listed: Mapping[str, str | int]) -> SnapshotPart:
    first, last = (date.fromisoformat(str(listed[name])) for name in ("first_date", "last_date"))
    return SnapshotPart(str(listed["month"]), str(listed["digest"]), int(listed["row_count"]), first, last)


def changed_rows(batches: Iterable[TableBatch], stream: IpcChunks) -> Generator[bytes]:
    """Give changed days as the bytes of a stream; a withdrawn day has no quantity."""
    yield from stream.chunks(record_batch(batch) for batch in batches)
