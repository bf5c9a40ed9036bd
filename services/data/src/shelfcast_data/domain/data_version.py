"""Versions of a tenant's data, and which rows each of them shows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from shelfcast_data.errors import DataVersionNotFound, SalesArchived

_NAME: Final = re.compile(r"dv-(\d{1,15})", re.ASCII)


@dataclass(frozen=True, slots=True)
class DataVersion:
    """A state of the tenant's data; each committed change makes a new one."""

    number: int
    """Number of the version; grows with each change, with gaps."""
    load_no: int
    """Number that its rows carry; below `number` if others wrote while it was being loaded."""
    created_at: datetime | None
    """When it was made; None for the empty beginning."""
    cause: str
    """What made it, for instance `import:<import_id>` or `sale`."""
    row_count: int
    """Rows that it added."""

    @property
    def name(self) -> str:
        """Name of the version."""
        return version_name(self.number)


BEGINNING: Final = DataVersion(number=0, load_no=0, created_at=None, cause="", row_count=0)
"""The version of a tenant without data."""


@dataclass(frozen=True, slots=True)
class View:
    """The rows that one version shows: loads up to a number, without those published later."""

    tenant_no: int
    """Number of the tenant in the store."""
    number: int
    """Number of the version, which no load of its rows exceeds."""
    hidden: tuple[int, ...]
    """Loads up to the number that were not published by then, or undone; few, and mostly none."""
    archived_before: date | None = None
    """First day whose rows are in the database as ever; None if nothing is archived."""

    def check_kept(self, sale_date: date) -> None:
        """Raise SalesArchived for a day whose rows may be in the archive."""
        if self.archived_before is not None and sale_date < self.archived_before:
            raise SalesArchived(archived_before=self.archived_before.isoformat())


@dataclass(frozen=True, slots=True)
class OpenVersion:
    """A version that is being made; nobody else makes one of the tenant until the commit."""

    number: int
    """Number of the version, and of the load of its rows."""
    opened_at: datetime
    """When it was begun, by the clock of the database."""
    shown: View
    """What the newest version shows until the commit."""

    @property
    def tenant_no(self) -> int:
        """Number of the tenant in the store."""
        return self.shown.tenant_no


@dataclass(frozen=True, slots=True)
class Changes:
    """What has happened to the rows of a tenant after a version."""

    published: tuple[int, ...]
    """Loads that were published since."""
    undone: tuple[int, ...]
    """Loads that were undone since; their days have no sale any more unless another load tells of them."""

    @property
    def loads(self) -> tuple[int, ...]:
        """All loads whose days have changed."""
        return (*self.published, *self.undone)


@dataclass(frozen=True, slots=True)
class SnapshotPart:
    """The sales of one month in a snapshot, as an immutable Parquet file that snapshots may share."""

    month: str
    """The month, YYYY-MM."""
    digest: str
    """SHA-256 of the file, lower-case hex."""
    row_count: int
    """Rows in the file."""
    first_date: date
    """First business date."""
    last_date: date
    """Last business date."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All sales at one data version, as a list of parts."""

    snapshot_id: str
    """Id, made from the content."""
    version_number: int
    """Number of the version that it shows."""
    digest: str
    """SHA-256 of the list of its parts, lower-case hex."""
    store_path: str
    """Where the list of its parts lies, relative to the store's root."""
    row_count: int
    """Rows in all parts."""
    first_date: date
    """First business date."""
    last_date: date
    """Last business date."""
    created_at: datetime
    """When it was made."""
    parent_snapshot_id: str | None
    """Snapshot from which unchanged months were taken over; None if all were written anew."""


def version_name(number: int) -> str:
    """Give the name of a version.

    >>> version_name(42)
    'dv-42'
    """
    return f"dv-{number}"


def number_of(name: str) -> int:
    """Give the number in the name of a version. Raises: DataVersionNotFound if it is none.

    >>> number_of("dv-42")
    42
    """
    match = _NAME.fullmatch(name)
    if match is None:
        raise DataVersionNotFound(data_version=name[:64])
    return int(match.group(1))
