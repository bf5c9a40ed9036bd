"""Data versions, snapshots and differences as messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shelfcast.sales.v1 import data_version_pb2, data_version_service_pb2

from shelfcast_data.domain.data_version import version_name
from shelfcast_data.domain.decimal_text import UNIT, decimal_of
from shelfcast_data.domain.difference import DayChange
from shelfcast_data.entrypoints.grpc.field_value import timestamp
from shelfcast_data.entrypoints.grpc.pipeline_mapping import reference_to_proto

if TYPE_CHECKING:
    from shelfcast_data.application.hand_out_sales import HeldSnapshot
    from shelfcast_data.application.tell_versions import ToldVersion
    from shelfcast_data.domain.difference import DayDifference, DifferencePage
    from shelfcast_data.domain.sale import SaleFacts

_CHANGE: Final = {
    DayChange.ADDED: data_version_pb2.DAY_CHANGE_ADDED,
    DayChange.CORRECTED: data_version_pb2.DAY_CHANGE_CORRECTED,
    DayChange.WITHDRAWN: data_version_pb2.DAY_CHANGE_WITHDRAWN,
}


def data_version_to_proto(told: ToldVersion) -> data_version_pb2.DataVersion:
    """Give a data version as a message."""
    version, file = told.version, told.file
    pipeline = None if file is None or file.pipeline is None else reference_to_proto(file.pipeline)
    return data_version_pb2.DataVersion(
        data_version=version.name,
        created_at=timestamp(version.created_at),
        cause=version.cause,
        row_count=version.row_count,
        schema_version=None if file is None else file.schema_version,
        pipeline=pipeline,
    )


def snapshot_to_proto(held: HeldSnapshot) -> data_version_pb2.Snapshot:
    """Give a snapshot as a message."""
    snapshot = held.snapshot
    return data_version_pb2.Snapshot(
        snapshot_id=snapshot.snapshot_id,
        data_version=version_name(snapshot.version_number),
        digest=snapshot.digest,
        store_path=snapshot.store_path,
        row_count=snapshot.row_count,
        first_date=snapshot.first_date.isoformat(),
        last_date=snapshot.last_date.isoformat(),
        created_at=timestamp(snapshot.created_at),
        parent_snapshot_id=snapshot.parent_snapshot_id,
        parts=[
            data_version_pb2.SnapshotPart(
                month=part.month, digest=part.digest, store_path=path, row_count=part.row_count
            )
            for part, path in held.parts
        ],
    )


def differences_to_proto(
    page: DifferencePage, size: int
) -> data_version_service_pb2.DiffDataVersionsResponse:
    """Give the first `size` differences of a page as a message."""
    return data_version_service_pb2.DiffDataVersionsResponse(
        data_version=page.version,
        base_data_version=page.base,
        added_count=page.counts[DayChange.ADDED],
        corrected_count=page.counts[DayChange.CORRECTED],
        withdrawn_count=page.counts[DayChange.WITHDRAWN],
        series_count=page.series_count,
        differences=map(_difference_to_proto, page.days[:size]),
    )


def _difference_to_proto(day: DayDifference) -> data_version_pb2.DayDifference:
    return data_version_pb2.DayDifference(
        shop_id=day.key.shop_id,
        product_id=day.key.product_id,
        date=day.key.sale_date.isoformat(),
        change=_CHANGE[day.change],
        before=None if day.before is None else _facts_to_proto(day.before),
        after=None if day.after is None else _facts_to_proto(day.after),
    )


def _facts_to_proto(facts: SaleFacts) -> data_version_pb2.DayFacts:
    return data_version_pb2.DayFacts(
        quantity=float(decimal_of(facts.quantity)),
        unit_price=None if facts.unit_price is None else facts.unit_price / UNIT,
        is_promotion=facts.is_promotion,
        was_available=facts.was_available,
        is_return=facts.is_return,
    )
