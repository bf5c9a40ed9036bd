"""Hand out the refused rows of an import as a file that can be mended and sent again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from shelfcast_servicekit.executor import BlockingExecutor

from shelfcast_data.domain.import_record import ImportRecord
from shelfcast_data.errors import RejectFileAbsent
from shelfcast_data.ports.imports import RejectFiles
from shelfcast_data.ports.store import Store, Tx


@dataclass(frozen=True, slots=True)
class RejectOutlet:
    """The reject files of each tenant."""

    store: Store
    files: RejectFiles
    executor: BlockingExecutor
    """Threads that read files."""

    async def __call__(self, tenant: str, import_id: str) -> AsyncIterator[bytes]:
        """Give the bytes of a reject file; an import that repeats an earlier one has that one's.

        Raises: ImportNotFound, RejectFileAbsent.
        """

        def work(tx: Tx) -> ImportRecord:
            imports = tx.imports(tenant)
            record = imports.get(import_id)
            earlier = record.repeated_import_id
            return record if earlier is None else imports.get(earlier)

        pieces = self.files.pieces(await self.store.read(work))
        piece = await self.executor.run(next, pieces, None)
        if piece is None:
            raise RejectFileAbsent(import_id=import_id)
        while piece is not None:
            yield piece
            piece = await self.executor.run(next, pieces, None)
