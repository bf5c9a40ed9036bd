"""What sales, their loads and their versions need from outside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Protocol

from shelfcast_data.domain.data_version import Changes, DataVersion, OpenVersion, Snapshot, View
from shelfcast_data.domain.history import HistoryQuery, Period
from shelfcast_data.domain.sale import Sale, SaleFacts, SaleKey
from shelfcast_data.domain.sales_columns import Flags, Loaded, Numbers, SalesColumns, StagedRows

Pair = tuple[str, str]
"""Shop and product."""

Days = tuple[date, date]
"""The first day and the last."""


class Versions(Protocol):
    """The data versions and snapshots of a tenant."""

    def current(self) -> DataVersion:
        """Give the newest version; the empty beginning if there is none."""

    def page(self, limit: int, before: int | None) -> Sequence[DataVersion]:
        """Give up to `limit` versions, newest first."""

    def view(self, number: int | None = None, as_of: datetime | None = None) -> View:
        """Give the rows that a version shows. Raises: DataVersionNotFound."""

    def open_load(self) -> tuple[int, int]:
        """Give the tenant's number and a number for the rows of a new load."""

    def open_version(self) -> OpenVersion:
        """Begin a version; others of the tenant wait for its commit."""

    def publish_opened(self, opened: OpenVersion, cause: str, row_count: int) -> DataVersion:
        """Make the version that was begun."""

    def publish(self, load_no: int | None, cause: str, row_count: int) -> DataVersion:
        """Make a new version that shows a load."""

    def changes_between(self, base: int, number: int) -> Changes:
        """Give the loads published and undone after version `base`, up to version `number`."""

    def undo(self, known: int, cause: str) -> DataVersion:
        """Make a new version that no longer shows the load of a version."""

    def of_load(self, load_no: int) -> DataVersion | None:
        """Give the version that published a load; None if none did."""

    def snapshot_of(self, number: int) -> Snapshot | None:
        """Give the snapshot of a version; None if there is none yet."""

    def snapshot(self, snapshot_id: str) -> Snapshot:
        """Give a snapshot. Raises: SnapshotNotFound."""

    def snapshot_before(self, number: int) -> Snapshot | None:
        """Give the newest snapshot of an earlier version; None if there is none."""

    def save_snapshot(self, snapshot: Snapshot) -> None:
        """Store a snapshot."""


class Sales(Protocol):
    """The sales of a tenant."""

    def record(self, rows: Sequence[tuple[SaleKey, SaleFacts]], opened: OpenVersion) -> Sequence[Sale]:
        """Store row versions of different days under a version that is being made; give them as sales."""

    def key_of(self, sale_id: str) -> SaleKey | None:
        """Give shop, product and date of a sale's id; None if the tenant has no such series.

        Raises: SaleNotFound when it has not the form of an id.
        """

    def newest(self, keys: Sequence[SaleKey], view: View) -> Mapping[SaleKey, Sale]:
        """Give the sales that a view shows of those of the days that have one."""

    def touched(self, view: View, since: int) -> Mapping[Pair, Days] | None:
        """Give the first and last day, by series, of which the versions after `since` have brought rows.

        Versions up to that of the view count. None stands for too many to tell.
        """

    def any_of(self, product_id: str) -> bool:
        """Say whether any load has brought sales of a product."""

    def history(self, wanted: HistoryQuery, view: View, start: SaleKey | None) -> Iterator[Period]:
        """Give the days, weeks or months of a view in the order of shop, product and date, after a day."""


class Load(Protocol):
    """The rows of one load, to be written."""

    def series(self, pairs: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], tuple[int, bool]]:
        """Give number and newness of each series; new ones are made."""

    def write(self, sales: SalesColumns, is_new: Flags) -> Loaded:
        """Store rows that say something new. Raises: DaysTaken."""

    def archived_before(self) -> date | None:
        """Give the first day that is not archived; None if nothing is."""

    def stage(self, sales: SalesColumns, rows: Numbers) -> None:
        """Store rows that are to be added up, under their numbers in the file."""

    def first_staged(self, row_count: int) -> StagedRows:
        """Give about as many staged rows, of the first whole days; none when nothing waits any more."""

    def unstage(self, rows: StagedRows) -> None:
        """Remove staged rows that were given."""


class Announcer(Protocol):
    """Tells everybody of a new data version."""

    async def announce(self, tenant: str, version: str) -> None:
        """Announce a version, right after its commit."""
