"""Parquet as CSV text, row group by row group."""

from __future__ import annotations

import io
from typing import IO, TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv, parquet

from shelfcast_data.adapters.files.csv_rows import csv_lines
from shelfcast_data.errors import FileEmpty, FileUnreadable

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROWS: Final = 32_768
_OPTIONS: Final = csv.WriteOptions(include_header=False, quoting_style="needed")


def from_parquet(file: IO[bytes]) -> Iterator[bytes]:
    """Give the columns of a Parquet file as CSV text; a nested column is left empty.

    Raises: FileEmpty, FileUnreadable.
    """
    try:
        source = parquet.ParquetFile(file)
        if not source.metadata.num_rows:
            raise FileEmpty
        yield csv_lines([source.schema_arrow.names])
        for batch in source.iter_batches(_ROWS, use_threads=False):
            sink = io.BytesIO()
            columns = [_text(column) for column in batch.columns]
            csv.write_csv(
                pa.table(columns, names=[str(place) for place in range(len(columns))]), sink, _OPTIONS
            )
            yield sink.getvalue()
    except (pa.ArrowException, OSError) as error:
        raise FileUnreadable(problem="its Parquet data is damaged") from error


def _text(column: Any) -> Any:  # noqa: ANN401 - the stubs know no dictionary_decode
    """Give a column as text; dates as ISO 8601, what has no text as nothing."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.dictionary_decode()
        kind = column.type
    if pa.types.is_nested(kind):
        return pa.nulls(len(column), pa.utf8())
    if pa.types.is_timestamp(kind) and _are_days(column):
        column = column.cast(pa.date32())
    text = column.cast(pa.utf8(), safe=False)
    is_text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    return pc.replace_substring_regex(text, r"\r\n|\r|\n", "\v") if is_text else text


def _are_days(column: Any) -> bool:  # noqa: ANN401 - of any unit
    """Say whether all times are midnight, as in a column of days that some tool wrote as times."""
    at = column.cast(pa.timestamp(column.type.unit))
    return bool(pc.all(pc.equal(at, pc.floor_temporal(at, unit="day"))).as_py())
