"""Read the history of sales, from memory where the newest version has not touched it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from shelfcast_servicekit.deadline import remaining_seconds
from shelfcast_servicekit.errors import DeadlineExceeded, UpstreamUnavailable
from shelfcast_servicekit.micro_batch import BatchQueueFull, MicroBatcher

from shelfcast_data.application.history_memory import HistoryMemory, Page, pair_of
from shelfcast_data.domain.data_version import View
from shelfcast_data.domain.history import HistoryPage, HistoryQuery
from shelfcast_data.domain.sale import SaleKey
from shelfcast_data.ports.sales import Days, Pair
from shelfcast_data.ports.store import Store, Tx

TENANTS_AT_ONCE: Final = 4
MOST_WAITING: Final = 1_024
GATHER_SECONDS: Final = 0.008
"""Pause between two looks while requests come faster than they can be looked for one by one."""


@dataclass(frozen=True, slots=True)
class SalesHistory:
    """The histories of each tenant.

    Each answer is of a version that was the newest after its request had come: who asks meanwhile waits
    for the next look at the database and shares it.
    """

    store: Store
    memory: HistoryMemory = field(default_factory=HistoryMemory)
    _looks: MicroBatcher[str, None, None] = field(init=False)

    def __post_init__(self) -> None:
        """Begin with nobody waiting."""
        looks = MicroBatcher(
            self._look,
            most_waiting=MOST_WAITING,
            batches_at_once=TENANTS_AT_ONCE,
            gather_seconds=GATHER_SECONDS,
        )
        object.__setattr__(self, "_looks", looks)

    async def read(self, tenant: str, wanted: HistoryQuery, limit: int, after: SaleKey | None) -> HistoryPage:
        """Give up to `limit` periods in the order of shop, product and date.

        Raises: RangeReversed, SalesArchived, DeadlineExceeded, UpstreamUnavailable.
        """
        page = (wanted.checked(), limit, after)
        if self.memory.find(tenant, page) is not None:
            await self._await_look(tenant)
            found = self.memory.find(tenant, page)
            if found is not None:
                return found
        read, view = await self._read(tenant, page)
        if pair_of(wanted) is not None:
            self.memory.keep(tenant, page, view, read)
        return read

    async def _read(self, tenant: str, page: Page) -> tuple[HistoryPage, View]:
        wanted, limit, after = page

        def work(tx: Tx) -> tuple[HistoryPage, View]:
            view = tx.versions(tenant).view(as_of=wanted.as_of)
            kept = wanted.kept(view.archived_before)
            periods = tx.sales(tenant).history(kept, view, after)
            return HistoryPage(list(islice(periods, limit)), view.archived_before), view

        return await self.store.read(work)

    async def _await_look(self, tenant: str) -> None:
        try:
            await self._looks.run(tenant, None, remaining_seconds())
        except TimeoutError as error:
            raise DeadlineExceeded from error
        except BatchQueueFull as error:
            raise UpstreamUnavailable(retry_after_seconds=1.0, service="database") from error

    async def _look(self, tenant: str, waiting: Sequence[None]) -> Sequence[None]:
        """Look which version is the newest, and let the memory know what it has touched."""
        known = self.memory.view(tenant)

        def work(tx: Tx) -> tuple[View, Mapping[Pair, Days] | None]:
            view = tx.versions(tenant).view()
            return view, {} if view == known else _touched(tx, tenant, known, view)

        view, touched = await self.store.read(work)
        self.memory.advance(tenant, view, touched)
        return waiting


def _touched(tx: Tx, tenant: str, known: View | None, view: View) -> Mapping[Pair, Days] | None:
    if known is None or known.number > view.number:
        return None
    if (known.hidden, known.archived_before) != (view.hidden, view.archived_before):
        return None
    return tx.sales(tenant).touched(view, known.number)
