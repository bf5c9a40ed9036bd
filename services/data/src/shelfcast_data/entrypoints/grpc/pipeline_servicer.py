"""The RPCs of pipelines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shelfcast.ingestion.v1 import pipeline_pb2, pipeline_service_pb2_grpc
from shelfcast.ingestion.v1 import pipeline_service_pb2 as pb
from shelfcast_servicekit.auth import current_caller
from shelfcast_servicekit.paging import page_size_of

from shelfcast_data.entrypoints.grpc.pipeline_mapping import version_to_proto

if TYPE_CHECKING:
    from google.protobuf import empty_pb2
    from shelfcast_servicekit.paging import PageTokens

    from shelfcast_data.application.read_pipelines import PipelineBook
    from shelfcast_data.domain.pipeline import PipelineFields
    from shelfcast_data.entrypoints.grpc.desk import EntryDesk


class PipelineServicer(pipeline_service_pb2_grpc.PipelineServiceServicer):
    """Keeps the pipelines of the caller's tenant."""

    def __init__(
        self, desk: EntryDesk[PipelineFields, pipeline_pb2.Pipeline], book: PipelineBook, tokens: PageTokens
    ) -> None:
        """Serve what `desk` keeps, and the versions in `book`."""
        self._desk = desk
        self._book = book
        self._tokens = tokens

    async def CreatePipeline(
        self, request: pb.CreatePipelineRequest, context: object
    ) -> pipeline_pb2.Pipeline:
        """Store a pipeline under a new name."""
        return await self._desk.create(request.pipeline)

    async def GetPipeline(self, request: pb.GetPipelineRequest, context: object) -> pipeline_pb2.Pipeline:
        """Read one pipeline."""
        return await self._desk.get(request.name)

    async def ListPipelines(
        self, request: pb.ListPipelinesRequest, context: object
    ) -> pb.ListPipelinesResponse:
        """List pipelines in the order of their names."""
        found, token = await self._desk.page(request)
        return pb.ListPipelinesResponse(pipelines=found, next_page_token=token)

    async def UpdatePipeline(
        self, request: pb.UpdatePipelineRequest, context: object
    ) -> pipeline_pb2.Pipeline:
        """Change the steps of a pipeline."""
        return await self._desk.change((request.name,), request.pipeline, request.update_mask)

    async def DeletePipeline(self, request: pb.DeletePipelineRequest, context: object) -> empty_pb2.Empty:
        """Delete a pipeline softly."""
        return await self._desk.delete((request.name,), request.etag)

    async def GetPipelineVersion(
        self, request: pb.GetPipelineVersionRequest, context: object
    ) -> pipeline_pb2.PipelineVersion:
        """Read one version."""
        tenant = current_caller().tenant
        return version_to_proto(await self._book.version(tenant, request.name, request.version))

    async def ListPipelineVersions(
        self, request: pb.ListPipelineVersionsRequest, context: object
    ) -> pb.ListPipelineVersionsResponse:
        """List the versions of a pipeline, newest first."""
        tenant, size = current_caller().tenant, page_size_of(request.page_size)
        scope = {"list": "pipeline_versions", "name": request.name}
        position = self._tokens.read(request.page_token, tenant, scope)
        before = int(position[0]) if position else None
        found = await self._book.page(tenant, request.name, size + 1, before)
        reply = pb.ListPipelineVersionsResponse(versions=map(version_to_proto, found[:size]))
        if len(found) > size:
            reply.next_page_token = self._tokens.issue(tenant, scope, [str(found[size - 1].version)])
        return reply
