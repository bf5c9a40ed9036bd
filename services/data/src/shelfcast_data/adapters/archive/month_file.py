"""One archived month on its way into a file, and out of it."""

from __future__ import annotations

import hashlib
from typing import IO, TYPE_CHECKING, Final

import numpy as np
import pyarrow.parquet as pq

from shelfcast_data.adapters.archive.row_versions import SCHEMA, cells_of, record_batch
from shelfcast_data.adapters.files.folder import storage_errors

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shelfcast_data.domain.sales_columns import Numbers

GROUP_ROWS: Final = 16_384
_SERIES: Final = 0
_LOAD: Final = 2
_CELLS: Final = 9


class MonthFile:
    """Takes row versions in any order; each group of rows is counted into a digest of the contents."""

    def __init__(self, file: IO[bytes]) -> None:
        """Write to `file`, which the caller closes after `finish`."""
        self._writer = pq.ParquetWriter(file, SCHEMA, compression="zstd")
        self._waiting: list[Numbers] = []
        self._contents = hashlib.sha256()
        self.names: dict[int, tuple[str, str]] = {}
        """Shop and product by number of the series; those of all rows must be here."""
        self.row_count = 0
        self.loads: set[int] = set()

    def add(self, cells: Numbers) -> None:
        """Take rows. Raises: StorageFull."""
        self._waiting.append(cells)
        if sum(part.shape[1] for part in self._waiting) >= GROUP_ROWS:
            self._write()

    def _write(self) -> None:
        cells = np.concatenate(self._waiting, axis=1)
        self._waiting.clear()
        self.row_count += cells.shape[1]
        self.loads.update(np.unique(cells[_LOAD]).tolist())
        self._contents.update(_bytes(cells))
        with storage_errors():
            self._writer.write_batch(record_batch(cells, self.names))

    def finish(self) -> str:
        """Write the rest; give the digest of the contents. Raises: StorageFull."""
        if self._waiting:
            self._write()
        with storage_errors():
            self._writer.close()
        return self._contents.hexdigest()


def _bytes(cells: Numbers) -> bytes:
    return np.ascontiguousarray(cells).tobytes()


def contents_digest(file: IO[bytes]) -> str:
    """Give the digest of a file's contents, read back group by group, as `MonthFile.finish` gave it."""
    digest = hashlib.sha256()
    for cells in read_groups(file):
        digest.update(_bytes(cells))
    return digest.hexdigest()


def read_groups(file: IO[bytes], series: Numbers | None = None) -> Iterator[Numbers]:
    """Give the row versions of a file, of some series or all; groups without any of them are not read.

    series: numbers, sorted.
    """
    with pq.ParquetFile(file) as parquet:
        for group in range(parquet.num_row_groups):
            if series is None:
                yield cells_of(parquet.read_row_group(group))
            elif _may_hold(parquet, group, series):
                cells = cells_of(parquet.read_row_group(group))
                yield cells[:, np.isin(cells[_SERIES], series)]


def _may_hold(parquet: pq.ParquetFile, group: int, series: Numbers) -> bool:
    bounds = parquet.metadata.row_group(group).column(_SERIES).statistics
    if bounds is None or not bounds.has_min_max:
        return True
    first, last = int(bounds.min or 0), int(bounds.max or 0)
    return bool(((series >= first) & (series <= last)).any())


def no_cells() -> Numbers:
    """Give no rows."""
    return np.empty((_CELLS, 0), dtype=np.int64)


def read_names(file: IO[bytes]) -> dict[int, tuple[str, str]]:
    """Give shop and product of each series in a file."""
    table = pq.read_table(file, columns=["series_no", "shop_id", "product_id"])
    unique = table.group_by(["series_no", "shop_id", "product_id"]).aggregate([])
    columns = (unique.column(name).to_pylist() for name in ("series_no", "shop_id", "product_id"))
    return {number: (shop, product) for number, shop, product in zip(*columns, strict=True)}
