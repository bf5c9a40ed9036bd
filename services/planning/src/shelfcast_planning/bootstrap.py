"""The choice of the planning service's parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shelfcast.identity.v1 import api_key_service_pb2  # noqa: F401 - its rules, for the channel's retries
from shelfcast.planning.v1 import stock_level_service_pb2_grpc as rpc
from shelfcast_servicekit.auth import ChainVerifier, TokenMinter, TokenVerifier
from shelfcast_servicekit.channel import open_channel
from shelfcast_servicekit.remote_api_key import RemoteApiKeyVerifier
from shelfcast_servicekit.server import Registration, serve

from shelfcast_planning.application.compute_stock_level import ComputeStockLevel
from shelfcast_planning.entrypoints.grpc.servicer import StockLevelServicer

if TYPE_CHECKING:
    from shelfcast_planning.settings import PlanningSettings

STOCK_LEVEL_SERVICE: Final = "shelfcast.planning.v1.StockLevelService"


def registrations() -> list[Registration]:
    """Give the RPC services of planning."""
    servicer = StockLevelServicer(ComputeStockLevel())
    return [Registration(rpc.add_StockLevelServiceServicer_to_server, servicer, STOCK_LEVEL_SERVICE)]


async def run(settings: PlanningSettings) -> None:
    """Serve until SIGTERM or SIGINT."""
    key = settings.token_key()
    channel = open_channel(settings.data_target, "data", TokenMinter(key))
    verifier = ChainVerifier(
        TokenVerifier(key, settings.service_name), RemoteApiKeyVerifier(channel, settings.service_name)
    )
    await serve(settings, registrations(), verifier, on_stop=channel.close)
