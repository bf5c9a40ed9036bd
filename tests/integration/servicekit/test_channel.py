"""Channels against real servers: retries where allowed, reconnects, API keys asked of their owner."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import grpc
import pytest
from shelfcast.identity.v1 import api_key_pb2, api_key_service_pb2, api_key_service_pb2_grpc
from shelfcast.jobs.v1 import job_pb2, job_service_pb2, job_service_pb2_grpc
from shelfcast_servicekit.auth import (
    Caller,
    ChainVerifier,
    TokenMinter,
    TokenVerifier,
    calling_as,
    current_caller,
)
from shelfcast_servicekit.channel import open_channel
from shelfcast_servicekit.errors import CredentialInvalid, ShelfcastError
from shelfcast_servicekit.remote_api_key import RemoteApiKeyVerifier
from shelfcast_servicekit.server import Registration, RunningServer, start_server
from shelfcast_servicekit.status import from_rpc_error

KEY = b"a key for tests that is long enough"
PLANNER = Caller("grocer", "api-key:Ab3dE6gH", frozenset({"jobs.read", "jobs.write"}))
Serve: TypeAlias = Callable[[job_service_pb2_grpc.JobServiceServicer], Awaitable[RunningServer]]
Connect: TypeAlias = Callable[[str], grpc.aio.Channel]


class Flaky(job_service_pb2_grpc.JobServiceServicer):
    """Refuses the first call of each method as a server does that is just going away."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    async def GetJob(self, request: job_service_pb2.GetJobRequest, context: object) -> job_pb2.Job:
        return await self._second_time("GetJob", context)

    async def RetryJob(self, request: job_service_pb2.RetryJobRequest, context: object) -> job_pb2.Job:
        return await self._second_time("RetryJob", context)

    async def _second_time(self, method: str, context: object) -> job_pb2.Job:
        self.calls.append(method)
        if self.calls.count(method) == 1:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "going away")  # type: ignore[attr-defined]
        return job_pb2.Job(job_id="7")


async def test_a_call_that_may_be_repeated_is_and_others_are_not(serve_jobs: Serve, connect: Connect) -> None:
    flaky = Flaky()  # type: ignore[abstract]  # the rest is unimplemented
    server = await serve_jobs(flaky)
    stub = job_service_pb2_grpc.JobServiceStub(connect(server.target))

    with calling_as(PLANNER):
        job = await stub.GetJob(job_service_pb2.GetJobRequest(job_id="7"))
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.RetryJob(job_service_pb2.RetryJobRequest(job_id="7"))

    assert job.job_id == "7"
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    assert flaky.calls == ["GetJob", "GetJob", "RetryJob"]


async def test_a_server_that_comes_back_is_found_again(connect: Connect) -> None:
    registration = Registration(
        job_service_pb2_grpc.add_JobServiceServicer_to_server,
        Flaky(),  # type: ignore[abstract]  # the rest is unimplemented
        "shelfcast.jobs.v1.JobService",
    )
    verifier = ChainVerifier(TokenVerifier(KEY, "model"))
    first = await start_server([registration], verifier)
    channel = connect(first.target)
    await channel.channel_ready()
    await first.drain(0)
    stub = job_service_pb2_grpc.JobServiceStub(channel)
    with calling_as(PLANNER):
        for _ in range(5):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await stub.GetJob(job_service_pb2.GetJobRequest(job_id="7"), timeout=0.5)
            await asyncio.sleep(0.3)
        second = await start_server([registration], verifier, port=first.port)
        async with asyncio.timeout(60):
            while not await answers(stub):
                await asyncio.sleep(0.02)
    await second.drain(0)

    assert from_rpc_error(caught.value, "model").reason in {"UPSTREAM_UNAVAILABLE", "DEADLINE_EXCEEDED"}


async def answers(stub: job_service_pb2_grpc.JobServiceAsyncStub) -> bool:
    try:
        await stub.GetJob(job_service_pb2.GetJobRequest(job_id="7"), timeout=0.5)
    except grpc.aio.AioRpcError:
        return False
    return True


class Owner(api_key_service_pb2_grpc.ApiKeyServiceServicer):
    """Knows one key."""

    asked_by: str = ""

    async def AuthenticateApiKey(
        self, request: api_key_service_pb2.AuthenticateApiKeyRequest, context: object
    ) -> api_key_pb2.Principal:
        caller = current_caller()
        Owner.asked_by = f"{caller.tenant}/{caller.principal}"
        if request.secret != "sk_good":
            raise CredentialInvalid
        return api_key_pb2.Principal(
            tenant_id="grocer", principal_id="api-key:good", role="planner", permissions=["jobs.read"]
        )


async def test_an_api_key_is_verified_by_its_owner_over_grpc() -> None:
    registration = Registration(
        api_key_service_pb2_grpc.add_ApiKeyServiceServicer_to_server,
        Owner(),  # type: ignore[abstract]  # the rest is unimplemented
        "shelfcast.identity.v1.ApiKeyService",
    )
    server = await start_server([registration], ChainVerifier(TokenVerifier(KEY, "data")))
    channel = open_channel(server.target, "data", TokenMinter(KEY))
    verifier = ChainVerifier(TokenVerifier(KEY, "model"), RemoteApiKeyVerifier(channel, "model"))

    caller = await verifier.verify("sk_good")
    with pytest.raises(CredentialInvalid):
        await verifier.verify("sk_bad")
    await server.drain(0)
    with pytest.raises(ShelfcastError) as away:
        await verifier.verify("sk_new")
    await channel.close()

    assert caller == Caller("grocer", "api-key:good", frozenset({"jobs.read"}))
    assert Owner.asked_by == "system/service:model"
    assert away.value.reason in {"UPSTREAM_UNAVAILABLE", "DEADLINE_EXCEEDED"}
