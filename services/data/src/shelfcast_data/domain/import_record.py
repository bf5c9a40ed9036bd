"""An import: a file of sales that was handed in, and what became of its rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from shelfcast_data.domain.pipeline_plan import PipelineReference, PreviewRow
from shelfcast_data.domain.rejection import Rejection
from shelfcast_data.domain.same_day import SameDay
from shelfcast_data.errors import ImportNotUndoable


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of the rows of a file so far."""

    accepted: int = 0
    """Rows taken."""
    rejected: int = 0
    """Rows refused."""
    repeated: int = 0
    """Rows that were stored already with the same content."""
    filtered: int = 0
    """Rows that filters of the pipeline have left out."""
    closed: int = 0
    """Rows that the pipeline has marked as of a day on which the shop was closed."""

    def plus(self, other: Counts) -> Counts:
        """Give the sum of both."""
        return Counts(
            self.accepted + other.accepted,
            self.rejected + other.rejected,
            self.repeated + other.repeated,
            self.filtered + other.filtered,
            self.closed + other.closed,
        )


@dataclass(frozen=True, slots=True)
class NewImport:
    """A file that was received whole."""

    import_id: str
    """Id of the import and of its job."""
    file_name: str
    """Name as the client gave it."""
    digest: str
    """SHA-256 of the file as it was sent, lower-case hex."""
    size_bytes: int
    """Bytes as they were sent."""
    expanded_bytes: int
    """Bytes of the text in it; the same if it was not compressed."""
    is_dry_run: bool
    """Whether rows are only checked."""
    asked_mapping: Mapping[str, str]
    """Mapping as the client sent it."""
    mapping: Mapping[str, str]
    """Column of the file for each field that was found."""
    shop_id: str | None
    """Shop of all rows, for a file without a shop column."""
    store_path: str
    """Where the file lies in the store."""
    same_day: SameDay = SameDay.REFUSE
    """What becomes of several rows for one day."""
    mapping_name: str = ""
    """Saved mapping that was named; empty if none was."""
    schema_version: int = 1
    """Version of the schema that its rows are checked by."""
    pipeline: PipelineReference | None = None
    """Version of the pipeline that prepares it; None if there is none."""

    @property
    def columns(self) -> frozenset[str]:
        """Columns of a sale that the file tells."""
        told = frozenset(self.mapping)
        return told | {"was_available"} if "stock_out_hours" in told else told

    def is_read_like(self, other: NewImport) -> bool:
        """Whether the same bytes mean the same sales here and there."""
        own = (self.mapping, self.shop_id, self.same_day, self.schema_version, self.pipeline)
        theirs = (other.mapping, other.shop_id, other.same_day, other.schema_version, other.pipeline)
        return own == theirs


@dataclass(frozen=True, slots=True)
class ImportProgress:
    """How far an import has come; written with the rows that it tells of."""

    load_no: int | None = None
    """Number that its rows carry; None before the first row and after they were dropped."""
    offset: int = 0
    """Bytes of the expanded file that are done."""
    row: int = 0
    """Rows of the file that are done."""
    counts: Counts = field(default_factory=Counts)
    """What became of them."""
    reject_bytes: int = 0
    """Bytes of refused rows that are kept for the reject file."""
    is_reject_file_cut: bool = False
    """Whether the reject file has no room for further rows."""


@dataclass(frozen=True, slots=True)
class ImportRecord:
    """An import as stored."""

    file: NewImport
    """What was handed in."""
    status: str
    """Status of its job."""
    progress: ImportProgress
    """How far it has come."""
    data_version: int | None
    """Number of the version that it made; None if it changed nothing."""
    repeated_import_id: str | None
    """Earlier import of the same bytes; None if the file is new."""
    created_at: datetime
    """When it was handed in."""
    completed_at: datetime | None
    """When it ended."""
    undone_number: int | None = None
    """Number of the version from which on its rows are no longer seen; None unless it was undone."""
    undone_at: datetime | None = None
    """When it was undone; None unless it was."""
    is_loaded: bool = False
    """Whether its outcome is stored, though its job may not have ended yet."""
    rejections: tuple[Rejection, ...] = ()
    """The first refusals."""
    preview: tuple[PreviewRow, ...] = ()
    """The first rows of a dry run, before and after the pipeline."""

    def undoable_version(self) -> int:
        """Give the number of the version that the import has made. Raises: ImportNotUndoable."""
        if self.data_version is None:
            raise ImportNotUndoable(import_id=self.file.import_id, problem=self._undo_problem())
        return self.data_version

    def _undo_problem(self) -> str:
        if self.repeated_import_id is not None:
            return f"it only repeated the import {self.repeated_import_id}"
        if self.file.is_dry_run:
            return "it was a dry run"
        return "it has stored nothing" if self.is_loaded else "it has not completed"
