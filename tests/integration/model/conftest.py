from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from shelfcast_testing.model_stack import Stack, running_stack
from shelfcast_testing.redis_process import RedisProcess


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisProcess]:
    server = RedisProcess(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
async def stack(tmp_path: Path, redis_server: RedisProcess) -> AsyncIterator[Stack]:
    async with running_stack(tmp_path, redis_server) as stack:
        yield stack
