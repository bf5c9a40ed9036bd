"""What a check says of a shop as a whole: its findings, its freshness and its score."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import reduce
from typing import Final

import numpy as np

from shelfcast_data.domain.quality import Finding, Rule, Severity, ShopScore
from shelfcast_data.domain.quality_rules import anomalies
from shelfcast_data.domain.sales_columns import Numbers
from shelfcast_data.domain.series_days import Anomaly, SeriesDays

FRESHNESS_ROWS: Final = 180
"""Last days with a row that tell how far apart a shop's days usually are."""
USUAL_QUANTILE: Final = 0.95
"""Nineteen gaps of twenty are at most the usual one, so that a holiday does not make a shop seem slow."""
LATE_DAYS: Final = 3
"""Days above the usual gap that are a warning: a file of yesterday comes today, a weekend may lie between."""
STALE_DAYS: Final = 10
"""Days above the usual gap that are an error: more than a week is missing under a forecast's feet."""

EPOCH: Final = date(1970, 1, 1)
"""Day 0 of all day numbers."""


@dataclass(slots=True)
class ShopTally:
    """Adds up the series of one shop."""

    shop_id: str
    days: Numbers = field(default_factory=lambda: np.empty(0, np.int64))
    """Days on which any of its series has a row, increasing."""
    day_count: int = 0
    faulty_count: int = 0
    findings: list[Finding] = field(default_factory=list)

    def add(self, product_id: str, series: SeriesDays) -> Sequence[Anomaly]:
        """Check a series of the shop and count its days; those without any row are nothing to count.

        Gives what was found.
        """
        found = anomalies(series)
        missing = [each.days for each in found if each.rule is Rule.MISSING_DAYS]
        faulty = [each.days for each in found if each.severity is not Severity.INFO]
        self.days = np.union1d(self.days, series.day)
        self.day_count += len(series) + sum(map(len, missing))
        self.faulty_count += len(np.unique(np.concatenate(faulty))) if faulty else 0
        self.findings += [finding_of(self.shop_id, product_id, each) for each in found]
        return found

    def close(self, newest: int) -> None:
        """Say at last whether the shop lags behind. newest: last day on which any shop has a row."""
        stale = stale_days(Rule.STALE_SHOP, self.days, newest)
        if stale is not None:
            self.findings.append(finding_of(self.shop_id, "", stale))

    def score(self) -> ShopScore:
        """Give the score of what was added."""
        counts = Counter(each.severity for each in self.findings)
        return ShopScore(
            self.shop_id,
            self.day_count,
            self.faulty_count,
            counts[Severity.INFO],
            counts[Severity.WARNING],
            counts[Severity.ERROR],
        )


def close_all(shops: Iterable[ShopTally], today: date) -> Sequence[Finding]:
    """Say of each shop whether it lags behind the others, and give what is found of all of them together.

    Sales of long ago are whole in themselves: that nothing has come since is told once, and of no shop.
    today: date of the check; a day in the future is no measure for the others.
    """
    this_day = (today - EPOCH).days
    told = [shop for shop in shops if len(shop.days)]
    days = reduce(np.union1d, (shop.days for shop in told), np.empty(0, np.int64))
    days = days[days <= this_day]
    for shop in told:
        if len(days):
            shop.close(int(days[-1]))
    stale = stale_days(Rule.STALE_DATA, days, this_day)
    return [] if stale is None else [finding_of("", "", stale)]


def stale_days(rule: Rule, days: Numbers, until: int) -> Anomaly | None:
    """Tell whether nothing has come for longer than days are usually apart; None if something has.

    days: int64[n], days with a row, increasing. until: last day on which a row could be; since 1970-01-01.

    >>> stale_days(Rule.STALE_SHOP, np.arange(100), 103) is None
    True
    >>> stale_days(Rule.STALE_SHOP, np.arange(100), 110).severity
    <Severity.WARNING: 'warning'>
    """
    if not len(days):
        return None
    gaps = np.diff(days[-FRESHNESS_ROWS:])
    usual = float(np.quantile(gaps, USUAL_QUANTILE, method="higher")) if len(gaps) else 1.0
    lag = until - int(days[-1])
    if lag <= usual + LATE_DAYS:
        return None
    severity = Severity.ERROR if lag > usual + STALE_DAYS else Severity.WARNING
    return Anomaly(rule, severity, np.arange(days[-1] + 1, until + 1), float(lag), usual)


def finding_of(shop_id: str, product_id: str, anomaly: Anomaly) -> Finding:
    """Give the finding that an anomaly is; no product: the shop as a whole; no shop: all of them."""
    first, last = (EPOCH + timedelta(days=int(anomaly.days[place])) for place in (0, -1))
    return Finding(
        anomaly.rule,
        anomaly.severity,
        shop_id,
        product_id,
        first,
        last,
        len(anomaly.days),
        round(anomaly.measured, 6),
        round(anomaly.usual, 6),
    )
