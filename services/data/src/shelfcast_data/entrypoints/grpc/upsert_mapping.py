"""Bulk calls: messages to rows, and reports to messages."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

from shelfcast.common.v1 import row_report_pb2

from shelfcast_data.domain.upsert import ProductRow
from shelfcast_data.entrypoints.grpc.desk import populated
from shelfcast_data.entrypoints.grpc.form import PRODUCT_FORM

if TYPE_CHECKING:
    from shelfcast.catalog.v1 import product_pb2

    from shelfcast_data.domain.upsert import RefusedRow, UpsertReport

MOST_REJECTIONS: Final = 1000


def product_row(message: product_pb2.Product) -> ProductRow:
    """Give the row that a message is."""
    return ProductRow(message.product_id, PRODUCT_FORM.read(message), populated(message), message.etag)


def upsert_report_to_proto(report: UpsertReport) -> row_report_pb2.RowReport:
    """Give a report as a message, with the first 1,000 faults."""
    return row_report_pb2.RowReport(
        accepted_count=report.accepted_count,
        rejected_count=report.rejected_count,
        repeated_count=report.repeated_count,
        rejections=map(_rejection, islice(report.refused, MOST_REJECTIONS)),
        truncated=len(report.refused) > MOST_REJECTIONS,
    )


def _rejection(refused: RefusedRow) -> row_report_pb2.Rejection:
    return row_report_pb2.Rejection(
        row=refused.row,
        pointer=refused.violation.pointer,
        value=refused.value,
        rule=refused.violation.rule,
        detail=refused.violation.detail,
    )
