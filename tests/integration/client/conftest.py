"""A real gateway before real gRPC servers, and both clients on it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from shelfcast_client import RetryPolicy, ShelfcastClient
from shelfcast_testing.gateway_stack import Stack, running_stack
from shelfcast_testing.redis_process import RedisProcess
from shelfcast_testing.servicers import ADMIN_KEY

QUICK = RetryPolicy(attempt_count=3, first_wait_seconds=0.01)


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RedisProcess]:
    process = RedisProcess(tmp_path)
    process.start()
    yield process
    process.kill()


@pytest.fixture
async def stack(tmp_path: Path, own_redis: RedisProcess) -> AsyncIterator[Stack]:
    async with running_stack(tmp_path, own_redis, {}) as made:
        yield made


@pytest.fixture
async def client(stack: Stack) -> AsyncIterator[ShelfcastClient]:
    async with ShelfcastClient(stack.base_url, ADMIN_KEY, retries=QUICK) as opened:
        yield opened
