"""Messages of stock to values and back."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING

from google.protobuf import timestamp_pb2
from shelfcast.inventory.v1 import (
    stock_movement_pb2,
    stock_movement_service_pb2,
)
from shelfcast_servicekit.errors import FieldMissing, FieldRuleViolated, Violation

from shelfcast_data.domain.calendar import date_fault, date_of
from shelfcast_data.domain.decimal_text import UNIT, float_fault, from_float, millionths_of
from shelfcast_data.domain.movement_facts import MovementFacts, MovementKind, StockAccount
from shelfcast_data.domain.stock_level import MovementQuery
from shelfcast_data.domain.stock_movement import NewMovement
from shelfcast_data.entrypoints.grpc.field_value import timestamp
from shelfcast_data.entrypoints.grpc.mapping import business_date, instant

if TYPE_CHECKING:
    from datetime import date

    from google.protobuf.message import Message

    from shelfcast_data.domain.stock_movement import StockMovement

_KINDS = {
    stock_movement_pb2.STOCK_MOVEMENT_KIND_RECEIPT: MovementKind.RECEIPT,
    stock_movement_pb2.STOCK_MOVEMENT_KIND_SALE: MovementKind.SALE,
    stock_movement_pb2.STOCK_MOVEMENT_KIND_ADJUSTMENT: MovementKind.ADJUSTMENT,
    stock_movement_pb2.STOCK_MOVEMENT_KIND_TRANSFER: MovementKind.TRANSFER,
    stock_movement_pb2.STOCK_MOVEMENT_KIND_WASTE: MovementKind.WASTE,
    stock_movement_pb2.STOCK_MOVEMENT_KIND_COUNT: MovementKind.COUNT,
}
_KIND_NUMBERS = {kind: number for number, kind in _KINDS.items()}
_NUMBERS = ("quantity", "counted_quantity", "unit_cost")


def optional(message: Message, name: str) -> str | None:
    """Give an optional text; None where it is absent."""
    return getattr(message, name) if _has(message, name) else None


def _has(message: Message, name: str) -> bool:
    return message.HasField(name)


def units(millionths: int) -> float:
    """Give millionths as the number of units."""
    return millionths / UNIT


def new_movement_from_proto(
    message: stock_movement_service_pb2.CreateStockMovementRequest,
) -> NewMovement:
    """Give the movement in a request. Raises: FieldMissing, DateMalformed, FieldRuleViolated."""
    movement = message.movement
    occurred_at = None
    if movement.HasField("occurred_at"):
        occurred_at = _instant_of(movement.occurred_at)
    return NewMovement(
        movement.movement_id or str(uuid.uuid4()), _facts(movement), occurred_at, message.allow_negative
    )


def _instant_of(stamp: timestamp_pb2.Timestamp) -> datetime:
    try:
        return stamp.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        fault = Violation("/movement/occurred_at", "There is no such time.", "occurred_at.range")
        raise FieldRuleViolated(violations=[fault]) from error


def _facts(movement: stock_movement_pb2.StockMovement) -> MovementFacts:
    kind = _KINDS.get(movement.kind)
    _check_present(movement)
    if kind is None:
        fault = Violation("/movement/kind", "kind is none of those known.", "kind.known")
        raise FieldRuleViolated(violations=[fault])
    numbers = _millionths(movement)
    expiry = optional(movement, "expiry_date")
    return MovementFacts(
        kind=kind,
        account=StockAccount(movement.shop_id, movement.product_id, movement.lot_id),
        quantity=numbers["quantity"],
        counted_quantity=numbers["counted_quantity"],
        expiry_date=business_date(expiry, "/movement/expiry_date") if expiry else None,
        other_shop_id=optional(movement, "other_shop_id"),
        unit_cost=numbers["unit_cost"],
        currency_code=optional(movement, "currency_code"),
        reference=movement.reference,
        reason=movement.reason,
    )


def _check_present(movement: stock_movement_pb2.StockMovement) -> None:
    missing = [name for name in ("kind", "shop_id", "product_id") if not getattr(movement, name)]
    if missing:
        faults = [Violation(f"/movement/{name}", f"{name} is required.", "required") for name in missing]
        raise FieldMissing(violations=faults, field=", ".join(missing))


def _millionths(movement: stock_movement_pb2.StockMovement) -> dict[str, int | None]:
    sent = {name: getattr(movement, name) for name in _NUMBERS if _has(movement, name)}
    faults = [
        Violation(f"/movement/{name}", f"{name} is a finite number below 1,000,000,000.", f"{name}.{rule}")
        for name, value in sent.items()
        if (rule := float_fault(value))
    ]
    if faults:
        raise FieldRuleViolated(violations=faults)
    known = {name: millionths_of(from_float(value)) for name, value in sent.items()}
    return {name: known.get(name) for name in _NUMBERS}


def movement_to_proto(movement: StockMovement) -> stock_movement_pb2.StockMovement:
    """Give a movement as a message."""
    facts, account = movement.facts, movement.facts.account
    counted, cost = facts.counted_quantity, facts.unit_cost
    return stock_movement_pb2.StockMovement(
        movement_id=movement.movement_id,
        kind=_KIND_NUMBERS[facts.kind],
        shop_id=account.shop_id,
        product_id=account.product_id,
        lot_id=account.lot_id or None,
        expiry_date=day_text(facts.expiry_date),
        quantity=units(movement.change),
        counted_quantity=None if counted is None else units(counted),
        other_shop_id=facts.other_shop_id,
        unit_cost=None if cost is None else units(cost),
        currency_code=facts.currency_code,
        occurred_at=timestamp(movement.occurred_at),
        recorded_at=timestamp(movement.recorded_at),
        reference=facts.reference,
        reason=facts.reason,
        counterpart_id=movement.counterpart_id,
        reverses_id=movement.reverses_id,
    )


def day_text(day: date | None) -> str | None:
    """Give a date as text; None stays None."""
    return None if day is None else day.isoformat()


def movement_query_from_proto(
    message: stock_movement_service_pb2.ListStockMovementsRequest,
) -> MovementQuery:
    """Give what a list of movements is asked for. Raises: DateMalformed."""
    return MovementQuery(
        shop_id=optional(message, "shop_id"),
        product_id=optional(message, "product_id"),
        kind=_KINDS.get(message.kind),
        start=_bound(message.start, "/start", time.min) if message.HasField("start") else None,
        end=_bound(message.end, "/end", time.max) if message.HasField("end") else None,
    )


def _bound(text: str, pointer: str, at: time) -> datetime:
    """Give an instant; a bare day means its first or last one, in UTC."""
    if len(text) == len("2017-09-30") and date_fault(text) is None:
        return datetime.combine(date_of(text), at, UTC)
    return instant(text, pointer)
