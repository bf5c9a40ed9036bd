"""Compute the stock level of one product in one shop."""

from __future__ import annotations

from dataclasses import dataclass

from shelfcast_planning.domain.stock_level import DEFAULT_SERVICE_LEVEL, Demand, StockLevel, stock_level


@dataclass(frozen=True, slots=True)
class StockLevelQuestion:
    """Demand, and how surely it is to be met."""

    demand: Demand
    """Demand and lead time."""
    service_level: float = DEFAULT_SERVICE_LEVEL
    """Probability that no demand is unmet in a protection interval."""


class ComputeStockLevel:
    """Gives the stock levels of a periodic review policy; stores nothing."""

    async def __call__(self, question: StockLevelQuestion) -> StockLevel:
        """Give the levels. Raises: ServiceLevelOutOfRange, DemandOutOfRange."""
        return stock_level(question.demand, question.service_level)
