"""The RPCs of saved mappings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shelfcast.ingestion.v1 import import_mapping_pb2, import_mapping_service_pb2_grpc
from shelfcast.ingestion.v1 import import_mapping_service_pb2 as pb

from shelfcast_data.domain.import_mapping import ImportMappingFields
from shelfcast_data.domain.same_day import SameDay
from shelfcast_data.entrypoints.grpc.field_value import text
from shelfcast_data.entrypoints.grpc.form import Form
from shelfcast_data.entrypoints.grpc.mapping import SAME_DAY, same_day_from_proto

if TYPE_CHECKING:
    from collections.abc import Mapping

    from google.protobuf import empty_pb2

    from shelfcast_data.entrypoints.grpc.desk import EntryDesk


class ImportMappingServicer(import_mapping_service_pb2_grpc.ImportMappingServiceServicer):
    """Keeps the saved mappings of the caller's tenant."""

    def __init__(self, desk: EntryDesk[ImportMappingFields, import_mapping_pb2.ImportMapping]) -> None:
        """Serve what `desk` keeps."""
        self._desk = desk

    async def CreateImportMapping(
        self, request: pb.CreateImportMappingRequest, context: object
    ) -> import_mapping_pb2.ImportMapping:
        """Save a mapping under a new name."""
        return await self._desk.create(request.import_mapping)

    async def GetImportMapping(
        self, request: pb.GetImportMappingRequest, context: object
    ) -> import_mapping_pb2.ImportMapping:
        """Read one mapping."""
        return await self._desk.get(request.name)

    async def ListImportMappings(
        self, request: pb.ListImportMappingsRequest, context: object
    ) -> pb.ListImportMappingsResponse:
        """List mappings in the order of their names."""
        found, token = await self._desk.page(request)
        return pb.ListImportMappingsResponse(import_mappings=found, next_page_token=token)

    async def UpdateImportMapping(
        self, request: pb.UpdateImportMappingRequest, context: object
    ) -> import_mapping_pb2.ImportMapping:
        """Change fields of a mapping."""
        return await self._desk.change((request.name,), request.import_mapping, request.update_mask)

    async def DeleteImportMapping(
        self, request: pb.DeleteImportMappingRequest, context: object
    ) -> empty_pb2.Empty:
        """Delete a mapping softly."""
        return await self._desk.delete((request.name,), request.etag)


def _fields(message: import_mapping_pb2.ImportMapping) -> ImportMappingFields:
    same_day = same_day_from_proto(message.same_day) or SameDay.REFUSE
    return ImportMappingFields(dict(message.mapping), text(message, "shop_id"), same_day)


def _members(fields: ImportMappingFields) -> Mapping[str, object]:
    return {
        "mapping": dict(fields.mapping),
        "shop_id": fields.shop_id,
        "same_day": SAME_DAY[fields.same_day],
    }


IMPORT_MAPPING_FORM = Form(import_mapping_pb2.ImportMapping, _fields, _members)
