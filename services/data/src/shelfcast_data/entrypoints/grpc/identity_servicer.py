"""The RPCs of API keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from google.protobuf import empty_pb2
from shelfcast.identity.v1 import api_key_pb2, api_key_service_pb2, api_key_service_pb2_grpc
from shelfcast_servicekit.auth import current_caller
from shelfcast_servicekit.paging import page_size_of

from shelfcast_data.entrypoints.grpc.mapping import api_key_to_proto, principal_to_proto
from shelfcast_data.entrypoints.grpc.pages import newest_of, newest_position

if TYPE_CHECKING:
    from shelfcast_servicekit.paging import PageTokens

    from shelfcast_data.application.keep_api_keys import ApiKeyRing

_SCOPE = {"list": "api_keys"}


class ApiKeyServicer(api_key_service_pb2_grpc.ApiKeyServiceServicer):
    """Keeps the API keys of the caller's tenant."""

    def __init__(self, keys: ApiKeyRing, tokens: PageTokens) -> None:
        """Serve `keys`."""
        self._keys = keys
        self._tokens = tokens

    async def CreateApiKey(
        self, request: api_key_service_pb2.CreateApiKeyRequest, context: object
    ) -> api_key_pb2.ApiKey:
        """Create a key and show its secret this once."""
        asked = request.api_key
        key, secret = await self._keys.create(current_caller().tenant, asked.name, asked.role)
        return api_key_to_proto(key, secret)

    async def ListApiKeys(
        self, request: api_key_service_pb2.ListApiKeysRequest, context: object
    ) -> api_key_service_pb2.ListApiKeysResponse:
        """List the keys, newest first."""
        tenant, size = current_caller().tenant, page_size_of(request.page_size)
        after = newest_of(self._tokens.read(request.page_token, tenant, _SCOPE))
        found = await self._keys.page(tenant, size + 1, after)
        reply = api_key_service_pb2.ListApiKeysResponse(api_keys=map(api_key_to_proto, found[:size]))
        if len(found) > size:
            last = found[size - 1]
            reply.next_page_token = self._tokens.issue(
                tenant, _SCOPE, newest_position(last.created_at, last.key_id)
            )
        return reply

    async def RevokeApiKey(
        self, request: api_key_service_pb2.RevokeApiKeyRequest, context: object
    ) -> empty_pb2.Empty:
        """Revoke a key."""
        await self._keys.revoke(current_caller().tenant, request.key_id)
        return empty_pb2.Empty()

    async def GetMe(
        self, request: api_key_service_pb2.GetMeRequest, context: object
    ) -> api_key_pb2.Principal:
        """Tell whose credential the request carries."""
        return principal_to_proto(await self._keys.identity_of(current_caller()))

    async def AuthenticateApiKey(
        self, request: api_key_service_pb2.AuthenticateApiKeyRequest, context: object
    ) -> api_key_pb2.Principal:
        """Tell whose key a secret is."""
        return principal_to_proto(await self._keys.authenticate(request.secret))
