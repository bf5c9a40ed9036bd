"""Where a page of a list begins."""

from __future__ import annotations

from datetime import datetime

Newest = tuple[datetime, str]
"""Creation time and id after which a page of the newest first begins."""
