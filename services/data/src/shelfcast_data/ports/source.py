"""What imports by URL and from tables of other databases need from outside."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from shelfcast_data.domain.high_water_mark import Mark
from shelfcast_data.domain.import_source import ImportSourceFields, Reading, SourceState
from shelfcast_data.domain.pipeline_plan import Plan

if TYPE_CHECKING:
    from shelfcast_data.ports.store import Tx


class RemoteFile(Protocol):
    """A file on its way. Blocking."""

    @property
    def is_continued(self) -> bool:
        """Whether it goes on after what is there already; else it begins anew."""

    @property
    def total_bytes(self) -> int:
        """Bytes of the whole file; 0 if the server does not say."""

    @property
    def tag(self) -> str:
        """Names this state of the file, so that it can be gone on with; empty if that cannot be done."""

    def pieces(self) -> Iterator[bytes]:
        """Give the bytes. Raises: FetchBroken, FetchFailed."""


class RemoteFiles(Protocol):
    """Files that others keep. Blocking."""

    def open(self, url: str, offset: int, tag: str) -> AbstractContextManager[RemoteFile]:
        """Ask for a file from an offset on, if it still is in the state of `tag`; `""` means all of it.

        Raises: UrlRefused, FetchBroken, FetchFailed.
        """


@dataclass(frozen=True, slots=True)
class TableQuery:
    """Which rows of which table are asked for."""

    tenant: str
    """Tenant whose connection it is."""
    fields: ImportSourceFields
    """Connection, table and columns."""
    start: Mark | None
    """Least value of the mark column; None means all rows."""
    plan: Plan | None = None
    """What prepares the rows; None means nothing."""


class TableRows(Protocol):
    """Rows of a table as CSV text. Blocking."""

    @property
    def mapping(self) -> Mapping[str, str]:
        """Column for each field that the table has, named as the plan leaves it."""

    @property
    def row_count(self) -> int:
        """Rows given so far."""

    @property
    def mark(self) -> str | None:
        """Largest mark when the reading began, as `mark_text` gives it; None if there is none."""

    def pieces(self) -> Iterator[bytes]:
        """Give header and rows. Raises: SourceUnreadable, UpstreamUnavailable."""


class SourceTables(Protocol):
    """Tables of other databases. Blocking."""

    def connections(self, tenant: str) -> Collection[str]:
        """Give the names of the connections that the operator has set for a tenant."""

    def open(self, wanted: TableQuery) -> AbstractContextManager[TableRows]:
        """Begin to read.

        Raises: SourceUnreadable, ColumnMissing, MappingInvalid, PipelineUnfit, UpstreamUnavailable.
        """


class Sources(Protocol):
    """What has become of the import sources of a tenant."""

    def now(self) -> datetime:
        """Give the time of the store."""

    def states(self, names: Collection[str]) -> Mapping[str, SourceState]:
        """Give the states of sources, by name."""

    def locked(self, name: str) -> SourceState:
        """Give the state of a source, which nobody else changes until the commit."""

    def plan(self, name: str, next_run_at: datetime | None) -> None:
        """Store when the schedule asks for the next run; None means never."""

    def note_run(self, name: str, job_id: str) -> None:
        """Store that a job was handed to a worker."""

    def note_reading(self, name: str, reading: Reading) -> None:
        """Store up to where a source has been loaded."""


class BringingWatch(Protocol):
    """What a job that brings a file in tells, and what it is told."""

    @property
    def attempt(self) -> int:
        """Number of the attempt; no two have the same."""

    @property
    def checkpoint(self) -> Mapping[str, object] | None:
        """What an earlier attempt has stored with the file; None before that."""

    def progress(self, phase: str, done: float, total: float) -> None:
        """Tell how far the work is; raises where it must stop."""

    def guard(self, tx: Tx) -> None:
        """Let the transaction through only while this worker holds the job."""

    def guard_with(self, tx: Tx, checkpoint: Mapping[str, object]) -> None:
        """Do as `guard`, and store what a later attempt must know."""
