"""Tables of the contract `sales/1` as columns of sales rows, from Arrow streams and Parquet files."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from shelfcast_servicekit.errors import UpstreamUnavailable

from shelfcast_model.domain.sales_grid import UNKNOWN, SalesRows

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

Column: TypeAlias = Any  # a pa.ChunkedArray; its stubs refuse what the library takes

IDS: Final = ["shop_id", "product_id"]
COLUMNS: Final = [*IDS, "date", "quantity", "unit_price", "is_promotion", "was_available"]


class TableBuffer:
    """Collects the chunks of one table stream and gives the table once it is proven whole."""

    def __init__(self) -> None:
        """Begin without a chunk."""
        self._parts: list[bytes] = []
        self._digest = hashlib.sha256()

    def add(self, ipc: bytes) -> None:
        """Take the bytes of the next chunk."""
        if ipc:
            self._parts.append(ipc)
            self._digest.update(ipc)

    def rows(self, sha256: str | None) -> SalesRows:
        """Give the rows of the whole stream.

        sha256: digest of the closing summary; None when the stream ended without one.
        Raises: UpstreamUnavailable when the stream is cut short or damaged.
        """
        if sha256 is None or sha256 != self._digest.hexdigest():
            raise UpstreamUnavailable(retry_after_seconds=1.0, service="data")
        with pa.ipc.open_stream(pa.BufferReader(b"".join(self._parts))) as reader:
            return rows_of(reader.read_all())


def parquet_rows(paths: Sequence[Path]) -> SalesRows:
    """Give the rows of a snapshot's files together, memory-mapped."""
    return rows_of(pa.concat_tables(map(_parquet_table, paths)))


def _parquet_table(path: Path) -> pa.Table:
    file = pq.ParquetFile(path, read_dictionary=IDS, memory_map=True)
    return file.read([name for name in COLUMNS if name in file.schema_arrow.names], use_threads=False)


def file_digest(path: Path) -> str:
    """Give the SHA-256 of a file as lower-case hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def rows_of(table: pa.Table) -> SalesRows:
    """Give the columns of a `sales/1` table; absent optional columns are unknown throughout."""
    shops, shop = _codes(table.column("shop_id"))
    products, product = _codes(table.column("product_id"))
    return SalesRows(
        shops=shops,
        products=products,
        shop=shop,
        product=product,
        day=_numpy(table.column("date").cast(pa.date32()).cast(pa.int32())).astype(np.int32),
        quantity=_figures(table, "quantity"),
        unit_price=_figures(table, "unit_price"),
        is_promotion=_flags(table, "is_promotion"),
        was_available=_flags(table, "was_available"),
    )


def _codes(column: Column) -> tuple[tuple[str, ...], NDArray[np.int32]]:
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    joined = column.unify_dictionaries().combine_chunks()
    if isinstance(joined, pa.ChunkedArray):
        joined = joined.chunk(0)
    if not isinstance(joined, pa.DictionaryArray):
        raise UpstreamUnavailable(service="data")
    words: Any = joined.dictionary.to_pylist()
    return tuple(words), np.asarray(joined.indices).astype(np.int32)


def _figures(table: pa.Table, name: str) -> NDArray[np.float64]:
    if name not in table.column_names:
        return np.full(table.num_rows, np.nan)
    column: Any = table.column(name).cast(pa.float64())
    return _numpy(column.fill_null(np.nan)).astype(np.float64)


def _flags(table: pa.Table, name: str) -> NDArray[np.int8]:
    if name not in table.column_names:
        return np.full(table.num_rows, UNKNOWN, np.int8)
    column: Any = table.column(name).cast(pa.int8())
    return _numpy(column.fill_null(UNKNOWN)).astype(np.int8)


def _numpy(column: Column) -> NDArray[np.generic]:
    return np.asarray(column.to_numpy())
