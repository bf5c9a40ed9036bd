"""Workers that are killed at random moments of a large import: the table equals the file, every time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.integration.data import kill_round

if TYPE_CHECKING:
    from shelfcast_data.settings import DataSettings

    from tests.integration.data.conftest import Service

pytestmark = [pytest.mark.slow, pytest.mark.timeout(kill_round.SECONDS)]


@pytest.fixture
def settings(settings: DataSettings) -> DataSettings:
    return settings.model_copy(update={"import_chunk_bytes": kill_round.CHUNK_BYTES})


async def test_after_each_kill_the_table_equals_the_file(service: Service) -> None:
    killed = 0
    for turn in range(kill_round.ROUNDS):
        current = await kill_round.begun(service, turn)
        process = current.start_worker()
        done = await current.until_random_moment(process)
        process.kill()
        process.wait()
        killed += done >= 0
        await asyncio.sleep(kill_round.LEASE_SECONDS)
        await current.assert_whole(await current.to_its_end())

    assert killed
