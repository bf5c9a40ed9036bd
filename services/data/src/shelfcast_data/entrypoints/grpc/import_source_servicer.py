"""The RPCs of import sources."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shelfcast.ingestion.v1 import import_source_pb2, import_source_service_pb2_grpc
from shelfcast.ingestion.v1 import import_source_service_pb2 as pb
from shelfcast_servicekit.auth import current_caller
from shelfcast_servicekit.jobs.mapping import job_to_proto

from shelfcast_data.application.run_source import RunOrder
from shelfcast_data.domain.high_water_mark import shown_mark
from shelfcast_data.domain.import_source import ImportSourceFields, SourceState
from shelfcast_data.domain.same_day import SameDay
from shelfcast_data.entrypoints.grpc.field_value import reference, text, timestamp, whole
from shelfcast_data.entrypoints.grpc.form import Form
from shelfcast_data.entrypoints.grpc.idempotency import idempotency_key
from shelfcast_data.entrypoints.grpc.mapping import SAME_DAY, same_day_from_proto

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import grpc
    from google.protobuf import empty_pb2
    from shelfcast.jobs.v1 import job_pb2

    from shelfcast_data.application.run_source import SourceRuns
    from shelfcast_data.entrypoints.grpc.desk import EntryDesk


class ImportSourceServicer(import_source_service_pb2_grpc.ImportSourceServiceServicer):
    """Keeps and runs the import sources of the caller's tenant."""

    def __init__(
        self, desk: EntryDesk[ImportSourceFields, import_source_pb2.ImportSource], runs: SourceRuns
    ) -> None:
        """Serve what `desk` keeps and `runs` hands to a worker."""
        self._desk = desk
        self._runs = runs

    async def CreateImportSource(
        self, request: pb.CreateImportSourceRequest, context: object
    ) -> import_source_pb2.ImportSource:
        """Store a source under a new name."""
        return await self._with_state(await self._desk.create(request.import_source))

    async def GetImportSource(
        self, request: pb.GetImportSourceRequest, context: object
    ) -> import_source_pb2.ImportSource:
        """Read one source."""
        return await self._with_state(await self._desk.get(request.name))

    async def ListImportSources(
        self, request: pb.ListImportSourcesRequest, context: object
    ) -> pb.ListImportSourcesResponse:
        """List sources in the order of their names."""
        found, token = await self._desk.page(request)
        await self._add_states(found)
        return pb.ListImportSourcesResponse(import_sources=found, next_page_token=token)

    async def UpdateImportSource(
        self, request: pb.UpdateImportSourceRequest, context: object
    ) -> import_source_pb2.ImportSource:
        """Change fields of a source."""
        changed = await self._desk.change((request.name,), request.import_source, request.update_mask)
        return await self._with_state(changed)

    async def DeleteImportSource(
        self, request: pb.DeleteImportSourceRequest, context: object
    ) -> empty_pb2.Empty:
        """Delete a source softly."""
        return await self._desk.delete((request.name,), request.etag)

    async def RunImportSource(
        self,
        request: pb.RunImportSourceRequest,
        context: grpc.aio.ServicerContext[pb.RunImportSourceRequest, job_pb2.Job],
    ) -> job_pb2.Job:
        """Read a source now."""
        caller = current_caller()
        order = RunOrder(
            tenant=caller.tenant,
            name=request.name,
            principal=caller.principal,
            from_start=request.from_start,
            is_dry_run=request.dry_run,
            idempotency_key=idempotency_key(context),
        )
        return job_to_proto(await self._runs.run(order))

    async def _with_state(self, source: import_source_pb2.ImportSource) -> import_source_pb2.ImportSource:
        await self._add_states([source])
        return source

    async def _add_states(self, sources: Sequence[import_source_pb2.ImportSource]) -> None:
        if not sources:
            return
        states = await self._runs.states(current_caller().tenant, [each.name for each in sources])
        for each in sources:
            each.MergeFrom(_state(states[each.name]))


def _state(state: SourceState) -> import_source_pb2.ImportSource:
    """Give what has become of a source as the members that tell it."""
    mark = None if state.reading is None or state.reading.mark is None else shown_mark(state.reading.mark)
    return import_source_pb2.ImportSource(
        mark=mark,
        last_run_at=timestamp(state.last_run_at),
        next_run_at=timestamp(state.next_run_at),
        last_job_id=state.last_job_id,
    )


def _fields(message: import_source_pb2.ImportSource) -> ImportSourceFields:
    return ImportSourceFields(
        connection=message.connection,
        table_name=message.table_name,
        table_schema=text(message, "table_schema"),
        mapping=dict(message.mapping),
        shop_id=reference(message, "shop_id"),
        same_day=same_day_from_proto(message.same_day) or SameDay.REFUSE,
        mark_column=text(message, "mark_column"),
        mark_overlap=message.mark_overlap,
        every_minutes=whole(message, "every_minutes"),
        daily_at=text(message, "daily_at"),
        time_zone=message.time_zone,
        pipeline=reference(message, "pipeline"),
    )


def _members(fields: ImportSourceFields) -> Mapping[str, object]:
    return {
        "connection": fields.connection,
        "table_name": fields.table_name,
        "table_schema": fields.table_schema,
        "mapping": dict(fields.mapping),
        "shop_id": fields.shop_id,
        "same_day": SAME_DAY[fields.same_day],
        "mark_column": fields.mark_column,
        "mark_overlap": fields.mark_overlap,
        "every_minutes": fields.every_minutes,
        "daily_at": fields.daily_at,
        "time_zone": fields.time_zone or "UTC",
        "pipeline": fields.pipeline,
    }


IMPORT_SOURCE_FORM = Form(import_source_pb2.ImportSource, _fields, _members)
