"""The RPCs of imports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from google.api import httpbody_pb2
from shelfcast.ingestion.v1 import import_pb2, import_service_pb2, import_service_pb2_grpc
from shelfcast.jobs.v1 import job_pb2
from shelfcast_servicekit.auth import current_caller
from shelfcast_servicekit.jobs.mapping import job_to_proto
from shelfcast_servicekit.paging import page_size_of

from shelfcast_data.application.receive_import import ImportRequest
from shelfcast_data.entrypoints.grpc.idempotency import idempotency_key
from shelfcast_data.entrypoints.grpc.mapping import import_to_proto, rejection_to_proto, same_day_from_proto
from shelfcast_data.entrypoints.grpc.pages import newest_of, newest_position
from shelfcast_data.errors import UploadIncomplete

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import grpc
    from shelfcast_servicekit.paging import PageTokens

    from shelfcast_data.application.fetch_import import FetchImport
    from shelfcast_data.application.hand_out_rejects import RejectOutlet
    from shelfcast_data.application.receive_import import ImportList, ReceiveImport
    from shelfcast_data.application.undo_import import UndoImport

REJECT_FORM: Final = "text/csv; charset=utf-8"
_SCOPE: Final = {"list": "imports"}


class ImportServicer(import_service_pb2_grpc.ImportServiceServicer):
    """Takes files of sales for the caller's tenant."""

    def __init__(
        self,
        receive: ReceiveImport,
        fetch: FetchImport,
        imports: ImportList,
        undo: UndoImport,
        rejects: RejectOutlet,
        tokens: PageTokens,
    ) -> None:
        """Serve them."""
        self._receive = receive
        self._fetch = fetch
        self._imports = imports
        self._undo = undo
        self._rejects = rejects
        self._tokens = tokens

    async def CreateImport(
        self,
        request_iterator: AsyncIterator[import_service_pb2.CreateImportRequest],
        context: grpc.aio.ServicerContext[import_service_pb2.CreateImportRequest, job_pb2.Job],
    ) -> job_pb2.Job:
        """Take a file: the first message carries the fields, all carry bytes."""
        messages = aiter(request_iterator)
        first = await anext(messages, None)
        if first is None:
            raise UploadIncomplete(size="0")
        asked = _request(first, idempotency_key(context))
        return job_to_proto(await self._receive(asked, _bytes(first, messages)))

    async def FetchImport(
        self,
        request: import_service_pb2.FetchImportRequest,
        context: grpc.aio.ServicerContext[import_service_pb2.FetchImportRequest, job_pb2.Job],
    ) -> job_pb2.Job:
        """Take the URL of a file."""
        asked = _request(request, idempotency_key(context))
        return job_to_proto(await self._fetch(asked, request.url))

    async def GetImport(
        self, request: import_service_pb2.GetImportRequest, context: object
    ) -> import_pb2.Import:
        """Read one import."""
        return import_to_proto(await self._imports.get(current_caller().tenant, request.import_id))

    async def CancelImport(
        self, request: import_service_pb2.CancelImportRequest, context: object
    ) -> job_pb2.Job:
        """Stop an import."""
        return job_to_proto(await self._imports.cancel(current_caller().tenant, request.import_id))

    async def UndoImport(
        self, request: import_service_pb2.UndoImportRequest, context: object
    ) -> import_pb2.Import:
        """Undo an import."""
        return import_to_proto(await self._undo(current_caller().tenant, request.import_id))

    async def ListImports(
        self, request: import_service_pb2.ListImportsRequest, context: object
    ) -> import_service_pb2.ListImportsResponse:
        """List imports, newest first."""
        tenant, size = current_caller().tenant, page_size_of(request.page_size)
        after = newest_of(self._tokens.read(request.page_token, tenant, _SCOPE))
        found = await self._imports.page(tenant, size + 1, after)
        reply = import_service_pb2.ListImportsResponse(imports=map(import_to_proto, found[:size]))
        if len(found) > size:
            last = found[size - 1]
            position = newest_position(last.created_at, last.file.import_id)
            reply.next_page_token = self._tokens.issue(tenant, _SCOPE, position)
        return reply

    async def ListImportRejects(
        self, request: import_service_pb2.ListImportRejectsRequest, context: object
    ) -> import_service_pb2.ListImportRejectsResponse:
        """List all refused rows of an import, in the order of the file."""
        tenant, size = current_caller().tenant, page_size_of(request.page_size)
        scope = {"list": "import_rejects", "import_id": request.import_id}
        position = self._tokens.read(request.page_token, tenant, scope)
        after = (int(position[0]), int(position[1])) if position else None
        found = await self._imports.rejections(tenant, request.import_id, size + 1, after)
        shown = [rejection_to_proto(each) for _, each in found[:size]]
        reply = import_service_pb2.ListImportRejectsResponse(rejections=shown)
        if len(found) > size:
            reply.next_page_token = self._tokens.issue(tenant, scope, [*map(str, found[size - 1][0])])
        return reply

    async def DownloadImportRejects(
        self, request: import_service_pb2.DownloadImportRejectsRequest, context: object
    ) -> AsyncIterator[httpbody_pb2.HttpBody]:
        """Download the refused rows as a file."""
        async for piece in self._rejects(current_caller().tenant, request.import_id):
            yield httpbody_pb2.HttpBody(content_type=REJECT_FORM, data=piece)


def _request(
    first: import_service_pb2.CreateImportRequest | import_service_pb2.FetchImportRequest,
    idempotency_key: str | None,
) -> ImportRequest:
    caller = current_caller()
    return ImportRequest(
        tenant=caller.tenant,
        principal=caller.principal,
        file_name=first.file_name,
        mapping=dict(first.mapping),
        is_dry_run=first.dry_run,
        shop_id=first.shop_id if first.HasField("shop_id") else None,
        same_day=same_day_from_proto(first.same_day),
        mapping_name=first.mapping_name,
        pipeline=first.pipeline,
        idempotency_key=idempotency_key,
    )


async def _bytes(
    first: import_service_pb2.CreateImportRequest,
    messages: AsyncIterator[import_service_pb2.CreateImportRequest],
) -> AsyncIterator[bytes]:
    yield first.data
    async for message in messages:
        yield message.data
