"""Sales to learn from, for a training in a process of its own."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from shelfcast_servicekit.auth import TokenMinter
from shelfcast_servicekit.channel import open_channel
from shelfcast_servicekit.executor import BlockingExecutor

from shelfcast_model.adapters.data_service.client import DataServiceClient
from shelfcast_model.adapters.data_service.history import DataServiceHistory

if TYPE_CHECKING:
    from shelfcast_model.domain.history import History


class SnapshotSource:
    """Reads a fresh snapshot whole; it is a process's only use of an event loop."""

    def __init__(self, data_target: str, token_key: bytes, store_root: Path | None) -> None:
        """Ask the data service at `data_target`."""
        self._target = data_target
        self._key = token_key
        self._root = store_root

    def newest(self, tenant: str) -> History:
        """Give the whole history at the newest data version. Raises: HistoryEmpty; UpstreamUnavailable."""
        return asyncio.run(self._read(tenant))

    async def _read(self, tenant: str) -> History:
        executor = BlockingExecutor("history", 1)
        channel = open_channel(self._target, "data", TokenMinter(self._key))
        try:
            history = DataServiceHistory(DataServiceClient(channel), executor, self._root)
            return (await history.view(tenant, None)).history
        finally:
            await channel.close()
            executor.close()
