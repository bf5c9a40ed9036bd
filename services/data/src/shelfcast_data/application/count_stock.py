"""Set many levels at once to what was counted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from shelfcast_servicekit.executor import BlockingExecutor

from shelfcast_data.domain.event import StockCounted
from shelfcast_data.domain.stock_count import CountNote, CountReport, CountRow, read_sheet
from shelfcast_data.ports.store import Store, Tx


@dataclass(frozen=True, slots=True)
class StockTaking:
    """Count sheets of each tenant."""

    store: Store
    executor: BlockingExecutor
    """Threads that judge the rows of large sheets."""

    async def take(self, tenant: str, rows: Iterable[CountRow], note: CountNote) -> CountReport:
        """Store all good rows of a sheet in one transaction; give what became of each row.

        Raises: FieldRuleViolated for the note.
        """
        note = note.checked()
        counts, refused = await self.executor.run(read_sheet, rows)

        def work(tx: Tx) -> CountReport:
            sheet = tx.stock_counts(tenant)
            unknown = sheet.stage(counts)
            rejections = sorted([*refused, *unknown], key=lambda each: (each.row, each.column))
            if note.is_atomic and rejections:
                return CountReport(0, 0, rejections)
            accepted = sheet.record(note)
            if accepted:
                tx.tell(tenant, StockCounted(accepted))
            good = len(counts) - len({each.row for each in unknown})
            return CountReport(accepted, good - accepted, rejections)

        return await self.store.transact(work) if counts else CountReport(0, 0, refused)
