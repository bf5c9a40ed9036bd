"""Rows of sales on their way out of the store, series after series."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shelfcast_data.domain.sales_columns import StoredColumns


@dataclass(frozen=True, slots=True)
class TableBatch:
    """The current rows of some series, ordered by shop, product and date."""

    pairs: Sequence[tuple[str, str]]
    """Shop and product of each series, in their order."""
    rows: StoredColumns
    """The rows; `series` is an index into `pairs`."""
