"""Hand out tables as files, piece by piece."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from shelfcast_servicekit.executor import BlockingExecutor

from shelfcast_data.domain.data_version import View
from shelfcast_data.domain.export import Column, ExportForm, Part
from shelfcast_data.domain.history import HistoryQuery
from shelfcast_data.ports.store import Store, Tx
from shelfcast_data.ports.tables import ExportSheet, ExportSheets, Tables


@dataclass(frozen=True, slots=True)
class ExportOutlet:
    """Turns tables into files."""

    store: Store
    tables: Tables
    sheets: ExportSheets
    executor: BlockingExecutor
    """Threads that read and write whole tables."""

    async def sales(self, tenant: str, wanted: HistoryQuery) -> AsyncGenerator[Part]:
        """Give all days of sales that are asked for, in the order of shop, product and date.

        Raises: RangeReversed.
        """
        wanted = wanted.checked()

        def work(tx: Tx) -> View:
            return tx.versions(tenant).view(as_of=wanted.as_of)

        parts = self.tables.sales_parts(await self.store.read(work), wanted)
        try:
            while (part := await self.executor.run_to_end(next, parts, None)) is not None:
                yield part
        finally:
            await self.executor.run_to_end(parts.close)

    async def file(
        self, form: ExportForm, columns: Sequence[Column], parts: AsyncGenerator[Part]
    ) -> AsyncGenerator[bytes]:
        """Give the bytes of a file that holds all parts. Raises: ExportTooLong, StorageFull."""
        run = self.executor.run_to_end  # a sheet that is written is not to be closed
        opened: list[ExportSheet] = []  # one that is begun for somebody who has gone is to be closed too
        try:
            await run(lambda: opened.append(self.sheets.begin(form, columns)))
            (sheet,) = opened
            async with aclosing(parts):
                async for part in parts:
                    if data := await run(sheet.add, part):
                        yield data
            pieces = sheet.end()
            while (piece := await run(next, pieces, None)) is not None:
                yield piece
        finally:
            for each in opened:
                await run(each.close)
