"""The table `sale_versions/1`: row versions of sales, exactly as the database has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shelfcast_data.domain.sales_columns import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from shelfcast_data.domain.sales_columns import Numbers

Column: TypeAlias = Any  # a pa.Array; its stubs refuse what the library takes
Names: TypeAlias = "Mapping[int, tuple[str, str]]"

_DECIMAL: Final = pa.decimal128(18, 6)
_IDS: Final = pa.dictionary(pa.int32(), pa.utf8())
SCHEMA: Final = pa.schema(
    [
        pa.field("series_no", pa.int64()),
        pa.field("shop_id", _IDS),
        pa.field("product_id", _IDS),
        pa.field("date", pa.date32()),
        pa.field("load_no", pa.int64()),
        pa.field("quantity", _DECIMAL),
        pa.field("unit_price", _DECIMAL),
        pa.field("is_promotion", pa.bool_()),
        pa.field("was_available", pa.bool_()),
        pa.field("is_return", pa.bool_()),
        pa.field("is_withdrawn", pa.bool_()),
    ],
    metadata={"shelfcast.table": "sale_versions/1"},
)
NUMBERS: Final = tuple(name for name in SCHEMA.names if name not in {"shop_id", "product_id"})
"""The columns that are the cells of a row version, in their order; shop and product are for other readers."""


def record_batch(cells: Numbers, names: Names) -> pa.RecordBatch:
    """Give row versions as a record batch.

    cells: int64[9, n_rows] as `SalesQuery.cells` gives them. names: shop and product by number of the series.
    """
    series, day, load, quantity, price, promotion, available, returned, withdrawn = cells
    pairs = [names[number] for number in series.tolist()]
    columns = [
        pa.array(series),
        pa.array([shop for shop, _ in pairs], pa.utf8()).dictionary_encode(),
        pa.array([product for _, product in pairs], pa.utf8()).dictionary_encode(),
        pa.array(day.astype(np.int32), pa.int32()).cast(pa.date32()),
        pa.array(load),
        _decimals(quantity),
        pc.if_else(pa.array(price != UNKNOWN), _decimals(price), pa.scalar(None, _DECIMAL)),
        *(pa.array(flag == 1, mask=flag == UNKNOWN) for flag in (promotion, available)),
        *(pa.array(flag == 1) for flag in (returned, withdrawn)),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=SCHEMA)


def _decimals(millionths: Numbers) -> Column:
    """Give DECIMAL(18,6) of millionths: 16 bytes each, little-endian, the sign in the upper eight."""
    wide = np.stack([millionths, millionths >> 63], axis=1)
    return pa.Array.from_buffers(_DECIMAL, len(millionths), [None, pa.py_buffer(wide.tobytes())])


def cells_of(batch: pa.RecordBatch | pa.Table) -> Numbers:
    """Give row versions as numbers, int64[9, n_rows], -1 where a value is not known."""
    return np.stack([_numbers(batch.column(name)) for name in NUMBERS])


def _numbers(column: Column) -> Numbers:
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    known = np.asarray(column.is_valid().to_numpy(zero_copy_only=False))
    return np.where(known, _values(column), UNKNOWN)


def _values(column: Column) -> NDArray[np.int64]:
    if pa.types.is_decimal(column.type):
        wide = np.frombuffer(column.buffers()[1], np.int64)[2 * column.offset :: 2]
        return wide[: len(column)]
    if pa.types.is_date(column.type):
        column = column.cast(pa.int32())
    return np.asarray(pc.fill_null(column.cast(pa.int64()), UNKNOWN).to_numpy(zero_copy_only=False))
