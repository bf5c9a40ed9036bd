"""What imports and their files need from outside."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Protocol

from shelfcast_data.domain.file_chunk import FileChunk
from shelfcast_data.domain.file_head import Expectation, FileHead
from shelfcast_data.domain.import_record import ImportProgress, ImportRecord, NewImport
from shelfcast_data.domain.pipeline_plan import Plan
from shelfcast_data.domain.rejection import Rejection
from shelfcast_data.ports.listing import Newest
from shelfcast_data.ports.sales import Pair


class Imports(Protocol):
    """The imports of a tenant."""

    def add(self, file: NewImport) -> None:
        """Store an import that waits for its job."""

    def get(self, import_id: str, rejections: int = 0) -> ImportRecord:
        """Give an import with its first refusals. Raises: ImportNotFound."""

    def page(self, limit: int, after: Newest | None) -> Sequence[ImportRecord]:
        """Give up to `limit` imports, newest first."""

    def rejections(
        self, import_id: str, limit: int, after: tuple[int, int] | None
    ) -> Sequence[tuple[tuple[int, int], Rejection]]:
        """Give up to `limit` refusals in the order of the file, each with its position."""

    def of_versions(self, numbers: Collection[int]) -> Mapping[int, NewImport]:
        """Give the imports that have made data versions, by the number of the version."""

    def earlier(self, record: ImportRecord) -> ImportRecord | None:
        """Give the first completed import of the same bytes; None if there is none."""

    def take_turn(self, import_id: str) -> bool:
        """Take the turn among the imports of the tenant; say whether it was to be had."""

    def any_published_after(self, number: int) -> bool:
        """Say whether an import has made a version after a number was given out."""

    def save_progress(self, import_id: str, progress: ImportProgress) -> None:
        """Store how far an import has come."""

    def add_rejections(self, import_id: str, rejections: Sequence[Rejection]) -> None:
        """Store refusals."""

    def end(self, import_id: str, data_version: int | None, repeated_import_id: str | None = None) -> None:
        """Store what came out."""

    def complete_catalogue(self, tenant_no: int, load_no: int) -> None:
        """Create the shops and products that a load has brought."""

    def complete_pairs(self, pairs: Collection[Pair]) -> None:
        """Create the shops and products of some series that the catalogue does not know."""

    def drop_rows(self, tenant_no: int, load_no: int) -> bool:
        """Delete some rows of a load that nobody has seen; say whether more are left."""

    def undo(self, import_id: str, number: int) -> None:
        """Store that a version has undone an import."""

    def loaded_rows(self, tenant_no: int, load_no: int) -> int:
        """Give how many rows a load has stored."""

    def forget_load(self, import_id: str, tenant_no: int, load_no: int, *, keep_report: bool) -> None:
        """Let an import be as if it had loaded nothing."""


class UploadSink(Protocol):
    """One file on its way into the store. Blocking."""

    size_bytes: int
    expanded_bytes: int

    def feed(self, data: bytes) -> None:
        """Take the next bytes. Raises: PayloadTooLarge, StorageFull, FileRefused, MappingInvalid."""

    def finish(self, store_path: str) -> tuple[FileHead, str]:
        """Give the file its name; give its head and digest. Raises: FileRefused, StorageFull."""

    def abort(self) -> None:
        """Remove what was stored."""


class Uploads(Protocol):
    """Where uploads go."""

    def begin(self, expected: Expectation, name: str | None = None) -> UploadSink:
        """Begin a file. Raises: StorageFull.

        name: what it is called while it is not whole; None makes a name up.
        """

    def forget(self, import_id: str) -> None:
        """Remove what earlier attempts to bring in the file of an import have left."""

    def remove(self, store_path: str) -> None:
        """Remove a finished file."""


class ImportFiles(Protocol):
    """Files of imports, read by the worker."""

    def chunks(self, record: ImportRecord, plan: Plan | None) -> Iterator[FileChunk]:
        """Give the prepared and checked rows from where the import has come to. Raises: FileRefused."""

    def remove(self, record: ImportRecord) -> None:
        """Remove the file of an import."""


class RejectFiles(Protocol):
    """Refused rows, kept so that they can be mended. Blocking."""

    def keep(self, record: ImportRecord, offset: int, header: bytes, lines: bytes) -> None:
        """Keep the refused lines of the chunk that begins at `offset`. Raises: StorageFull."""

    def pieces(self, record: ImportRecord) -> Iterator[bytes]:
        """Give the reject file of what is committed; nothing if there is none."""

    def forget_from(self, record: ImportRecord, offset: int) -> None:
        """Remove what was kept of chunks that begin at `offset` or later."""

    def remove(self, record: ImportRecord) -> None:
        """Remove the reject file of an import."""
