"""Replies that are files."""

from __future__ import annotations

import httpx
import pytest
from shelfcast_testing.gateway_stack import Stack

REJECTS = "/api/v1/imports/import-1/rejects.csv"


async def test_a_file_goes_out_as_it_is(stack: Stack) -> None:
    reply = await stack.client.get(REJECTS)

    assert reply.status_code == 200
    assert reply.content == b"".join(stack.imports.reject_pieces)
    assert reply.headers["content-type"] == "text/csv; charset=utf-8"
    assert reply.headers["content-disposition"] == 'attachment; filename="rejects.csv"'


async def test_a_refusal_before_the_first_byte_is_a_problem(stack: Stack) -> None:
    stack.imports.fails_after = 0

    reply = await stack.client.get(REJECTS)

    assert reply.status_code == 404
    assert reply.headers["content-type"] == "application/problem+json"


async def test_a_file_that_breaks_off_is_not_taken_for_whole(stack: Stack) -> None:
    stack.imports.fails_after = 1

    with pytest.raises(httpx.RemoteProtocolError):
        await stack.client.get(REJECTS)


async def test_the_head_of_a_file_has_no_body(stack: Stack) -> None:
    reply = await stack.client.head(REJECTS)

    assert reply.status_code == 200
    assert reply.headers["content-type"] == "text/csv; charset=utf-8"
