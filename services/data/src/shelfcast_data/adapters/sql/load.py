"""The rows of one load, written chunk by chunk and seen by nobody until the load is published."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from shelfcast_data.adapters.sql.archives import ArchiveRows
from shelfcast_data.adapters.sql.bulk import bulk_of
from shelfcast_data.adapters.sql.series import SeriesRows
from shelfcast_data.adapters.sql.staging import StagedSales
from shelfcast_data.adapters.sql.tenants import TenantRows
from shelfcast_data.adapters.sql.versions import VersionRows
from shelfcast_data.domain.sales_columns import (
    DaysTaken,
    Loaded,
    StagedRows,
    StoredColumns,
    completed,
    first_of_each,
    newest_of_each,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

    from shelfcast_data.domain.sales_columns import Flags, Numbers, Places, SalesColumns


class LoadRows:
    """Writes the rows of one load within one transaction."""

    def __init__(self, connection: Connection, tenant: str, load_no: int) -> None:
        """Work within the transaction of `connection`."""
        self._connection = connection
        self._load_no = load_no
        self._tenant_no = TenantRows(connection).ensured(tenant)
        self._versions = VersionRows(connection, tenant)
        self._bulk = bulk_of(connection)
        self._staged = StagedSales(connection, self._tenant_no, load_no)

    def series(self, pairs: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], tuple[int, bool]]:
        """Give number and newness of each series; those that are not stored yet are made."""
        found = SeriesRows(self._connection, self._tenant_no).ensured(pairs, self._load_no)
        return {
            (each.shop_id, each.product_id): (each.series_no, each.first_load_no == self._load_no)
            for each in found
        }

    def write(self, sales: SalesColumns, is_new: Flags) -> Loaded:
        """Store rows, each once a day, and only where they say something new.

        is_new: whether the row's series came with this load, so that nothing else is stored of it.
        The common case, a file without repetition, costs one bulk insert and no read.
        Raises: DaysTaken when rows of new series meet days that the load has already; the transaction
        is to be undone and repeated with `is_new` false throughout, which tells which rows they are.
        """
        first, later = first_of_each(sales.keys)
        ordered = sales.taken(first)
        taken, repeated = np.zeros(len(first), dtype=bool), np.zeros(len(first), dtype=bool)
        known = np.flatnonzero(~is_new[first])
        if len(known):
            ordered, taken[known], repeated[known] = self._compared(ordered, known)
        rows = np.flatnonzero(~taken & ~repeated)
        if self._bulk.insert(self._tenant_no, self._load_no, ordered.taken(rows)) != len(rows):
            raise DaysTaken
        duplicates = np.sort(np.concatenate([later, first[taken]]))
        return Loaded(len(rows), first[repeated], duplicates)

    def archived_before(self) -> date | None:
        """Give the first day that is not archived; None if nothing is."""
        return ArchiveRows(self._connection, self._tenant_no).before()

    def stage(self, sales: SalesColumns, rows: Numbers) -> None:
        """Store rows that are to be added up, under their numbers in the file."""
        self._bulk.stage(self._tenant_no, self._load_no, sales, rows)

    def first_staged(self, row_count: int) -> StagedRows:
        """Give about as many staged rows, of the first whole days; none when nothing waits any more."""
        return self._staged.first_days(row_count)

    def unstage(self, rows: StagedRows) -> None:
        """Remove staged rows that were given."""
        last = np.datetime64(int(rows.sales.day[-1]), "D").astype(date)
        self._staged.remove_to(int(rows.sales.series[-1]), last)

    def _compared(self, sales: SalesColumns, known: Places) -> tuple[SalesColumns, Flags, Flags]:
        """Give the rows completed from what is stored, which days the load has, and which rows repeat."""
        some = sales.taken(known)
        stored, loads = self._bulk.stored(self._tenant_no, some)
        own = np.isin(some.keys, stored.sales.keys[loads == self._load_no])
        seen = np.flatnonzero(self._is_visible(loads))
        before = newest_of_each(StoredColumns(stored.sales.taken(seen), stored.is_withdrawn[seen]))
        filled, same = completed(some, before)
        return sales.replaced(known, filled), own, same & ~own

    def _is_visible(self, loads: Numbers) -> Flags:
        view = self._versions.view()
        shown: Flags = (loads <= view.number) & (loads != self._load_no) & ~np.isin(loads, view.hidden)
        return shown
