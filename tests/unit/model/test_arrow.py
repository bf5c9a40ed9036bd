from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from shelfcast_model.adapters.data_service.arrow import TableBuffer, file_digest, parquet_rows, rows_of
from shelfcast_servicekit.errors import UpstreamUnavailable

TABLE = pa.table(
    {
        "shop_id": pa.array(["mitte", "mitte", "nord"]).dictionary_encode(),
        "product_id": pa.array(["milk", "milk", "oats"]).dictionary_encode(),
        "date": pa.array([date(1970, 1, 2), date(1970, 1, 3), date(1970, 1, 3)], pa.date32()),
        "quantity": pa.array([3.0, None, 5.0]),
        "was_available": pa.array([True, None, False]),
    }
)


def ipc_of(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


def test_columns_keep_codes_days_and_the_unknown() -> None:
    rows = rows_of(TABLE)

    assert [rows.shops[i] for i in rows.shop] == ["mitte", "mitte", "nord"]
    assert [rows.products[i] for i in rows.product] == ["milk", "milk", "oats"]
    assert rows.day.tolist() == [1, 2, 2]
    np.testing.assert_array_equal(rows.quantity, [3.0, np.nan, 5.0])
    assert np.isnan(rows.unit_price).all()
    assert rows.is_promotion.tolist() == [-1, -1, -1]
    assert rows.was_available.tolist() == [1, -1, 0]


def test_plain_text_ids_and_an_empty_table_are_read() -> None:
    plain = TABLE.set_column(0, "shop_id", TABLE["shop_id"].cast(pa.string()))

    assert rows_of(plain).shops == ("mitte", "nord")
    assert rows_of(TABLE.slice(0, 0)).day.size == 0


def test_batches_with_other_dictionaries_are_joined() -> None:
    shops = pa.array(["süd"] * 3).dictionary_encode()
    other = TABLE.set_column(0, "shop_id", shops)

    rows = rows_of(pa.concat_tables([TABLE, other]))

    assert [rows.shops[i] for i in rows.shop] == ["mitte", "mitte", "nord", "süd", "süd", "süd"]


def test_stream_is_read_wherever_its_chunks_end() -> None:
    stream = ipc_of(TABLE)
    buffer = TableBuffer()
    for start in range(0, len(stream), 7):
        buffer.add(stream[start : start + 7])

    assert buffer.rows(hashlib.sha256(stream).hexdigest()).day.tolist() == [1, 2, 2]


@pytest.mark.parametrize("digest", [None, "0" * 64])
def test_stream_that_is_not_whole_is_refused(digest: str | None) -> None:
    buffer = TableBuffer()
    buffer.add(ipc_of(TABLE))

    with pytest.raises(UpstreamUnavailable):
        buffer.rows(digest)


def test_snapshot_file_is_read_by_name(tmp_path: Path) -> None:
    path = tmp_path / "sales.parquet"
    pq.write_table(TABLE.append_column("revenue", pa.array([1.0, 2.0, 3.0])), path)

    assert parquet_rows([path, path]).was_available.tolist() == [1, -1, 0] * 2
    assert file_digest(path) == hashlib.sha256(path.read_bytes()).hexdigest()
