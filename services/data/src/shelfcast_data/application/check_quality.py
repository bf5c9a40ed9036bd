"""Check all sales and the stock of a tenant by the rules of quality, as a job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np
from shelfcast_servicekit.jobs.errors import JobHandedBack

from shelfcast_data.application.check_ledger import LedgerCheck
from shelfcast_data.domain.data_version import View
from shelfcast_data.domain.quality import QualityCheck, QualityReport
from shelfcast_data.domain.quality_source import SourceBook, SourceTally
from shelfcast_data.domain.sales_columns import Numbers
from shelfcast_data.domain.series_days import series_days
from shelfcast_data.domain.shop_quality import EPOCH, ShopTally, close_all
from shelfcast_data.domain.table_batch import TableBatch
from shelfcast_data.ports.quality import SalesBatches
from shelfcast_data.ports.store import JobWatch, Tx, WorkerStore

TURN_SECONDS: Final = 5.0
"""After so long a check asks again whether the one before it has ended."""


@dataclass(frozen=True, slots=True)
class CheckSummary:
    """What came out of a check."""

    data_version: str
    """Version that was checked."""
    shop_count: int
    finding_count: int


@dataclass(frozen=True, slots=True)
class CheckQuality:
    """Runs checks, one of each tenant at a time; one that is run again after a crash is stored once."""

    store: WorkerStore
    sales: SalesBatches

    def __call__(self, tenant: str, check_id: str, watch: JobWatch) -> CheckSummary:
        """Check the newest version and the stock of now; all that is found is seen together or not at all.

        Raises: JobHandedBack while another check of the tenant runs; what `watch` raises.
        """
        view, today, book = self._begin(tenant, check_id)
        tally = _Tally(LedgerCheck(self.store, tenant), SourceTally(book), {})
        self._add_up(view, tally, watch)
        report = tally.report(today)

        def end(tx: Tx) -> QualityCheck:
            quality = tx.quality(tenant)
            check = quality.find(check_id) or quality.save(check_id, view.number, report)
            watch.guard(tx)
            return check

        check = self.store.transact_sync(end)
        return CheckSummary(check.data_version, len(report.shops), len(report.findings))

    def _begin(self, tenant: str, check_id: str) -> tuple[View, date, SourceBook]:
        if not self.store.transact_sync(lambda tx: tx.quality(tenant).turns().take(check_id)):
            raise JobHandedBack(check_id, TURN_SECONDS)

        def begin(tx: Tx) -> tuple[View, date, SourceBook]:
            quality = tx.quality(tenant)
            return tx.versions(tenant).view(), quality.now().date(), quality.source_book()

        return self.store.read_sync(begin)

    def _add_up(self, view: View, tally: _Tally, watch: JobWatch) -> None:
        done, total = 0, self.sales.series_count(view)
        has_ledger = tally.ledger.is_kept()
        for batch in self.sales.batches(view):
            tally.add(batch, has_ledger=has_ledger)
            done += len(batch.pairs)
            watch.progress("checking", done, max(total, done))


@dataclass(frozen=True, slots=True)
class _Tally:
    """Adds up all series of a tenant, by shop and by source."""

    ledger: LedgerCheck
    sources: SourceTally
    shops: dict[str, ShopTally]

    def add(self, batch: TableBatch, *, has_ledger: bool) -> None:
        """Check the series of a batch."""
        here = np.flatnonzero(batch.rows.is_withdrawn == 0)
        sales = batch.rows.sales.taken(here)
        load = np.zeros(len(here), np.int64) if batch.rows.load is None else batch.rows.load[here]
        empty = self._empty_days(batch.pairs, sales.day) if has_ledger and len(here) else {}
        ends = np.searchsorted(sales.series, np.arange(len(batch.pairs) + 1))
        for place, (shop_id, product_id) in enumerate(batch.pairs):
            rows = np.arange(ends[place], ends[place + 1])
            if len(rows):
                shop = self.shops.setdefault(shop_id, ShopTally(shop_id))
                days = series_days(sales.taken(rows), empty.get((shop_id, product_id)))
                self.sources.add(days.day, load[rows], shop.add(product_id, days))

    def _empty_days(
        self, pairs: Sequence[tuple[str, str]], day: Numbers
    ) -> Mapping[tuple[str, str], Numbers]:
        first, last = (EPOCH + timedelta(days=int(each)) for each in (day.min(), day.max()))
        return self.ledger.empty_days(pairs, first, last)

    def report(self, today: date) -> QualityReport:
        """Give what was found, with what concerns whole shops and the stock of now."""
        for finding in self.ledger.negative(today):
            self.shops.setdefault(finding.shop_id, ShopTally(finding.shop_id)).findings.append(finding)
        findings = [*close_all(self.shops.values(), today)]
        findings += [finding for shop in self.shops.values() for finding in shop.findings]
        scores = [shop.score() for shop in self.shops.values() if shop.day_count]
        return QualityReport(findings, scores, self.sources.scores())
