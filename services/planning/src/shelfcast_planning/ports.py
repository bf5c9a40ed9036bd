"""What the planning service needs from outside: nothing yet.

Decisions that need forecasts and stock bring their ports here (`DemandForecasts`, `StockPositions`); the
stock-level formula works on the figures in its request.
"""

from __future__ import annotations
