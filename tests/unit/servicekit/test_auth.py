"""Tokens between services, API keys, and what a forger gets (S1, S2)."""

from __future__ import annotations

import time

import jwt
import pytest
from shelfcast_servicekit.auth import (
    Caller,
    ChainVerifier,
    TokenMinter,
    TokenVerifier,
    caller_or_none,
    calling_as,
    current_caller,
)
from shelfcast_servicekit.errors import CredentialInvalid, CredentialMissing, UpstreamUnavailable

KEY = b"a key for tests that is long enough"
PLANNER = Caller("grocer", "api-key:Ab3dE6gH", frozenset({"sales.read", "sales.write"}))


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


def test_a_token_carries_its_caller() -> None:
    token = TokenMinter(KEY).token_for(PLANNER, "data")

    assert TokenVerifier(KEY, "data").check(token) == PLANNER


def test_a_token_is_reused_per_caller_and_audience() -> None:
    minter = TokenMinter(KEY)

    first = minter.token_for(PLANNER, "data")

    assert minter.token_for(PLANNER, "data") is first
    assert minter.token_for(PLANNER, "model") != first
    assert minter.token_for(Caller("baker", PLANNER.principal, PLANNER.permissions), "data") != first


def test_a_kept_verdict_ends_with_the_token(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    verifier = TokenVerifier(KEY, "data", now=clock)
    token = TokenMinter(KEY).token_for(PLANNER, "data")
    clock.now = float(jwt.decode(token, options={"verify_signature": False})["exp"])
    verifier.check(token)
    monkeypatch.setattr(jwt, "decode", _expired)

    verifier.check(token)
    clock.now += 61

    with pytest.raises(CredentialInvalid):
        verifier.check(token)


def _expired(*_: object, **__: object) -> None:
    raise jwt.ExpiredSignatureError


def claims(**changes: object) -> dict[str, object]:
    now = int(time.time())
    whole: dict[str, object] = {
        "iss": "shelfcast",
        "aud": "data",
        "sub": "me",
        "tenant": "grocer",
        "perms": ["sales.read"],
        "iat": now,
        "exp": now + 300,
    }
    whole.update(changes)
    return {name: value for name, value in whole.items() if value is not None}


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "model"},
        {"iss": "somebody"},
        {"exp": 1},
        {"exp": None},
        {"aud": None},
        {"iss": None},
        {"sub": None},
        {"iat": None},
        {"tenant": None},
        {"tenant": ""},
        {"tenant": 7},
        {"perms": None},
        {"perms": "sales.read"},
        {"exp": 99_999_999_999},
        {"nbf": 99_999_999_999},
    ],
)
def test_s2_a_token_with_a_wrong_claim_is_refused(changes: dict[str, object]) -> None:
    token = jwt.encode(claims(**changes), KEY, algorithm="HS256")

    with pytest.raises(CredentialInvalid):
        TokenVerifier(KEY, "data").check(token)


@pytest.mark.parametrize(
    "token",
    [
        "",
        "nonsense",
        "a.b.c",
        jwt.encode(claims(), None, algorithm="none"),
        jwt.encode(claims(), KEY + KEY, algorithm="HS512"),
        jwt.encode(claims(), b"another key that is long enough too", algorithm="HS256"),
    ],
)
def test_s1_a_forged_token_is_refused(token: str) -> None:
    with pytest.raises(CredentialInvalid):
        TokenVerifier(KEY, "data").check(token)


def test_the_good_claims_of_these_tests_are_good() -> None:
    token = jwt.encode(claims(), KEY, algorithm="HS256")

    assert TokenVerifier(KEY, "data").check(token).principal == "me"


def test_verdicts_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shelfcast_servicekit.auth._MOST_CACHED", 3)
    verifier, minter = TokenVerifier(KEY, "data"), TokenMinter(KEY)

    for number in range(10):
        verifier.check(minter.token_for(Caller("grocer", str(number), frozenset()), "data"))

    assert len(verifier._verdicts) == 3


class Keys:
    """The owner of API keys, who counts the questions."""

    def __init__(self, *, is_away: bool = False) -> None:
        self.asked: list[str] = []
        self.is_away = is_away

    async def __call__(self, key: str) -> Caller:
        self.asked.append(key)
        if self.is_away:
            raise UpstreamUnavailable(service="data")
        if key != "sk_good":
            raise CredentialInvalid
        return PLANNER


async def test_an_api_key_is_asked_for_once() -> None:
    keys = Keys()
    verifier = ChainVerifier(TokenVerifier(KEY, "data"), keys)

    assert [await verifier.verify("sk_good") for _ in range(3)] == [PLANNER] * 3
    assert keys.asked == ["sk_good"]


async def test_a_refused_api_key_is_remembered_for_a_moment() -> None:
    keys = Keys()
    verifier = ChainVerifier(TokenVerifier(KEY, "data"), keys)

    for _ in range(3):
        with pytest.raises(CredentialInvalid):
            await verifier.verify("sk_bad")

    assert keys.asked == ["sk_bad"]


async def test_an_owner_who_is_away_is_no_refusal() -> None:
    keys = Keys(is_away=True)
    verifier = ChainVerifier(TokenVerifier(KEY, "data"), keys)

    for _ in range(2):
        with pytest.raises(UpstreamUnavailable):
            await verifier.verify("sk_good")

    assert len(keys.asked) == 2


@pytest.mark.parametrize("credential", ["sk_" + "x" * 10_000, "sk_good"])
async def test_api_keys_are_refused_where_nobody_knows_them(credential: str) -> None:
    verifier = ChainVerifier(TokenVerifier(KEY, "data"), Keys() if len(credential) > 100 else None)

    with pytest.raises(CredentialInvalid):
        await verifier.verify(credential)


async def test_the_chain_accepts_tokens_too() -> None:
    verifier = ChainVerifier(TokenVerifier(KEY, "data"))

    assert await verifier.verify(TokenMinter(KEY).token_for(PLANNER, "data")) == PLANNER


def test_the_caller_belongs_to_its_block() -> None:
    with calling_as(PLANNER):
        assert current_caller() is PLANNER

    assert caller_or_none() is None
    with pytest.raises(CredentialMissing):
        current_caller()
