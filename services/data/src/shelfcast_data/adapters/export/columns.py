"""Parts of a table as Arrow record batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from shelfcast_data.domain.export import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shelfcast_data.domain.export import Column, Part

_TYPES: Final = {
    Kind.TEXT: pa.utf8(),
    Kind.NUMBER: pa.float64(),
    Kind.WHOLE: pa.int64(),
    Kind.FLAG: pa.bool_(),
    Kind.DAY: pa.date32(),
    Kind.INSTANT: pa.timestamp("us", "UTC"),
}


def schema_of(columns: Sequence[Column]) -> pa.Schema:
    """Give the schema of a table."""
    return pa.schema([pa.field(column.name, _TYPES[column.kind]) for column in columns])


def record_batch(schema: pa.Schema, part: Part) -> pa.RecordBatch:
    """Give some rows as a record batch."""
    arrays: list[Any] = [_array(part[field.name], field.type) for field in schema]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _array(values: Any, kind: Any) -> Any:  # noqa: ANN401 - pyarrow's stubs refuse what the library takes
    return values.cast(kind) if isinstance(values, pa.Array) else pa.array(values, kind)
