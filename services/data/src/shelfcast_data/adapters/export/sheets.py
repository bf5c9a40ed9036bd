"""The forms of exports: CSV, Parquet and XLSX, each written as its rows come."""

from __future__ import annotations

import io
import re
import tempfile
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import openpyxl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from openpyxl.cell import WriteOnlyCell
from openpyxl.utils.exceptions import WorkbookAlreadySaved
from pyarrow import csv

from shelfcast_data.adapters.export.columns import record_batch, schema_of
from shelfcast_data.adapters.files.folder import storage_errors
from shelfcast_data.domain.export import ExportForm
from shelfcast_data.errors import ExportTooLong

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from shelfcast_data.domain.export import Column, Part
    from shelfcast_data.ports.tables import ExportSheet

FORMULA: Final = r"^[=+\-@\t\r]"
"""How a text begins that a spreadsheet would compute. Source: OWASP, CSV Injection."""
PIECE_BYTES: Final = 256 * 1024
MOST_ROWS: Final = 1_048_575
"""Rows that a sheet of XLSX holds below its header."""

MOST_CHARACTERS: Final = 32_767
"""Characters that a cell of XLSX holds."""

_INSTANT: Final = "%Y-%m-%dT%H:%M:%SZ"
_UNPRINTABLE: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


class ExportFiles:
    """Begins files of each form."""

    def __init__(self, scratch_dir: Path) -> None:
        """Keep unfinished workbooks under `scratch_dir`."""
        self._scratch_dir = scratch_dir

    def begin(self, form: ExportForm, columns: Sequence[Column]) -> ExportSheet:
        """Begin a file. Raises: StorageFull."""
        if form is ExportForm.XLSX:
            return WorkbookSheet(columns, self._scratch_dir)
        return CsvSheet(columns) if form is ExportForm.CSV else ParquetSheet(columns)


class _Outflow(io.BytesIO):
    """Takes what a writer writes until it is taken away."""

    def taken(self) -> bytes:
        data = self.getvalue()
        self.seek(0)
        self.truncate()
        return data

    def close(self) -> None:
        """Stay open: what the writer's end has written is still to be taken."""


class CsvSheet:
    """RFC 4180 in UTF-8; what could be a formula stands behind an apostrophe."""

    def __init__(self, columns: Sequence[Column]) -> None:
        """Begin with the header."""
        self._schema = schema_of(columns)
        written = [pa.field(field.name, _csv_type(field.type)) for field in self._schema]
        self._out = _Outflow()
        self._writer = csv.CSVWriter(self._out, pa.schema(written))

    def add(self, part: Part) -> bytes:
        """Write some rows; give what is ready to go."""
        batch = record_batch(self._schema, part)
        arrays: list[Any] = [_csv_cells(column) for column in batch.columns]
        self._writer.write_batch(pa.RecordBatch.from_arrays(arrays, names=batch.schema.names))
        return self._out.taken()

    def end(self) -> Iterator[bytes]:
        """Give the rest."""
        self._writer.close()
        yield self._out.taken()

    def close(self) -> None:
        """Let go of everything, ended or not."""


def _csv_type(kind: pa.DataType) -> pa.DataType:
    return pa.utf8() if pa.types.is_timestamp(kind) else kind


def _csv_cells(column: Any) -> Any:  # noqa: ANN401 - pyarrow's stubs refuse what the library takes
    if pa.types.is_timestamp(column.type):
        return pc.strftime(column.cast(pa.timestamp("s", "UTC"), safe=False), _INSTANT)
    if not pa.types.is_string(column.type):
        return column
    return pc.replace_substring_regex(column, f"({FORMULA})", r"'\1")


class ParquetSheet:
    """Parquet with a row group for each part."""

    def __init__(self, columns: Sequence[Column]) -> None:
        """Begin the file."""
        self._schema = schema_of(columns)
        self._out = _Outflow()
        self._writer = pq.ParquetWriter(self._out, self._schema, compression="zstd")

    def add(self, part: Part) -> bytes:
        """Write some rows; give what is ready to go."""
        self._writer.write_batch(record_batch(self._schema, part))
        return self._out.taken()

    def end(self) -> Iterator[bytes]:
        """Give the rest."""
        self._writer.close()
        yield self._out.taken()

    def close(self) -> None:
        """Let go of everything, ended or not."""
        self._writer.close()


class WorkbookSheet:
    """XLSX with one sheet; texts are text cells, so that none is a formula. The file goes out at its end."""

    def __init__(self, columns: Sequence[Column], scratch_dir: Path) -> None:
        """Begin with the header. Raises: StorageFull."""
        self._schema = schema_of(columns)
        self._book = openpyxl.Workbook(write_only=True)
        self._sheet = self._book.create_sheet("export")
        self._count = 0
        with storage_errors():
            scratch_dir.mkdir(parents=True, exist_ok=True)
            self._file = tempfile.NamedTemporaryFile(dir=scratch_dir, suffix=".xlsx")  # noqa: SIM115 - close()
            self._sheet.append([self._cell(column.name) for column in columns])

    def add(self, part: Part) -> bytes:
        """Write some rows. Raises: ExportTooLong, StorageFull."""
        batch = record_batch(self._schema, part)
        self._count += batch.num_rows
        if self._count > MOST_ROWS:
            raise ExportTooLong(form=ExportForm.XLSX.value, limit=f"{MOST_ROWS:,} rows")
        columns = [_plain_values(column) for column in batch.columns]
        with storage_errors():
            for row in zip(*columns, strict=True):
                self._sheet.append([self._cell(value) for value in row])
        return b""

    def _cell(self, value: object) -> object:
        if not isinstance(value, str):
            return value
        if len(value) > MOST_CHARACTERS:
            raise ExportTooLong(form=ExportForm.XLSX.value, limit=f"{MOST_CHARACTERS:,} characters in a cell")
        cell = WriteOnlyCell(self._sheet, _UNPRINTABLE.sub("\ufffd", value))
        cell.data_type = "s"
        return cell

    def end(self) -> Iterator[bytes]:
        """Give the whole file. Raises: StorageFull."""
        with storage_errors():
            self._book.save(self._file)
        self._file.seek(0)
        while piece := self._file.read(PIECE_BYTES):
            yield piece

    def close(self) -> None:
        """Let go of everything, ended or not."""
        try:
            with suppress(WorkbookAlreadySaved):
                self._sheet.close()
                self._sheet._writer.cleanup()  # noqa: SLF001 - the only other way to remove its file is to save
        finally:
            self._file.close()


def _plain_values(column: Any) -> list[Any]:  # noqa: ANN401 - pyarrow's stubs refuse what the library takes
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("us"))  # a workbook knows no time zones
    return column.to_pylist()  # type: ignore[no-any-return]  # untyped library
