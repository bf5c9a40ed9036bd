"""The queue between the server and its workers."""

from __future__ import annotations

from typing import Final

QUEUE: Final = "data"
