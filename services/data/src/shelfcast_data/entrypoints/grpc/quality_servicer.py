"""The RPCs of data quality."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shelfcast.quality.v1 import quality_service_pb2, quality_service_pb2_grpc
from shelfcast_servicekit.auth import current_caller
from shelfcast_servicekit.jobs.mapping import job_to_proto
from shelfcast_servicekit.paging import page_size_of

from shelfcast_data.entrypoints.grpc.idempotency import idempotency_key
from shelfcast_data.entrypoints.grpc.pages import filters_of
from shelfcast_data.entrypoints.grpc.quality_mapping import (
    finding_query_from_proto,
    finding_to_proto,
    shop_quality_to_proto,
    source_quality_to_proto,
)

if TYPE_CHECKING:
    import grpc
    from shelfcast.jobs.v1 import job_pb2
    from shelfcast_servicekit.paging import PageTokens

    from shelfcast_data.application.read_quality import QualityBook


class QualityServicer(quality_service_pb2_grpc.QualityServiceServicer):
    """Checks the sales of the caller's tenant."""

    def __init__(self, book: QualityBook, tokens: PageTokens) -> None:
        """Serve `book`."""
        self._book = book
        self._tokens = tokens

    async def CreateQualityCheck(
        self,
        request: quality_service_pb2.CreateQualityCheckRequest,
        context: grpc.aio.ServicerContext[quality_service_pb2.CreateQualityCheckRequest, job_pb2.Job],
    ) -> job_pb2.Job:
        """Check all sales of the newest data version."""
        caller = current_caller()
        return job_to_proto(
            await self._book.submit(caller.tenant, caller.principal, idempotency_key(context))
        )

    async def ListShopQuality(
        self, request: quality_service_pb2.ListShopQualityRequest, context: object
    ) -> quality_service_pb2.ListShopQualityResponse:
        """List the shops with their scores by the newest check."""
        tenant, size = current_caller().tenant, page_size_of(request.page_size)
        scope = filters_of(request, "data-quality")
        position = self._tokens.read(request.page_token, tenant, scope)
        after = (int(position[0]), position[1]) if position else None
        found = await self._book.shops(tenant, size + 1, after)
        reply = quality_service_pb2.ListShopQualityResponse(shops=map(shop_quality_to_proto, found[:size]))
        if len(found) > size:
            check, score = found[size - 1]
            reply.next_page_token = self._tokens.issue(tenant, scope, [str(check.check_no), score.shop_id])
        return reply

    async def ListQualityScores(
        self, request: quality_service_pb2.ListQualityScoresRequest, context: object
    ) -> quality_service_pb2.ListQualityScoresResponse:
        """List the scores of one shop over time."""
        tenant, size = current_caller().tenant, page_size_of(request.page_size)
        scope = filters_of(request, "quality-scores")
        position = self._tokens.read(request.page_token, tenant, scope)
        before = int(position[0]) if position else None
        found = await self._book.scores(tenant, request.shop_id, size + 1, before)
        reply = quality_service_pb2.ListQualityScoresResponse(scores=map(shop_quality_to_proto, found[:size]))
        if len(found) > size:
            reply.next_page_token = self._tokens.issue(tenant, scope, [str(found[size - 1][0].check_no)])
        return reply

    async def ListSourceQuality(
        self, request: quality_service_pb2.ListSourceQualityRequest, context: object
    ) -> quality_service_pb2.ListSourceQualityResponse:
        """List the sources with their scores by the newest check."""
        tenant, size = current_caller().tenant, page_size_of(request.page_size)
        scope = filters_of(request, "source-quality")
        position = self._tokens.read(request.page_token, tenant, scope)
        after = (int(position[0]), position[1]) if position else None
        found = await self._book.sources(tenant, size + 1, after)
        shown = map(source_quality_to_proto, found[:size])
        reply = quality_service_pb2.ListSourceQualityResponse(sources=shown)
        if len(found) > size:
            check, score = found[size - 1]
            reply.next_page_token = self._tokens.issue(tenant, scope, [str(check.check_no), score.source_id])
        return reply

    async def ListSourceScores(
        self, request: quality_service_pb2.ListSourceScoresRequest, context: object
    ) -> quality_service_pb2.ListSourceScoresResponse:
        """List the scores of one source over time."""
        tenant, size = current_caller().tenant, page_size_of(request.page_size)
        scope = filters_of(request, "source-scores")
        position = self._tokens.read(request.page_token, tenant, scope)
        before = int(position[0]) if position else None
        found = await self._book.source_scores(tenant, request.source_id, size + 1, before)
        shown = map(source_quality_to_proto, found[:size])
        reply = quality_service_pb2.ListSourceScoresResponse(scores=shown)
        if len(found) > size:
            reply.next_page_token = self._tokens.issue(tenant, scope, [str(found[size - 1][0].check_no)])
        return reply

    async def ListQualityFindings(
        self, request: quality_service_pb2.ListQualityFindingsRequest, context: object
    ) -> quality_service_pb2.ListQualityFindingsResponse:
        """List findings, those found last before the others."""
        tenant, size = current_caller().tenant, page_size_of(request.page_size)
        scope = filters_of(request, "quality-findings")
        position = self._tokens.read(request.page_token, tenant, scope)
        before = int(position[0]) if position else None
        found = await self._book.findings(tenant, finding_query_from_proto(request), size + 1, before)
        shown = map(finding_to_proto, found[:size])
        reply = quality_service_pb2.ListQualityFindingsResponse(findings=shown)
        if len(found) > size:
            reply.next_page_token = self._tokens.issue(tenant, scope, [str(found[size - 1].finding_no)])
        return reply
