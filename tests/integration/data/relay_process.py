"""Relay events in a process of its own, until a failpoint kills it."""

from __future__ import annotations

import asyncio

from shelfcast_data.bootstrap.outbox import event_relay
from shelfcast_data.settings import DataSettings
from shelfcast_servicekit.engine import create_service_engine
from shelfcast_servicekit.executor import BlockingExecutor


async def main() -> None:
    """Relay for ever."""
    settings = DataSettings.load()
    engine = create_service_engine(settings.database_url, pool_size=1, traced=False)
    relay, _ = event_relay(settings, engine, BlockingExecutor("database", 1))
    await relay.run()


if __name__ == "__main__":
    asyncio.run(main())
