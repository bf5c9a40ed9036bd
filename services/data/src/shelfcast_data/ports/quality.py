"""What checks of quality need from outside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from shelfcast_servicekit.jobs.domain import Job

from shelfcast_data.domain.data_version import View
from shelfcast_data.domain.quality import (
    FindingQuery,
    KeptFinding,
    QualityCheck,
    QualityReport,
    ShopScore,
    SourceScore,
)
from shelfcast_data.domain.quality_source import SourceBook
from shelfcast_data.domain.table_batch import TableBatch


class CheckTurns(Protocol):
    """The queue of a tenant's checks, of which one runs at a time."""

    def waiting(self) -> Job | None:
        """Give a check that waits for a worker; None if there is none."""

    def hasten(self, job_id: str) -> None:
        """Let a waiting check begin now, if it was to begin later."""

    def seconds_since_last(self) -> float | None:
        """Give how long ago a check last began or ended; None if there was none."""

    def take(self, check_id: str) -> bool:
        """Take the turn unless another check of the tenant has it and runs; say whether it was to be had."""


class Quality(Protocol):
    """The checks of a tenant's sales and stock."""

    def now(self) -> datetime:
        """Give the time of the store."""

    def turns(self) -> CheckTurns:
        """Give the queue of checks."""

    def find(self, check_id: str) -> QualityCheck | None:
        """Give a check that is stored; None if there is none."""

    def newest(self) -> int:
        """Give the number of the newest check; 0 if there is none."""

    def save(self, check_id: str, version_number: int, report: QualityReport) -> QualityCheck:
        """Store a check: what it found is open, what was open and is not among it is resolved."""

    def shops(self, check_no: int, limit: int, after: str | None) -> Sequence[tuple[QualityCheck, ShopScore]]:
        """Give the scores of up to `limit` shops by one check, in the order of the shops."""

    def scores(
        self, shop_id: str, limit: int, before: int | None
    ) -> Sequence[tuple[QualityCheck, ShopScore]]:
        """Give up to `limit` scores of a shop, the newest check first, older than a check."""

    def sources(
        self, check_no: int, limit: int, after: str | None
    ) -> Sequence[tuple[QualityCheck, SourceScore]]:
        """Give the scores of up to `limit` sources by one check, in the order of their ids."""

    def source_scores(
        self, source_id: str, limit: int, before: int | None
    ) -> Sequence[tuple[QualityCheck, SourceScore]]:
        """Give up to `limit` scores of a source, the newest check first, older than a check."""

    def findings(self, wanted: FindingQuery, limit: int, before: int | None) -> Sequence[KeptFinding]:
        """Give up to `limit` findings, those found last first, found before a number."""

    def source_book(self) -> SourceBook:
        """Give which source has told the rows of which load."""

    def negative_since(self, shop_id: str, product_ids: Sequence[str]) -> Mapping[str, datetime]:
        """Give since when the levels of a shop's products have been below zero, for those that are."""


class SalesBatches(Protocol):
    """All sales of a view. Blocking."""

    def batches(self, view: View) -> Iterator[TableBatch]:
        """Give the rows of a view, ordered by shop, product and date; withdrawn days are marked."""

    def series_count(self, view: View) -> int:
        """Give the number of series that a view is read by, with or without rows in it."""
