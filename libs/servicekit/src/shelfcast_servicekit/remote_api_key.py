"""API keys verified by the data service, which keeps them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import grpc
from shelfcast.identity.v1 import api_key_service_pb2, api_key_service_pb2_grpc

from shelfcast_servicekit.auth import SYSTEM_TENANT, Caller, calling_as
from shelfcast_servicekit.status import from_rpc_error

if TYPE_CHECKING:
    from shelfcast.identity.v1 import api_key_pb2

_TIMEOUT_SECONDS: Final = 2.0


class RemoteApiKeyVerifier:
    """Asks `identity.v1.ApiKeyService` whose key it is; usable as the `api_key` of a ChainVerifier."""

    def __init__(self, data_channel: grpc.aio.Channel, service_name: str) -> None:
        """Ask over `data_channel` (made by `open_channel`), as the program `service:<service_name>`."""
        self._stub = api_key_service_pb2_grpc.ApiKeyServiceStub(data_channel)
        permissions = frozenset({"identity.run"})
        self._me = Caller(SYSTEM_TENANT, f"service:{service_name}", permissions)

    async def __call__(self, api_key: str) -> Caller:
        """Give the caller of the key.

        Raises: CredentialInvalid for a key that is nobody's; UpstreamUnavailable, DeadlineExceeded.
        """
        request = api_key_service_pb2.AuthenticateApiKeyRequest(secret=api_key)
        try:
            with calling_as(self._me):
                call = self._stub.AuthenticateApiKey(request, timeout=_TIMEOUT_SECONDS)
            return _caller(await call)
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error, service="data") from error

    verify = __call__


def _caller(principal: api_key_pb2.Principal) -> Caller:
    return Caller(principal.tenant_id, principal.principal_id, frozenset(principal.permissions))
