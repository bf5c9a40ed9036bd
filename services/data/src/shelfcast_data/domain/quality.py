"""What a check of sales finds, and how good it leaves a shop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from typing import Final

from shelfcast_data.domain.data_version import version_name

JOB_KIND: Final = "data.quality"
"""Kind of the jobs that are checks."""


class Rule(Enum):
    """What sales can break; the words are those of the contract."""

    MISSING_DAYS = "missing_days"
    STALE_SHOP = "stale_shop"
    OUTLIER = "outlier"
    LEVEL_SHIFT = "level_shift"
    UNIT_MIX_UP = "unit_mix_up"
    PRICE_JUMP = "price_jump"
    SALES_WITHOUT_STOCK = "sales_without_stock"
    NEGATIVE_STOCK = "negative_stock"
    STALE_DATA = "stale_data"


class Severity(Enum):
    """How much it matters; a warning or an error lowers the score."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something in the sales of a shop that breaks a rule."""

    rule: Rule
    severity: Severity
    shop_id: str
    """Shop; empty where all shops are meant."""
    product_id: str
    """Product; empty where the shop as a whole is meant."""
    start: date
    """First business date."""
    end: date
    """Last business date."""
    day_count: int
    """Days between the two that it concerns."""
    measured: float
    """What was measured, in the unit of the rule."""
    usual: float
    """What would be usual, in the same unit."""


@dataclass(frozen=True, slots=True)
class KeptFinding:
    """A finding as it is stored."""

    finding_no: int
    """Number, in the order in which findings were first made."""
    finding: Finding
    first_seen_at: datetime
    last_seen_at: datetime
    resolved_at: datetime | None
    """When a check no longer found it; None while it is open."""


@dataclass(frozen=True, slots=True)
class FindingQuery:
    """Which findings a list shows."""

    shop_id: str | None = None
    """Only this shop; None means all."""
    product_id: str | None = None
    """Only this product; None means all."""
    rule: Rule | None = None
    """Only this rule; None means all."""
    severity: Severity | None = None
    """Only this severity; None means all."""
    is_open: bool = True
    """Whether open or resolved ones are shown."""


@dataclass(frozen=True, slots=True)
class ShopScore:
    """How good the sales of a shop are."""

    shop_id: str
    day_count: int
    """Days of all series: those with a row and those that miss one."""
    faulty_count: int
    """Those of the days that a warning or an error concerns."""
    info_count: int = 0
    warning_count: int = 0
    error_count: int = 0

    @property
    def score_pct(self) -> float:
        """Give the share of days without a warning or an error, in percent.

        >>> ShopScore("berlin", 200, 3).score_pct
        98.5
        """
        return sound_pct(self.day_count, self.faulty_count)


@dataclass(frozen=True, slots=True)
class SourceScore:
    """How good the sales from one source are."""

    source_id: str
    day_count: int
    """Days of all series whose current row the source has told."""
    faulty_count: int
    """Those of the days that a warning or an error concerns."""
    info_count: int = 0
    warning_count: int = 0
    error_count: int = 0
    """Findings that concern a day of the source; one may concern days of several."""

    @property
    def score_pct(self) -> float:
        """Give the share of days without a warning or an error, in percent."""
        return sound_pct(self.day_count, self.faulty_count)


def sound_pct(day_count: int, faulty_count: int) -> float:
    """Give the share of sound days in percent; 100 where there is no day.

    >>> sound_pct(200, 3)
    98.5
    """
    return 100.0 if not day_count else 100.0 * (1.0 - faulty_count / day_count)


@dataclass(frozen=True, slots=True)
class QualityReport:
    """What one check has found."""

    findings: Sequence[Finding]
    shops: Sequence[ShopScore]
    sources: Sequence[SourceScore]


@dataclass(frozen=True, slots=True)
class QualityCheck:
    """One check as it is stored."""

    check_no: int
    """Number, in the order in which checks ended."""
    check_id: str
    """Id of its job."""
    version_number: int
    """Number of the data version that it looked at."""
    checked_at: datetime

    @property
    def data_version(self) -> str:
        """Name of the data version."""
        return version_name(self.version_number)
