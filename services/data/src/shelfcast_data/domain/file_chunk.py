"""A part of a file after its rows were checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shelfcast_data.domain.pipeline_plan import PreviewRow
from shelfcast_data.domain.reject_file import SourceRows
from shelfcast_data.domain.rejection import Rejection
from shelfcast_data.domain.sales_columns import Numbers, SalesColumns


@dataclass(frozen=True, slots=True)
class FileChunk:
    """The good rows of a part of a file, and the refused ones."""

    pairs: Sequence[tuple[str, str]]
    """Shop and product of each series that it has, in the order of the file."""
    sales: SalesColumns
    """The good rows; `series` is an index into `pairs`."""
    rows: Numbers
    """Number of each good row in the file, from 1."""
    rejections: Sequence[Rejection]
    """The faults of the refused rows."""
    rejected_count: int
    """Rows refused; one row may have several faults."""
    end_offset: int
    """Bytes of the expanded file up to the end of this part."""
    end_row: int
    """Rows of the file up to the end of this part."""
    source: SourceRows
    """All rows of this part as they were sent."""
    filtered_count: int = 0
    """Rows that filters of the pipeline have left out."""
    closed_count: int = 0
    """Rows that the pipeline has marked as of a day on which the shop was closed."""
    preview: tuple[PreviewRow, ...] = ()
    """The first rows of a dry run, before and after the pipeline."""
