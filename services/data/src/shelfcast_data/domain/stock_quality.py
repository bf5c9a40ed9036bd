"""What a check says of the stock ledger: levels that no shelf can have."""

from __future__ import annotations

from datetime import date
from typing import Final

import numpy as np

from shelfcast_data.domain.quality import Rule, Severity
from shelfcast_data.domain.series_days import MILLION, Anomaly
from shelfcast_data.domain.shop_quality import EPOCH

LASTING_DAYS: Final = 7
"""Days below zero from which on it is an error: a booking that is merely late has come by then."""


def negative_stock(level: int, since: date, today: date) -> Anomaly:
    """Give what is to be said of a level below zero. level: in millionths; since: its first such day.

    >>> negative_stock(-3_000_000, date(2026, 3, 1), date(2026, 3, 4)).measured
    -3.0
    """
    first, last = ((day - EPOCH).days for day in (since, max(since, today)))
    severity = Severity.ERROR if last - first >= LASTING_DAYS else Severity.WARNING
    return Anomaly(Rule.NEGATIVE_STOCK, severity, np.arange(first, last + 1), level / MILLION, 0.0)
