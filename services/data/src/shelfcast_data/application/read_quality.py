"""Ask for checks of quality, and read what they have found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from shelfcast_servicekit.jobs.domain import Job, JobSubmission

from shelfcast_data.domain.quality import (
    JOB_KIND,
    FindingQuery,
    KeptFinding,
    QualityCheck,
    ShopScore,
    SourceScore,
)
from shelfcast_data.ports.store import Store, Tx

Scored = tuple[QualityCheck, ShopScore]
SourceScored = tuple[QualityCheck, SourceScore]
Place = tuple[int, str]
"""Number of the check and name after which a page begins."""


@dataclass(frozen=True, slots=True)
class QualityBook:
    """The checks of each tenant."""

    store: Store
    wake: Callable[[], None]
    """Announces a job to a worker at once."""

    async def submit(self, tenant: str, principal: str, idempotency_key: str | None) -> Job:
        """Ask for a check; without a key, one that waits already is the one. Raises: IdempotencyKeyReused."""
        submission = JobSubmission(tenant, JOB_KIND, principal, idempotency_key=idempotency_key)

        def work(tx: Tx) -> Job:
            tx.hold(tenant)
            turns = tx.quality(tenant).turns()
            waiting = turns.waiting() if idempotency_key is None else None
            if waiting is None:
                return tx.jobs().submit(submission)
            turns.hasten(waiting.job_id)
            return waiting

        job = await self.store.transact(work)
        self.wake()
        return job

    async def shops(self, tenant: str, limit: int, after: Place | None) -> Sequence[Scored]:
        """Give the scores of up to `limit` shops by the newest check, or by the check of a place."""

        def work(tx: Tx) -> Sequence[Scored]:
            quality = tx.quality(tenant)
            check_no, shop_id = after or (quality.newest(), None)
            return quality.shops(check_no, limit, shop_id)

        return await self.store.read(work)

    async def scores(self, tenant: str, shop_id: str, limit: int, before: int | None) -> Sequence[Scored]:
        """Give up to `limit` scores of a shop, the newest check first."""
        return await self.store.read(lambda tx: tx.quality(tenant).scores(shop_id, limit, before))

    async def sources(self, tenant: str, limit: int, after: Place | None) -> Sequence[SourceScored]:
        """Give the scores of up to `limit` sources by the newest check, or by the check of a place."""

        def work(tx: Tx) -> Sequence[SourceScored]:
            quality = tx.quality(tenant)
            check_no, source_id = after or (quality.newest(), None)
            return quality.sources(check_no, limit, source_id)

        return await self.store.read(work)

    async def source_scores(
        self, tenant: str, source_id: str, limit: int, before: int | None
    ) -> Sequence[SourceScored]:
        """Give up to `limit` scores of a source, the newest check first."""
        return await self.store.read(lambda tx: tx.quality(tenant).source_scores(source_id, limit, before))

    async def findings(
        self, tenant: str, wanted: FindingQuery, limit: int, before: int | None
    ) -> Sequence[KeptFinding]:
        """Give up to `limit` findings, those found last first."""
        return await self.store.read(lambda tx: tx.quality(tenant).findings(wanted, limit, before))
