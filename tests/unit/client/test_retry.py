from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shelfcast_client.errors import RequestRefused, ServiceUnreachable
from shelfcast_client.problem import Problem
from shelfcast_client.refusals import ProductNotFound, RateLimited, UpstreamUnavailable
from shelfcast_client.retry import RetryPolicy, with_retries

QUICK = RetryPolicy(attempt_count=4, first_wait_seconds=0.001, longest_wait_seconds=0.01)


class Shop:
    """Fails with the given errors, one a call, then sells."""

    def __init__(self, *errors: Exception) -> None:
        self._errors = list(errors)
        self.call_count = 0

    async def __call__(self) -> str:
        self.call_count += 1
        if self._errors:
            raise self._errors.pop(0)
        return "sold"


def refused(kind: type[RequestRefused], status: int, wait: float | None = None) -> RequestRefused:
    return kind(Problem(kind.reason, "no", status, retry_after_seconds=wait))


@pytest.mark.parametrize(
    "error",
    [
        refused(UpstreamUnavailable, 503),
        refused(RateLimited, 429, 0.001),
        ServiceUnreachable("no answer"),
    ],
)
async def test_a_passing_failure_is_tried_again(error: Exception) -> None:
    shop = Shop(error, error)

    assert await with_retries(shop, QUICK) == "sold"
    assert shop.call_count == 3


async def test_a_lasting_refusal_is_not_tried_again() -> None:
    shop = Shop(refused(ProductNotFound, 404))

    with pytest.raises(ProductNotFound):
        await with_retries(shop, QUICK)
    assert shop.call_count == 1


async def test_a_service_that_asks_for_too_long_a_wait_is_not_asked_again() -> None:
    shop = Shop(refused(RateLimited, 429, 3600.0))

    with pytest.raises(RateLimited):
        await with_retries(shop, QUICK)
    assert shop.call_count == 1


async def test_patience_ends() -> None:
    shop = Shop(*[ServiceUnreachable("no answer")] * 9)

    with pytest.raises(ServiceUnreachable):
        await with_retries(shop, QUICK)
    assert shop.call_count == QUICK.attempt_count


@given(
    attempt=st.integers(1, 30), asked=st.none() | st.floats(0, 100), share=st.floats(0, 1, exclude_max=True)
)
def test_a_wait_never_undercuts_what_was_asked(attempt: int, asked: float | None, share: float) -> None:
    wait = RetryPolicy().wait_seconds(attempt, asked, share)

    assert wait >= (asked or 0.0)
    assert wait <= max(asked or 0.0, RetryPolicy().longest_wait_seconds)
