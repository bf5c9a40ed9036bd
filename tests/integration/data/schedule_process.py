"""A process of the data service that looks once whose schedule asks for a run, and tells how many did."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from shelfcast_data.bootstrap.service import build
from shelfcast_data.settings import DataSettings


async def main() -> None:
    database_url, data_dir = sys.argv[1:]
    settings = DataSettings(
        database_url=database_url,
        data_dir=Path(data_dir),
        redis_url="redis://127.0.0.1:1/0",
        otel_exporter_otlp_endpoint="none",
    )
    parts = build(settings)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.readline)
    fired = await parts.schedules.runs.fire()
    await parts.close()
    sys.stdout.write(f"{fired}\n")


if __name__ == "__main__":
    asyncio.run(main())
