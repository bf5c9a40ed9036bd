"""Messages to values and back."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from shelfcast.common.v1 import row_report_pb2
from shelfcast.identity.v1 import api_key_pb2
from shelfcast.ingestion.v1 import import_pb2
from shelfcast.sales.v1 import sale_pb2, sale_service_pb2
from shelfcast_servicekit.errors import DateMalformed, FieldMissing, FieldRuleViolated, Violation

from shelfcast_data.domain.calendar import Granularity, date_fault, date_of
from shelfcast_data.domain.data_version import version_name
from shelfcast_data.domain.decimal_text import UNIT, float_fault, from_float, millionths_of
from shelfcast_data.domain.history import HistoryQuery
from shelfcast_data.domain.sale import SaleFacts, SaleKey
from shelfcast_data.domain.same_day import SameDay
from shelfcast_data.entrypoints.grpc.field_value import timestamp
from shelfcast_data.entrypoints.grpc.pipeline_mapping import report_to_proto

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shelfcast_data.application.keep_api_keys import Identity
    from shelfcast_data.domain.api_key import ApiKey
    from shelfcast_data.domain.history import HistoryPage
    from shelfcast_data.domain.import_record import ImportRecord
    from shelfcast_data.domain.rejection import Rejection
    from shelfcast_data.domain.sale import Sale

_IMPORT_STATUS = {
    "pending": import_pb2.IMPORT_STATUS_PENDING,
    "processing": import_pb2.IMPORT_STATUS_PROCESSING,
    "completed": import_pb2.IMPORT_STATUS_COMPLETED,
    "failed": import_pb2.IMPORT_STATUS_FAILED,
    "cancelled": import_pb2.IMPORT_STATUS_CANCELLED,
}
_GRANULARITY = {
    sale_service_pb2.GRANULARITY_UNSPECIFIED: Granularity.DAY,
    sale_service_pb2.GRANULARITY_DAY: Granularity.DAY,
    sale_service_pb2.GRANULARITY_WEEK: Granularity.WEEK,
    sale_service_pb2.GRANULARITY_MONTH: Granularity.MONTH,
}


def api_key_to_proto(key: ApiKey, secret: str | None = None) -> api_key_pb2.ApiKey:
    """Give a key as a message; its secret only at its creation."""
    return api_key_pb2.ApiKey(
        key_id=key.key_id,
        name=key.name,
        role=key.role,
        secret=secret,
        created_at=timestamp(key.created_at),
        revoked_at=timestamp(key.revoked_at),
    )


def principal_to_proto(identity: Identity) -> api_key_pb2.Principal:
    """Give an identity as a message."""
    return api_key_pb2.Principal(
        tenant_id=identity.tenant,
        principal_id=identity.principal,
        role=identity.role,
        permissions=sorted(identity.permissions),
    )


def business_date(text: str, pointer: str) -> date:
    """Give the business date in a field. Raises: FieldMissing, DateMalformed."""
    if not text:
        fault = Violation(pointer, "A date is required; write it as YYYY-MM-DD.", "required")
        raise FieldMissing(violations=[fault], field=pointer.rpartition("/")[2])
    if date_fault(text.removesuffix("Z")) is not None:
        fault = Violation(pointer, f"{text[:40]!r} is not a calendar date; write it as YYYY-MM-DD.", "date")
        raise DateMalformed(violations=[fault], value=text[:40])
    return date_of(text)


def sale_key_from_proto(message: sale_pb2.Sale) -> SaleKey:
    """Give shop, product and date of a new sale. Raises: FieldMissing, DateMalformed."""
    for name in ("shop_id", "product_id"):
        if not getattr(message, name):
            fault = Violation(f"/sale/{name}", f"{name} is required.", "required")
            raise FieldMissing(violations=[fault], field=name)
    return SaleKey(message.shop_id, message.product_id, business_date(message.date, "/sale/date"))


def partial_key_from_proto(message: sale_pb2.Sale, known: date) -> SaleKey:
    """Give shop, product and date of a correction; what is left out is empty, or the known date."""
    day = business_date(message.date, "/sale/date") if message.date else known
    return SaleKey(message.shop_id, message.product_id, day)


def sale_facts_from_proto(message: sale_pb2.Sale) -> SaleFacts:
    """Give what a message says about a day. Raises: FieldRuleViolated for numbers that are not finite."""
    numbers = [("quantity", message.quantity)]
    if message.HasField("unit_price"):
        numbers.append(("unit_price", message.unit_price))
    faults = [
        Violation(f"/sale/{name}", f"{name} is a finite number below 1,000,000,000,000.", f"{name}.{rule}")
        for name, value in numbers
        if (rule := float_fault(value))
    ]
    if faults:
        raise FieldRuleViolated(violations=faults)
    values = {name: millionths_of(from_float(value)) for name, value in numbers}
    return SaleFacts(
        quantity=values["quantity"],
        unit_price=values.get("unit_price"),
        is_promotion=message.is_promotion if message.HasField("is_promotion") else None,
        was_available=message.was_available if message.HasField("was_available") else None,
        is_return=message.is_return,
    )


def sale_to_proto(sale: Sale) -> sale_pb2.Sale:
    """Give a sale as a message."""
    return sale_pb2.Sale(**_sale_fields(sale))


def history_to_proto(
    page: HistoryPage, size: int, next_page_token: str = ""
) -> sale_service_pb2.ListSalesHistoryResponse:
    """Give up to `size` rows of a history as a message; a sum has no id."""
    reply = sale_service_pb2.ListSalesHistoryResponse(next_page_token=next_page_token)
    for period in page.periods[:size]:  # made in their place: messages that are put into others are copied
        message = reply.sales.add(**_sale_fields(period.sale))
        if period.day_count is not None:
            message.sale_id = ""
            message.day_count = period.day_count
    if page.archived_before is not None:
        reply.archived_before = page.archived_before.isoformat()
    return reply


def _sale_fields(sale: Sale) -> dict[str, Any]:
    key, facts = sale.key, sale.facts
    return {
        "sale_id": sale.sale_id,
        "shop_id": key.shop_id,
        "product_id": key.product_id,
        "date": key.sale_date.isoformat(),
        "quantity": facts.quantity / UNIT,
        "unit_price": None if facts.unit_price is None else facts.unit_price / UNIT,
        "is_promotion": facts.is_promotion,
        "was_available": facts.was_available,
        "is_return": facts.is_return,
        "recorded_at": timestamp(sale.recorded_at),
    }


def history_query_from_proto(message: sale_service_pb2.ListSalesHistoryRequest) -> HistoryQuery:
    """Give what a history is asked for. Raises: DateMalformed."""
    return HistoryQuery(
        shop_id=message.shop_id if message.HasField("shop_id") else None,
        product_id=message.product_id if message.HasField("product_id") else None,
        start=business_date(message.start, "/start") if message.HasField("start") else None,
        end=business_date(message.end, "/end") if message.HasField("end") else None,
        as_of=instant(message.as_of, "/as_of") if message.HasField("as_of") else None,
        granularity=_GRANULARITY.get(message.granularity, Granularity.DAY),
    )


def instant(text: str, pointer: str) -> datetime:
    """Give the instant in a field; without an offset it is UTC. Raises: DateMalformed."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        fault = Violation(pointer, f"{text[:40]!r} is not an instant; write it as RFC 3339.", "date")
        raise DateMalformed(violations=[fault], value=text[:40]) from error
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def rejection_to_proto(rejection: Rejection) -> row_report_pb2.Rejection:
    """Give a refused row as a message."""
    return row_report_pb2.Rejection(
        row=rejection.row,
        pointer=rejection.column,
        value=rejection.value,
        rule=rejection.rule,
        detail=rejection.detail,
    )


def import_to_proto(record: ImportRecord) -> import_pb2.Import:
    """Give an import as a message."""
    file = record.file
    return import_pb2.Import(
        import_id=file.import_id,
        job_id=file.import_id,
        file_name=file.file_name,
        digest=file.digest,
        size_bytes=file.size_bytes,
        status=_IMPORT_STATUS[record.status],
        is_dry_run=file.is_dry_run,
        mapping=dict(file.mapping),
        report=_report(record, record.rejections),
        data_version=None if record.data_version is None else version_name(record.data_version),
        repeated_import_id=record.repeated_import_id,
        created_at=timestamp(record.created_at),
        completed_at=timestamp(record.completed_at),
        is_reject_file_cut=record.progress.is_reject_file_cut,
        same_day=SAME_DAY[file.same_day],
        undone_data_version=None if record.undone_number is None else version_name(record.undone_number),
        undone_at=timestamp(record.undone_at),
        schema_version=file.schema_version,
        pipeline=report_to_proto(record),
    )


def same_day_from_proto(value: import_pb2.SameDay.ValueType) -> SameDay | None:
    """Give what becomes of several rows for one day; None if it is not stated."""
    return next((word for word, number in SAME_DAY.items() if number == value), None)


SAME_DAY = {SameDay.REFUSE: import_pb2.SAME_DAY_REFUSE, SameDay.SUM: import_pb2.SAME_DAY_SUM}


def _report(record: ImportRecord, rejections: Sequence[Rejection]) -> row_report_pb2.RowReport:
    counts = record.progress.counts
    return row_report_pb2.RowReport(
        accepted_count=counts.accepted,
        rejected_count=counts.rejected,
        repeated_count=counts.repeated,
        rejections=[rejection_to_proto(each) for each in rejections],
        truncated=counts.rejected > len({each.row for each in rejections}),
    )
