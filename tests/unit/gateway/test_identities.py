"""Remembered verdicts on API keys."""

from __future__ import annotations

import asyncio

import pytest
from shelfcast_gateway.adapters.identities import RememberedIdentities
from shelfcast_servicekit.auth import Caller
from shelfcast_servicekit.errors import CredentialInvalid, ShelfcastError, UpstreamUnavailable

BUYER = Caller("acme", "api-key:1", frozenset({"products.read"}))


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class DataService:
    """Knows one key; counts questions; fails as told."""

    def __init__(self) -> None:
        self.asked = 0
        self.error: ShelfcastError | None = None

    async def __call__(self, api_key: str) -> Caller:
        self.asked += 1
        await asyncio.sleep(0)
        if self.error is not None:
            raise self.error
        if api_key != "sk_good":
            raise CredentialInvalid
        return BUYER


@pytest.fixture
def clock() -> Clock:
    """Give a clock."""
    return Clock()


@pytest.fixture
def service() -> DataService:
    """Give a data service."""
    return DataService()


@pytest.fixture
def identities(service: DataService, clock: Clock) -> RememberedIdentities:
    """Give the memory before the service."""
    return RememberedIdentities(service, now=clock)


async def test_verdict_is_remembered_for_half_a_minute(
    identities: RememberedIdentities, service: DataService, clock: Clock
) -> None:
    assert await identities("sk_good") == BUYER
    clock.now += 29
    await identities("sk_good")
    assert service.asked == 1

    clock.now += 2
    await identities("sk_good")

    assert service.asked == 2


async def test_many_at_once_ask_once(identities: RememberedIdentities, service: DataService) -> None:
    await asyncio.gather(*(identities("sk_good") for _ in range(20)))

    assert service.asked == 1


async def test_refusal_is_remembered_briefly(
    identities: RememberedIdentities, service: DataService, clock: Clock
) -> None:
    for _ in range(3):
        with pytest.raises(CredentialInvalid):
            await identities("sk_bad")
    assert service.asked == 1

    clock.now += 6
    with pytest.raises(CredentialInvalid):
        await identities("sk_bad")

    assert service.asked == 2


async def test_old_verdict_counts_while_the_service_is_away(
    identities: RememberedIdentities, service: DataService, clock: Clock
) -> None:
    await identities("sk_good")
    service.error = UpstreamUnavailable(service="data")
    clock.now += 300

    assert await identities("sk_good") == BUYER
    assert await identities("sk_good") == BUYER
    assert service.asked == 2  # the service is left in peace for a moment

    clock.now += 301
    with pytest.raises(UpstreamUnavailable):
        await identities("sk_good")


async def test_revoked_key_is_refused_at_the_next_question(
    identities: RememberedIdentities, service: DataService, clock: Clock
) -> None:
    await identities("sk_good")
    service.error = CredentialInvalid()
    clock.now += 31

    with pytest.raises(CredentialInvalid):
        await identities("sk_good")


async def test_endless_key_is_refused_unasked(identities: RememberedIdentities, service: DataService) -> None:
    with pytest.raises(CredentialInvalid):
        await identities("sk_" + "x" * 10_000)

    assert service.asked == 0
