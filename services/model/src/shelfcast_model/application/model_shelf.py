"""Trained models in memory: each tenant's champion, and others that are asked for by name."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from shelfcast_servicekit.cache import SingleFlight
from shelfcast_servicekit.errors import ShelfcastError

from shelfcast_model.domain.forecast import AUTO

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from shelfcast_model.domain.stored_model import StoredModel
    from shelfcast_model.ports import ArtefactStore, FittedForecaster, Registry

LOOK_AGAIN_SECONDS: Final = 1.0
RETRY_DAMAGED_SECONDS: Final = 30.0
PATIENCE_SECONDS: Final = 1.0
"""A request waits no longer for a model that is being loaded; it is answered from a lower rung instead."""

_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A stored model and its forecaster, warmed up."""

    model: StoredModel
    forecaster: FittedForecaster

    @property
    def label(self) -> str:
        """Word for cache keys and announcements: one training makes several models."""
        return f"{self.model.model_version}.{self.model.forecaster}"


@dataclass(slots=True)
class _Slot:
    """What the shelf knows of one tenant's champion or named forecaster."""

    loaded: LoadedModel | None
    looked_at: float
    is_trained: bool


class ModelShelf:
    """Loads models beside the ones in use, and swaps only when the new one is warm.

    A request in flight keeps the model that it began with. A model that cannot be loaded leaves its
    predecessor in place, or None: the caller answers from a lower rung.
    """

    def __init__(
        self,
        registry: Registry,
        artefacts: ArtefactStore,
        *,
        most_models: int = 32,
        wait_seconds: float = 1.0,
        on_champion: Callable[[str, str], Awaitable[None]] | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Hold at most `most_models`; let a request wait `wait_seconds` for its tenant's first load.

        on_champion: told (tenant, label) right after a new champion is in use.
        """
        self._registry = registry
        self._artefacts = artefacts
        self._most_models = most_models
        self._on_champion = on_champion
        self._now = now
        self._slots: OrderedDict[tuple[str, str], _Slot] = OrderedDict()
        self._damaged: dict[str, float] = {}
        self._wait_seconds = wait_seconds
        self._placing: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._slow: set[tuple[str, str]] = set()
        self._looking: SingleFlight[tuple[str, str], LoadedModel | None] = SingleFlight()
        self._loading: dict[tuple[str, str], asyncio.Task[LoadedModel | None]] = {}

    def label(self, tenant: str) -> str | None:
        """Give the label of the champion in use, without waiting; None when none is loaded."""
        slot = self._slots.get((tenant, AUTO))
        return slot.loaded.label if slot is not None and slot.loaded is not None else None

    def labels(self) -> dict[str, str]:
        """Give the labels of all champions in use, by tenant."""
        tenants = [tenant for tenant, name in self._slots if name == AUTO]
        return {tenant: label for tenant in tenants if (label := self.label(tenant))}

    async def champion(self, tenant: str) -> LoadedModel | None:
        """Give the champion in use; the first request of a tenant has it loaded, and waits a short while."""
        return await self._get(tenant, AUTO)

    async def named(self, tenant: str, forecaster: str) -> LoadedModel | None:
        """Give the newest model of a forecaster; None when it was never trained or is damaged."""
        return await self._get(tenant, forecaster)

    def is_trained(self, tenant: str, forecaster: str) -> bool:
        """Say whether `named` found a model, loadable or not."""
        slot = self._slots.get((tenant, forecaster))
        return slot is not None and slot.is_trained

    async def refresh(self) -> None:
        """Take up new champions, those of new tenants while there is room.

        Called once before the service serves, and again and again by a background task.
        """
        champions = await self._registry.read(lambda tx: dict(tx.champions()))
        for tenant, model in champions.items():
            if (tenant, AUTO) in self._slots or len(self._slots) < self._most_models:
                await self._place(tenant, AUTO, model)

    async def _get(self, tenant: str, name: str) -> LoadedModel | None:
        slot = self._slots.get((tenant, name))
        is_fresh = slot is not None and (
            (name == AUTO and slot.loaded is not None) or self._now() - slot.looked_at < LOOK_AGAIN_SECONDS
        )
        if slot is not None and is_fresh:
            self._slots.move_to_end((tenant, name))
            return slot.loaded
        if (tenant, name) in self._slow:  # somebody has waited for it already
            return self._present(tenant, name)
        looking = self._looking.run((tenant, name), lambda: self._look(tenant, name))
        try:
            async with asyncio.timeout(self._wait_seconds):
                return await looking
        except TimeoutError:  # it goes on loading, and a lower rung answers meanwhile
            self._slow.add((tenant, name))
            return self._present(tenant, name)

    async def _look(self, tenant: str, name: str) -> LoadedModel | None:
        try:
            return await self._looked_up(tenant, name)
        finally:
            self._slow.discard((tenant, name))

    async def _looked_up(self, tenant: str, name: str) -> LoadedModel | None:
        try:
            model = await self._registry.read(lambda tx: _find(tx.champion, tx.newest, tenant, name))
        except ShelfcastError:
            _LOG.warning("the registry does not answer", exc_info=True)
            return self._present(tenant, name)
        present = self._present(tenant, name)
        self._keep(tenant, name, _Slot(present, self._now(), is_trained=model is not None))
        return await self._place(tenant, name, model)

    def _present(self, tenant: str, name: str) -> LoadedModel | None:
        slot = self._slots.get((tenant, name))
        return None if slot is None else slot.loaded

    async def _place(self, tenant: str, name: str, model: StoredModel | None) -> LoadedModel | None:
        """Put a model in its slot once it is warm; what is there stays when it cannot be loaded."""
        async with self._placing["" if model is None else model.forecaster]:
            return await self._place_alone(tenant, name, model)

    async def _place_alone(self, tenant: str, name: str, model: StoredModel | None) -> LoadedModel | None:
        present = self._present(tenant, name)
        if model is not None and (present is None or present.model.model_id != model.model_id):
            loaded = await self._try_load(model)
            if loaded is not None:
                self._keep(tenant, name, _Slot(loaded, self._now(), is_trained=True))
                await self._tell(tenant, name, loaded)
                return loaded
        self._keep(tenant, name, _Slot(present, self._now(), is_trained=model is not None))
        return present

    def _keep(self, tenant: str, name: str, slot: _Slot) -> None:
        self._slots[tenant, name] = slot
        self._slots.move_to_end((tenant, name))
        while len(self._slots) > self._most_models:
            self._slots.popitem(last=False)

    async def _tell(self, tenant: str, name: str, loaded: LoadedModel) -> None:
        _LOG.info("%s of %s is in use", loaded.label, tenant)
        if name == AUTO and self._on_champion is not None:
            await self._on_champion(tenant, loaded.label)

    async def _try_load(self, model: StoredModel) -> LoadedModel | None:
        if self._damaged.get(model.model_id, float("-inf")) > self._now():
            return None
        try:
            return LoadedModel(model, await self._artefacts.load(model))
        except ShelfcastError as error:
            _LOG.error("model %s %s is left out: %s", model.forecaster, model.model_version, error)
            self._damaged[model.model_id] = self._now() + RETRY_DAMAGED_SECONDS
            return None


def _find(
    champion: Callable[[str], StoredModel | None],
    newest: Callable[[str, str], StoredModel | None],
    tenant: str,
    name: str,
) -> StoredModel | None:
    return champion(tenant) if name == AUTO else newest(tenant, name)
