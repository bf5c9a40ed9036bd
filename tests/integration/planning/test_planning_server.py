"""The planning service as a real gRPC server: answers, refusals, health, reflection."""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc
import pytest
import pytest_asyncio
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_status import rpc_status
from shelfcast.planning.v1 import stock_level_service_pb2 as pb
from shelfcast.planning.v1 import stock_level_service_pb2_grpc as rpc
from shelfcast_planning.bootstrap import STOCK_LEVEL_SERVICE, registrations
from shelfcast_servicekit.auth import Caller, ChainVerifier, TokenMinter, TokenVerifier, calling_as
from shelfcast_servicekit.channel import open_channel
from shelfcast_servicekit.server import start_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from shelfcast_servicekit.server import RunningServer

KEY = b"k" * 32
PLANNER = Caller("corner-shop", "api-key:planner1", frozenset({"policies.read"}))
QUESTION = pb.ComputeStockLevelRequest(daily_demand_mean=10, daily_demand_sd=4, lead_time_days=8)


@pytest_asyncio.fixture
async def server() -> AsyncIterator[RunningServer]:
    running = await start_server(registrations(), ChainVerifier(TokenVerifier(KEY, "planning")))
    yield running
    await running.drain(0)


@pytest_asyncio.fixture
async def channel(server: RunningServer) -> AsyncIterator[grpc.aio.Channel]:
    async with open_channel(server.target, "planning", TokenMinter(KEY)) as opened:
        yield opened


def reason_of(error: grpc.aio.AioRpcError) -> str:
    status = rpc_status.from_call(error)
    info = error_details_pb2.ErrorInfo()
    assert status is not None
    assert status.details[0].Unpack(info)
    return str(info.reason)


async def ask(
    channel: grpc.aio.Channel, request: pb.ComputeStockLevelRequest, caller: Caller
) -> pb.StockLevel:
    with calling_as(caller):
        call = rpc.StockLevelServiceStub(channel).ComputeStockLevel(request, timeout=30)
    return await call


async def test_a_planner_gets_the_stock_level(channel: grpc.aio.Channel) -> None:
    level = await ask(channel, QUESTION, PLANNER)

    assert level.protection_days == 9
    assert level.expected_demand == 90.0
    assert level.order_up_to_level == pytest.approx(109.738, abs=1e-3)


async def test_a_service_level_of_ninety_five_is_refused_by_its_reason(channel: grpc.aio.Channel) -> None:
    request = pb.ComputeStockLevelRequest()
    request.CopyFrom(QUESTION)
    request.service_level = 95.0

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await ask(channel, request, PLANNER)

    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert reason_of(caught.value) == "SERVICE_LEVEL_OUT_OF_RANGE"
    assert caught.value.details() == "The service level 95 is not between 0 and 1."


async def test_a_lead_time_of_two_years_breaks_the_rule_of_its_field(channel: grpc.aio.Channel) -> None:
    request = pb.ComputeStockLevelRequest(daily_demand_mean=10, daily_demand_sd=4, lead_time_days=730)

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await ask(channel, request, PLANNER)

    assert reason_of(caught.value) == "FIELD_RULE_VIOLATED"


async def test_a_caller_without_the_permission_is_refused(channel: grpc.aio.Channel) -> None:
    stranger = Caller("corner-shop", "api-key:stranger", frozenset({"sales.read"}))

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await ask(channel, QUESTION, stranger)

    assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED
    assert reason_of(caught.value) == "PERMISSION_MISSING"


async def test_a_call_without_a_credential_is_refused(server: RunningServer) -> None:
    async with open_channel(server.target, "planning", None) as bare:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await rpc.StockLevelServiceStub(bare).ComputeStockLevel(QUESTION, timeout=30)

    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED


async def test_a_token_for_another_service_is_refused(server: RunningServer) -> None:
    async with open_channel(server.target, "data", TokenMinter(KEY)) as wrong:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await ask(wrong, QUESTION, PLANNER)

    assert reason_of(caught.value) == "CREDENTIAL_INVALID"


async def test_health_is_told_to_anyone(channel: grpc.aio.Channel) -> None:
    health = health_pb2_grpc.HealthStub(channel)

    for name in ("", STOCK_LEVEL_SERVICE):
        answer = await health.Check(health_pb2.HealthCheckRequest(service=name), timeout=30)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING


async def test_reflection_lists_the_service(channel: grpc.aio.Channel) -> None:
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    stub = reflection_pb2_grpc.ServerReflectionStub(channel)

    answers = [answer async for answer in stub.ServerReflectionInfo(iter([request]), timeout=30)]

    names = {service.name for service in answers[0].list_services_response.service}
    assert STOCK_LEVEL_SERVICE in names
