"""Read the versions of pipelines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shelfcast_data.domain.identifier import stored_id
from shelfcast_data.domain.pipeline import PIPELINE, PipelineVersion
from shelfcast_data.ports.store import Store, Tx


@dataclass(frozen=True, slots=True)
class PipelineBook:
    """The versions of each tenant's pipelines, those of deleted ones included."""

    store: Store

    async def version(self, tenant: str, name: str, version: int) -> PipelineVersion:
        """Give a version. Raises: PipelineVersionNotFound, IdMalformed."""
        known = stored_id(name, "/name")
        return await self.store.read(lambda tx: tx.pipelines(tenant).version(known, version))

    async def page(self, tenant: str, name: str, limit: int, before: int | None) -> Sequence[PipelineVersion]:
        """Give up to `limit` versions, newest first. Raises: PipelineNotFound, IdMalformed."""
        known = stored_id(name, "/name")

        def work(tx: Tx) -> Sequence[PipelineVersion]:
            tx.entries(PIPELINE, tenant).get((known,))
            return tx.pipelines(tenant).page(known, limit, before)

        return await self.store.read(work)
