"""The table `sales/1` of the contract: Arrow record batches, IPC streams, Parquet files."""

from __future__ import annotations

import hashlib
import io
from typing import IO, TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from shelfcast_data.domain.decimal_text import UNIT
from shelfcast_data.domain.sales_columns import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    from numpy.typing import NDArray

    from shelfcast_data.domain.sales_columns import Numbers
    from shelfcast_data.domain.table_batch import TableBatch

Column: TypeAlias = Any  # a pa.Array; its stubs refuse what the library takes

_IDS: Final = pa.dictionary(pa.int32(), pa.utf8())
SCHEMA: Final = pa.schema(
    [
        pa.field("shop_id", _IDS),
        pa.field("product_id", _IDS),
        pa.field("date", pa.date32()),
        pa.field("quantity", pa.float64()),
        pa.field("unit_price", pa.float64()),
        pa.field("is_promotion", pa.bool_()),
        pa.field("was_available", pa.bool_()),
    ],
    metadata={"shelfcast.table": "sales/1"},
)
CHUNK_BYTES: Final = 1024 * 1024


def record_batch(batch: TableBatch) -> pa.RecordBatch:
    """Give rows as a record batch; the quantity of a withdrawn day is null."""
    sales, gone = batch.rows.sales, batch.rows.is_withdrawn == 1
    series = sales.series.astype(np.int32)
    prices = UNKNOWN if sales.unit_price is None else sales.unit_price
    columns = [
        _ids([shop for shop, _ in batch.pairs], series),
        _ids([product for _, product in batch.pairs], series),
        pa.array(sales.day.astype(np.int32), pa.int32()).cast(pa.date32()),
        pa.array(sales.quantity / UNIT, pa.float64(), mask=gone),
        pa.array(np.asarray(prices) / UNIT, pa.float64(), mask=gone | (np.asarray(prices) == UNKNOWN)),
        _flags(sales.is_promotion, gone),
        _flags(sales.was_available, gone),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=SCHEMA)


def _ids(of_series: list[str], series: NDArray[np.int32]) -> Column:
    words = list(dict.fromkeys(of_series))
    place = {word: code for code, word in enumerate(words)}
    codes = np.array([place[word] for word in of_series], dtype=np.int32)
    return pa.DictionaryArray.from_arrays(pa.array(codes[series], pa.int32()), pa.array(words, pa.utf8()))


def _flags(values: Numbers | None, gone: NDArray[np.bool_]) -> Column:
    if values is None:
        return pa.nulls(len(gone), pa.bool_())
    return pa.array(values == 1, pa.bool_(), mask=gone | (values == UNKNOWN))


def write_parquet(batches: Iterable[pa.RecordBatch], file: IO[bytes]) -> None:
    """Write batches as one Parquet file, a row group each; the same batches give the same bytes."""
    with pq.ParquetWriter(file, SCHEMA, compression="zstd") as writer:
        for batch in batches:
            writer.write_batch(batch)


def read_parquet(file: IO[bytes]) -> Iterator[pa.RecordBatch]:
    """Give the batches of a Parquet file."""
    ids = [SCHEMA.names[0], SCHEMA.names[1]]
    for batch in pq.ParquetFile(file, read_dictionary=ids).iter_batches(columns=SCHEMA.names):
        yield pa.RecordBatch.from_arrays(batch.columns, schema=SCHEMA)


def file_digest(file: IO[bytes]) -> str:
    """Give the SHA-256 of a file as lower-case hex."""
    digest = hashlib.sha256()
    while piece := file.read(CHUNK_BYTES):
        digest.update(piece)
    return digest.hexdigest()


class IpcChunks:
    """Turns record batches into the bytes of one Arrow IPC stream, cut into chunks of at most 1 MiB."""

    def __init__(self) -> None:
        """Begin the stream."""
        self._sink = io.BytesIO()
        self._writer = pa.ipc.new_stream(self._sink, SCHEMA)
        self._digest = hashlib.sha256()
        self.row_count = 0

    def chunks(self, batches: Iterable[pa.RecordBatch]) -> Generator[bytes]:
        """Give the chunks of the whole stream."""
        for batch in batches:
            self.row_count += batch.num_rows
            self._writer.write_batch(batch)
            yield from self._taken()
        self._writer.close()
        yield from self._taken()

    def _taken(self) -> Iterator[bytes]:
        data = self._sink.getvalue()
        self._sink.seek(0)
        self._sink.truncate()
        self._digest.update(data)
        for start in range(0, len(data), CHUNK_BYTES):
            yield data[start : start + CHUNK_BYTES]

    @property
    def sha256(self) -> str:
        """Digest of all bytes given so far, lower-case hex."""
        return self._digest.hexdigest()
