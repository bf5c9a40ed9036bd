"""What is sent when sales are imported: the bytes of a file or of a frame, as often as needed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

import pandas as pd

from shelfcast_client.frames import sales_csv

CHUNK_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How a file of sales is to be read."""

    mapping: Mapping[str, str] = field(default_factory=dict)
    """Column of the file for fields that are not found by name, for instance `{"quantity": "units_sold"}`."""
    is_dry_run: bool = False
    """Whether rows are only checked and nothing is stored."""
    shop_id: str | None = None
    """Shop of all rows, for a file without a shop column."""
    same_day: Literal["refuse", "sum"] | None = None
    """What becomes of several rows for one shop, product and date: refused, or added up like receipts.

    `None` is what the saved mapping says, else refused.
    """
    mapping_name: str | None = None
    """Saved mapping that tells what these options do not; `None` means none."""
    pipeline: str | None = None
    """Pipeline that prepares the file before its rows are checked; `None` means none."""


@dataclass(frozen=True, slots=True)
class Upload:
    """Bytes with a name that can be read more than once."""

    file_name: str
    """Name that the import is listed under."""
    source: Path | bytes
    """A file, or the bytes themselves."""

    @property
    def size_bytes(self) -> int:
        """Bytes in all."""
        return len(self.source) if isinstance(self.source, bytes) else self.source.stat().st_size

    async def chunks(self) -> AsyncIterator[bytes]:
        """Give the bytes from the beginning, at most 1 MiB at a time; a file is read off the event loop."""
        if isinstance(self.source, bytes):
            for start in range(0, len(self.source), CHUNK_BYTES):
                yield self.source[start : start + CHUNK_BYTES]
            return
        file = await asyncio.to_thread(self.source.open, "rb")
        try:
            while chunk := await asyncio.to_thread(file.read, CHUNK_BYTES):
                yield chunk
        finally:
            file.close()


def upload_of(sales: pd.DataFrame | Path | str) -> Upload:
    """Make an upload of a frame, or of a file that is streamed from disk. Raises: FileNotFoundError."""
    if isinstance(sales, pd.DataFrame):
        return Upload("frame.csv", sales_csv(sales))
    path = Path(sales)
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path}")
    return Upload(path.name, path)
