"""The bounds under which files are read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shelfcast_data.adapters.files.expansion import ExpansionLimits
from shelfcast_data.adapters.files.sales_file import FileLimits

if TYPE_CHECKING:
    from shelfcast_data.settings import DataSettings


def file_limits(settings: DataSettings) -> FileLimits:
    """Give the bounds under which files are read."""
    expansion = ExpansionLimits(settings.import_max_expanded_bytes, settings.import_max_ratio)
    return FileLimits(expansion, settings.import_chunk_bytes, settings.import_max_line_bytes)
