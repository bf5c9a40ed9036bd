"""A MariaDB that is killed at random moments of a large import: the table equals the file, every time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from shelfcast_testing.mariadb_process import MariadbProcess
from sqlalchemy import create_engine

from tests.integration.data import kill_round

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

    from shelfcast_data.settings import DataSettings

    from tests.integration.data.conftest import Service

pytestmark = [pytest.mark.slow, pytest.mark.mysql, pytest.mark.timeout(kill_round.SECONDS)]


@pytest.fixture
def mariadb(tmp_path: Path) -> Iterator[MariadbProcess]:
    process = MariadbProcess(tmp_path)
    process.start()
    yield process
    process.kill()


@pytest.fixture
def database_url(mariadb: MariadbProcess) -> str:
    engine = create_engine(mariadb.url())
    with engine.connect() as connection:
        connection.exec_driver_sql("CREATE DATABASE shelfcast")
    engine.dispose()
    return mariadb.url("shelfcast")


@pytest.fixture
def settings(settings: DataSettings) -> DataSettings:
    return settings.model_copy(update={"import_chunk_bytes": kill_round.CHUNK_BYTES})


async def test_after_each_kill_the_table_equals_the_file(service: Service, mariadb: MariadbProcess) -> None:
    killed = 0
    for turn in range(kill_round.ROUNDS):
        current = await kill_round.begun(service, turn)
        process = current.start_worker()
        done = await current.until_random_moment(process)
        mariadb.kill()
        await asyncio.to_thread(mariadb.start)
        await until_gone(process)
        killed += done >= 0
        await current.assert_whole(await current.to_its_end())

    assert killed


async def until_gone(process: subprocess.Popen[bytes]) -> None:
    """Wait for the worker's own end, which puts the job off where it can."""
    async with asyncio.timeout(60):
        while process.poll() is None:
            await asyncio.sleep(0.1)
