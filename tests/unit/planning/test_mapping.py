"""Messages of planning and the values that they stand for."""

from __future__ import annotations

from shelfcast.planning.v1 import stock_level_service_pb2 as pb
from shelfcast_planning.domain.stock_level import Demand, StockLevel
from shelfcast_planning.entrypoints.grpc.mapping import question_from_proto, stock_level_to_proto


def test_what_is_absent_takes_its_default() -> None:
    request = pb.ComputeStockLevelRequest(daily_demand_mean=10, daily_demand_sd=4, lead_time_days=2)

    question = question_from_proto(request)

    assert question.demand == Demand(10.0, 4.0, 2, review_days=1)
    assert question.service_level == 0.95


def test_what_is_sent_is_taken() -> None:
    request = pb.ComputeStockLevelRequest(
        daily_demand_mean=10, daily_demand_sd=4, lead_time_days=2, review_days=7, service_level=0.0
    )

    question = question_from_proto(request)

    assert question.demand.review_days == 7
    assert question.service_level == 0.0


def test_a_level_keeps_every_figure() -> None:
    message = stock_level_to_proto(StockLevel(9, 90.0, -19.7, 70.3))

    assert (message.protection_days, message.expected_demand) == (9, 90.0)
    assert (message.safety_stock, message.order_up_to_level) == (-19.7, 70.3)
