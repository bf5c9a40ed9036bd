"""Archived months in the store: Parquet files under the names of their contents, and a list of them."""

from __future__ import annotations

import hashlib
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from typing import IO, TYPE_CHECKING, Final, Self

import numpy as np
import orjson

from shelfcast_data.adapters.archive.month_file import (
    MonthFile,
    contents_digest,
    no_cells,
    read_groups,
    read_names,
)
from shelfcast_data.adapters.arrow.sales_table import file_digest
from shelfcast_data.adapters.files.folder import storage_errors
from shelfcast_data.domain.archive import EPOCH, Archive, ArchivedMonth, ArchiveState, month_of
from shelfcast_data.errors import ArchiveDamaged

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

    from shelfcast_data.adapters.archive.row_versions import Names
    from shelfcast_data.adapters.files.folder import Folder
    from shelfcast_data.domain.sales_columns import Numbers

FOLDER: Final = "archive"
_FORM: Final = "archive/1"
_NAME_DIGITS: Final = 32
_DAY, _LOAD = 1, 2


class ArchiveFiles:
    """Reads and writes archived months; blocking."""

    def __init__(self, folder: Folder) -> None:
        """Keep them in `folder`."""
        self._folder = folder
        self._whole: set[str] = set()

    def cells(self, month: ArchivedMonth, series: Numbers | None = None) -> Numbers:
        """Give the row versions of some series (sorted numbers), or all. Raises: ArchiveDamaged."""
        with self._opened(month) as file:
            return np.concatenate([no_cells(), *read_groups(file, series)], axis=1)

    def of_loads(self, month: ArchivedMonth, loads: frozenset[int]) -> Numbers:
        """Give the row versions that some loads brought. Raises: ArchiveDamaged."""
        if not month.may_hold(loads):
            return no_cells()
        cells = self.cells(month)
        return cells[:, np.isin(cells[_LOAD], list(loads))]

    def names(self, month: ArchivedMonth) -> Names:
        """Give shop and product of each series. Raises: ArchiveDamaged."""
        with self._opened(month) as file:
            return read_names(file)

    @contextmanager
    def _opened(self, month: ArchivedMonth) -> Iterator[IO[bytes]]:
        damaged = ArchiveDamaged(month=month.month.isoformat()[:7], store_path=month.store_path)
        try:
            file = self._folder.open(month.store_path)
        except FileNotFoundError as error:
            raise damaged from error
        with file:
            if month.digest not in self._whole:  # a file never changes: looked at once by a process
                if file_digest(file) != month.digest:
                    raise damaged
                self._whole.add(month.digest)
                file.seek(0)
            yield file

    def sheets(self, tenant: str, archive: Archive) -> MonthSheets:
        """Give sheets for new rows, one a month, on top of what is archived already."""
        return MonthSheets(self, self._folder, _folder_of(tenant), archive)

    def list_months(self, tenant: str, archive: Archive) -> None:
        """Write the list of what is archived, for those who read the files without the database."""
        months = [_listed(each) for each in archive.months]
        content = {"form": _FORM, "tenant": tenant, "archived_before": archive.before, "months": months}
        scratch = self._folder.scratch_path(_folder_of(tenant))
        try:
            with self._folder.create(scratch) as file, storage_errors():
                file.write(orjson.dumps(content, option=orjson.OPT_INDENT_2))
            self._folder.move(scratch, f"{_folder_of(tenant)}/manifest.json")
        finally:
            self._folder.remove(scratch)


class MonthSheets:
    """Sorts row versions into a file a month; files that are not kept are removed at the end."""

    def __init__(self, files: ArchiveFiles, folder: Folder, place: str, archive: Archive) -> None:
        """Write into the folder `place` of the store."""
        self._files = files
        self._folder = folder
        self._place = place
        self._known = {each.month: each for each in archive.months}
        self._sheets: dict[date, tuple[str, IO[bytes], MonthFile]] = {}
        self._cleared = ExitStack()

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """Remove what has not become a file."""
        self._cleared.close()

    def add(self, cells: Numbers, names: Names) -> None:
        """Take rows. Raises: StorageFull, ArchiveDamaged."""
        months = cells[_DAY].astype("datetime64[D]").astype("datetime64[M]")
        for month in np.unique(months):
            here = np.flatnonzero(months == month)
            first = EPOCH + timedelta(days=int(cells[_DAY][here[0]]))
            sheet = self._sheet(month_of(first))
            sheet.names.update(names)
            sheet.add(cells[:, here])

    def _sheet(self, month: date) -> MonthFile:
        if month not in self._sheets:
            scratch = self._folder.scratch_path(self._place)
            self._cleared.callback(self._folder.remove, scratch)
            file = self._cleared.enter_context(self._folder.create(scratch))
            self._sheets[month] = scratch, file, MonthFile(file)
            known = self._known.get(month)
            if known is not None:  # rows that came after it was archived go into one file with it
                self._sheets[month][2].names.update(self._files.names(known))
                self._sheets[month][2].add(self._files.cells(known))
        return self._sheets[month][2]

    def finished(self, version_number: int) -> Sequence[ArchivedMonth]:
        """Give the months as files that were read back and are on disk.

        Raises: StorageFull, ArchiveDamaged.
        """
        return [self._finished(month, version_number) for month in sorted(self._sheets)]

    def _finished(self, month: date, version_number: int) -> ArchivedMonth:
        scratch, file, sheet = self._sheets[month]
        contents = sheet.finish()
        with storage_errors():
            file.close()
        with self._folder.open(scratch) as written:
            digest = file_digest(written)
            written.seek(0)
            if contents_digest(written) != contents:
                raise ArchiveDamaged(month=month.isoformat()[:7], store_path=scratch)
        store_path = f"{self._place}/{month.isoformat()[:7]}-{digest[:_NAME_DIGITS]}.parquet"
        self._folder.move(scratch, store_path)
        self._folder.settle(store_path)
        loads = sheet.loads
        return ArchivedMonth(
            month,
            digest,
            store_path,
            sheet.row_count,
            min(loads),
            max(loads),
            version_number,
            ArchiveState.WRITTEN,
        )


def _folder_of(tenant: str) -> str:
    return f"{FOLDER}/{hashlib.sha256(tenant.encode()).hexdigest()[:16]}"


def _listed(month: ArchivedMonth) -> Mapping[str, object]:
    return {
        "month": month.month.isoformat()[:7],
        "file": month.store_path.rpartition("/")[2],
        "sha256": month.digest,
        "row_count": month.row_count,
        "data_version": f"dv-{month.version_number}",
    }
