"""The list of what is in a backup: tables and files with their digests, and the schema they are of."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

import orjson

from shelfcast_data.adapters.arrow.sales_table import file_digest
from shelfcast_data.adapters.backup.refusal import OperationRefused

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

FORM: Final = "shelfcast-data-backup/1"
_NAME: Final = "manifest.json"


@dataclass(frozen=True, slots=True)
class TableEntry:
    """One table of a backup."""

    name: str
    """Table in the database."""
    path: str
    """Parquet file, relative to the backup's folder."""
    row_count: int
    """Rows in it."""
    sha256: str
    """Digest of the file, lower-case hex."""


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One file of the store in a backup."""

    store_path: str
    """Where it lies in the store, relative to its root."""
    path: str
    """Copy, relative to the backup's folder."""
    sha256: str
    """Digest of the file, lower-case hex."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is in a backup."""

    form: str
    """Form of the backup; this release writes and reads `FORM`."""
    revision: str
    """Revision of the schema that the tables are of."""
    taken_at: str
    """Moment of the backup, ISO 8601 in UTC."""
    tables: Sequence[TableEntry]
    """All tables of the service, empty ones too."""
    files: Sequence[FileEntry]
    """Files of the store."""

    @property
    def row_count(self) -> int:
        """Rows of all tables."""
        return sum(table.row_count for table in self.tables)

    def digests(self) -> Iterator[tuple[str, str]]:
        """Give path and digest of each file of the backup."""
        yield from ((table.path, table.sha256) for table in self.tables)
        yield from ((file.path, file.sha256) for file in self.files)

    def write(self, folder: Path) -> None:
        """Write the list into the backup's folder."""
        (folder / _NAME).write_bytes(orjson.dumps(asdict(self), option=orjson.OPT_INDENT_2))


def read_manifest(folder: Path) -> Manifest:
    """Read the list of a backup. Raises: OperationRefused where there is none that this release reads."""
    try:
        listed = orjson.loads((folder / _NAME).read_bytes())
        tables = tuple(TableEntry(**each) for each in listed.pop("tables"))
        files = tuple(FileEntry(**each) for each in listed.pop("files"))
        manifest = Manifest(tables=tables, files=files, **listed)
    except FileNotFoundError as error:
        raise OperationRefused(
            f"{folder} is no backup: it has no {_NAME}. Name a folder that `backup` has made."
        ) from error
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        raise OperationRefused(f"{folder / _NAME} cannot be read. Use another backup.") from error
    if manifest.form != FORM:
        raise OperationRefused(
            f"{folder} has the form {manifest.form}, this release reads {FORM}. Use the release that made it."
        )
    return manifest


def verify(folder: Path, manifest: Manifest) -> None:
    """Compare each file with its digest. Raises: OperationRefused where one is damaged or missing."""
    for path, sha256 in manifest.digests():
        try:
            with (folder / path).open("rb") as file:
                is_sound = file_digest(file) == sha256
        except FileNotFoundError as error:
            raise OperationRefused(f"{folder / path} is missing. Use another backup.") from error
        if not is_sound:
            raise OperationRefused(
                f"{folder / path} is not what the backup wrote: its digest differs. Use another backup."
            )
