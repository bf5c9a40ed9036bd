"""Messages of the planning service and the values that they stand for."""

from __future__ import annotations

from shelfcast.planning.v1 import stock_level_service_pb2 as pb

from shelfcast_planning.application.compute_stock_level import StockLevelQuestion
from shelfcast_planning.domain.stock_level import (
    DEFAULT_REVIEW_DAYS,
    DEFAULT_SERVICE_LEVEL,
    Demand,
    StockLevel,
)


def question_from_proto(request: pb.ComputeStockLevelRequest) -> StockLevelQuestion:
    """Give the question in a request; what is absent takes its default. Raises: DemandOutOfRange."""
    demand = Demand(
        daily_mean=request.daily_demand_mean,
        daily_sd=request.daily_demand_sd,
        lead_time_days=request.lead_time_days,
        review_days=request.review_days if request.HasField("review_days") else DEFAULT_REVIEW_DAYS,
    )
    level = request.service_level if request.HasField("service_level") else DEFAULT_SERVICE_LEVEL
    return StockLevelQuestion(demand, level)


def stock_level_to_proto(level: StockLevel) -> pb.StockLevel:
    """Give the message of a stock level."""
    return pb.StockLevel(
        protection_days=level.protection_days,
        expected_demand=level.expected_demand,
        safety_stock=level.safety_stock,
        order_up_to_level=level.order_up_to_level,
    )
