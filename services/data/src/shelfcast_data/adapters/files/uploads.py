"""Where uploads go: the store's folder, within the limits of the settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shelfcast_data.adapters.files.upload import IMPORTS, Upload

if TYPE_CHECKING:
    from shelfcast_data.adapters.files.folder import Folder
    from shelfcast_data.adapters.files.sales_file import FileLimits
    from shelfcast_data.domain.file_head import Expectation


@dataclass(frozen=True, slots=True)
class FolderUploads:
    """Begins and removes uploads."""

    folder: Folder
    """Where they are stored."""
    limits: FileLimits
    """Bounds of a file's content."""
    most_bytes: int
    """Largest upload as it is sent."""

    def begin(self, expected: Expectation, name: str | None = None) -> Upload:
        """Begin a file. Raises: StorageFull.

        name: what it is called while it is not whole; None makes a name up.
        """
        return Upload(self.folder, self.limits, self.most_bytes, expected, name)

    def forget(self, import_id: str) -> None:
        """Remove what earlier attempts to bring in the file of an import have left."""
        for name in self.folder.names(IMPORTS):
            if name.removeprefix(".").startswith(import_id):
                self.folder.remove(f"{IMPORTS}/{name}")

    def remove(self, store_path: str) -> None:
        """Remove a finished file."""
        self.folder.remove(store_path)
