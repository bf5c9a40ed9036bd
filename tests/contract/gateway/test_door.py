"""One suite for the door in Redis and for the local one: both judge alike."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from shelfcast_gateway.adapters.local_door import LocalDoor
from shelfcast_gateway.adapters.redis_door import RedisDoor
from shelfcast_gateway.domain.rate_limit import Limit
from shelfcast_gateway.ports import Claim, Door, Entry, KeptReply, Ticket
from shelfcast_servicekit.cache import redis_client
from shelfcast_testing.redis_process import RedisProcess

LIMIT = Limit("read", 5.0, 3)
CLAIM = Claim("order-66", "a" * 32, 10.0)


@pytest_asyncio.fixture
async def redis_door(tmp_path: Path) -> AsyncIterator[RedisDoor]:
    """Give a door in a Redis of its own."""
    process = RedisProcess(tmp_path)
    process.start()
    client = redis_client(process.url, timeout_seconds=2.0)
    yield RedisDoor(client, LocalDoor())
    await client.connection_pool.disconnect()
    process.kill()


@pytest.fixture(params=["redis", "local"])
def door(request: pytest.FixtureRequest) -> Door:
    """Give each door in turn."""
    made: Door = LocalDoor() if request.param == "local" else request.getfixturevalue("redis_door")
    return made


async def enter(door: Door, principal: str = "buyer", tenant: str = "acme") -> Entry:
    """Pass the door."""
    return await door.enter(Ticket(tenant, principal, LIMIT))


async def test_burst_passes_then_the_rate_holds(door: Door) -> None:
    verdicts = [(await enter(door)).verdict for _ in range(4)]

    assert [each.is_allowed for each in verdicts] == [True, True, True, False]
    assert [each.remaining for each in verdicts] == [2, 1, 0, 0]
    assert 0 < verdicts[3].retry_after_seconds <= 0.2

    await asyncio.sleep(verdicts[3].retry_after_seconds + 0.02)
    assert (await enter(door)).verdict.is_allowed


async def test_callers_and_tenants_do_not_share_a_bucket(door: Door) -> None:
    for _ in range(3):
        await enter(door)

    assert (await enter(door, principal="planner")).verdict.is_allowed
    assert (await enter(door, tenant="other")).verdict.is_allowed
    assert not (await enter(door)).verdict.is_allowed


async def announce(door: RedisDoor) -> None:
    """Announce both versions."""
    for name in ("data_version", "model_version"):
        await door._client.set(f"shelfcast:{{acme}}:{name}", "v1")


async def test_kept_reply_is_found_under_its_versions_only(redis_door: RedisDoor) -> None:
    ticket = Ticket("acme", "buyer", Limit("read", 100.0, 100), reply_digest="d1")
    await redis_door.keep("acme", "d1", ("v1", "v1"), KeptReply(b"{}", 60, b"stale", 60))
    assert (await redis_door.enter(ticket)).versions is None

    await announce(redis_door)
    found = await redis_door.enter(ticket)
    other_tenant = await redis_door.enter(Ticket("other", "buyer", ticket.limit, "d1"))

    assert (found.versions, found.reply) == (("v1", "v1"), b"{}")
    assert other_tenant.reply is None
    assert await redis_door.last_good("acme", "d1") == b"stale"
    assert await redis_door.last_good("other", "d1") is None


async def test_claim_is_granted_once_and_its_record_kept(redis_door: RedisDoor) -> None:
    ticket = Ticket("acme", "buyer", Limit("write", 100.0, 100), claim=CLAIM)
    other = Ticket("acme", "buyer", ticket.limit, claim=Claim("order-66", "b" * 32, 10.0))

    assert (await redis_door.enter(ticket)).claim == "granted"
    assert (await redis_door.enter(ticket)).claim == "running"
    assert (await redis_door.enter(other)).claim == "reused"
    await redis_door.settle("acme", CLAIM, b"reply")
    done = await redis_door.enter(ticket)

    assert (done.claim, done.record) == ("done", b"reply")


async def test_claim_that_is_given_up_can_be_made_again(redis_door: RedisDoor) -> None:
    ticket = Ticket("acme", "buyer", Limit("write", 100.0, 100), claim=CLAIM)
    await redis_door.enter(ticket)

    await redis_door.settle("acme", CLAIM, None)

    assert (await redis_door.enter(ticket)).claim == "granted"


async def test_many_share_round_trips_and_get_their_own_answers(redis_door: RedisDoor) -> None:
    await announce(redis_door)
    limit = Limit("read", 10_000.0, 10_000)
    for number in range(300):
        await redis_door.keep("acme", f"d{number}", ("v1", "v1"), KeptReply(b"%d" % number, 60))

    tickets = [Ticket("acme", "buyer", limit, f"d{number}") for number in range(300)]
    entries = await asyncio.gather(*map(redis_door.enter, tickets))

    assert [entry.reply for entry in entries] == [b"%d" % number for number in range(300)]


async def test_cancelled_caller_never_gets_the_reply_of_another(redis_door: RedisDoor) -> None:
    await announce(redis_door)
    limit = Limit("read", 10_000.0, 10_000)
    for number in range(100):
        await redis_door.keep("acme", f"d{number}", ("v1", "v1"), KeptReply(b"%d" % number, 60))

    tasks = [
        asyncio.create_task(redis_door.enter(Ticket("acme", "buyer", limit, f"d{number}")))
        for number in range(100)
    ]
    await asyncio.sleep(0)
    for task in tasks[::3]:
        task.cancel()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)

    for number, outcome in enumerate(outcomes):
        assert isinstance(outcome, asyncio.CancelledError) or outcome.reply == b"%d" % number  # type: ignore[union-attr]
