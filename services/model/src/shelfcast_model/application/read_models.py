"""Read the registry, and make another model the champion."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from shelfcast_model.errors import ModelRefused

if TYPE_CHECKING:
    from collections.abc import Callable

    from shelfcast_model.domain.stored_model import StoredModel
    from shelfcast_model.ports import ArtefactStore, Registry, RegistryTx


@dataclass(frozen=True, slots=True)
class ReadModels:
    """Give one model of a tenant, or a page of them."""

    registry: Registry

    async def one(self, tenant: str, model_id: str) -> StoredModel:
        """Give a model. Raises: ModelNotFound."""
        return await self.registry.read(lambda tx: tx.model(tenant, model_id))

    async def page(self, tenant: str, size: int, before: tuple[datetime, str] | None) -> list[StoredModel]:
        """Give up to `size` models, newest first, after the position `before`."""
        return await self.registry.read(lambda tx: tx.models(tenant, size, before))


@dataclass(frozen=True, slots=True)
class PromoteModel:
    """Make a stored model the champion because a person says so; the former one is kept."""

    registry: Registry
    artefacts: ArtefactStore
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    async def __call__(self, tenant: str, model_id: str, principal: str) -> StoredModel:
        """Give the model as champion. Raises: ModelNotFound; ModelRefused when its files are damaged."""
        model = await self.registry.read(lambda tx: tx.model(tenant, model_id))
        problem = await self.artefacts.problem_of(model)
        if problem:
            raise ModelRefused(model_id=model_id, problem=problem)
        at = self.now()
        chosen = replace(model, decision=f"Promoted by {principal}.")

        def crown(tx: RegistryTx) -> StoredModel:
            tx.crown(chosen, principal, at)
            return tx.model(tenant, model_id)

        return await self.registry.transact(crown)
