"""The RPC of exports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from google.api import httpbody_pb2
from shelfcast.exports.v1 import export_service_pb2, export_service_pb2_grpc
from shelfcast.sales.v1 import sale_service_pb2
from shelfcast_servicekit.auth import current_caller
from shelfcast_servicekit.errors import PermissionMissing

from shelfcast_data.domain.export import SALES, SALES_COLUMNS, Column, ExportForm, export_of
from shelfcast_data.entrypoints.grpc.mapping import history_query_from_proto

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from shelfcast_data.application.hand_out_exports import ExportOutlet
    from shelfcast_data.entrypoints.grpc.list_table import ListTable

_SALES_PERMISSION: Final = "sales.read"
_CONTENT_TYPES: Final = {
    ExportForm.CSV: "text/csv; charset=utf-8",
    ExportForm.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ExportForm.PARQUET: "application/vnd.apache.parquet",
}


class ExportServicer(export_service_pb2_grpc.ExportServiceServicer):
    """Hands out the lists of the caller's tenant as files."""

    def __init__(self, outlet: ExportOutlet, lists: Mapping[str, ListTable]) -> None:
        """Serve sales, and the lists."""
        self._outlet = outlet
        self._lists = lists

    async def DownloadExport(
        self, request: export_service_pb2.DownloadExportRequest, context: object
    ) -> AsyncIterator[httpbody_pb2.HttpBody]:
        """Download a whole list."""
        name, form = export_of(request.file, {SALES, *self._lists})
        filters = {field.name: value for field, value in request.ListFields() if field.name != "file"}
        caller = current_caller()
        columns: Sequence[Column]
        if name == SALES:
            _check(_SALES_PERMISSION)
            wanted = history_query_from_proto(sale_service_pb2.ListSalesHistoryRequest(**filters))
            columns, parts = SALES_COLUMNS, self._outlet.sales(caller.tenant, wanted)
        else:
            table = self._lists[name]
            _check(table.permission)
            columns, parts = table.columns, table.parts(filters)
        async for data in self._outlet.file(form, columns, parts):
            yield httpbody_pb2.HttpBody(content_type=_CONTENT_TYPES[form], data=data)


def _check(permission: str) -> None:
    """Raise PermissionMissing unless the caller may read the list."""
    if permission not in current_caller().permissions:
        raise PermissionMissing(permission=permission)
