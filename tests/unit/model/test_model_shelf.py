from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeVar, cast

import pytest
from shelfcast_model.application.model_shelf import ModelShelf
from shelfcast_model.domain.stored_model import ModelMetrics, Stage, StoredModel
from shelfcast_model.errors import ArtefactDamaged
from shelfcast_model.ports import FittedForecaster, RegistryTx
from shelfcast_servicekit.errors import UpstreamUnavailable

T = TypeVar("T")


def model(name: str = "gru", version: str = "20260501_120000", tenant: str = "acme") -> StoredModel:
    return StoredModel(
        f"{tenant}-{name}-{version}",
        tenant,
        name,
        version,
        Stage.CHAMPION,
        "snap-1",
        "dv-1",
        1,
        3,
        1.0,
        ModelMetrics(),
        "models/x",
        "0" * 64,
        "",
        "job",
        datetime(2026, 5, 1, tzinfo=UTC),
    )


class Loaded:
    """A forecaster that only has a name."""

    def __init__(self, name: str) -> None:
        self.name = name


class FakeRegistry:
    def __init__(self) -> None:
        self.crowned: dict[str, StoredModel] = {}
        self.trained: dict[tuple[str, str], StoredModel] = {}
        self.is_away = False

    def champion(self, tenant: str) -> StoredModel | None:
        return self.crowned.get(tenant)

    def champions(self, tenants: list[str] | None = None) -> Mapping[str, StoredModel]:
        return self.crowned

    def newest(self, tenant: str, forecaster: str) -> StoredModel | None:
        return self.trained.get((tenant, forecaster))

    async def read(self, work: Callable[[RegistryTx], T]) -> T:
        if self.is_away:
            raise UpstreamUnavailable(service="database")
        return work(cast("RegistryTx", self))

    async def transact(self, work: Callable[[RegistryTx], T]) -> T:
        return await self.read(work)


class FakeArtefacts:
    def __init__(self) -> None:
        self.damaged: set[str] = set()
        self.loads: list[str] = []
        self.go = asyncio.Event()
        self.go.set()
        self.quick = ""

    async def load(self, stored: StoredModel) -> FittedForecaster:
        self.loads.append(stored.model_id)
        if stored.forecaster != self.quick:
            await self.go.wait()
        if stored.model_id in self.damaged:
            raise ArtefactDamaged(file="weights")
        return cast("FittedForecaster", Loaded(stored.forecaster))

    async def problem_of(self, stored: StoredModel) -> str:
        return ""


def shelf_of(
    registry: FakeRegistry, artefacts: FakeArtefacts, told: list[tuple[str, str]] | None = None
) -> ModelShelf:
    async def tell(tenant: str, label: str) -> None:
        if told is not None:
            told.append((tenant, label))

    return ModelShelf(registry, artefacts, on_champion=tell, now=lambda: 0.0)


async def test_champions_are_loaded_once_and_told_when_in_use() -> None:
    registry, artefacts, told = FakeRegistry(), FakeArtefacts(), list[tuple[str, str]]()
    registry.crowned["acme"] = model()
    shelf = shelf_of(registry, artefacts, told)

    await asyncio.gather(*(shelf.champion("acme") for _ in range(5)))
    await shelf.refresh()

    assert artefacts.loads == [model().model_id]
    assert told == [("acme", "20260501_120000.gru")]
    assert shelf.labels() == {"acme": "20260501_120000.gru"}


async def test_a_new_champion_replaces_the_old_one_only_when_it_is_loaded() -> None:
    registry, artefacts = FakeRegistry(), FakeArtefacts()
    registry.crowned["acme"] = model()
    shelf = shelf_of(registry, artefacts)
    await shelf.refresh()
    broken = model(version="20260502_120000")
    artefacts.damaged.add(broken.model_id)
    registry.crowned["acme"] = broken

    await shelf.refresh()
    assert shelf.label("acme") == "20260501_120000.gru"
    registry.crowned["acme"] = model(version="20260503_120000")
    await shelf.refresh()

    assert shelf.label("acme") == "20260503_120000.gru"


async def test_a_damaged_model_is_not_tried_again_at_once() -> None:
    registry, artefacts = FakeRegistry(), FakeArtefacts()
    registry.crowned["acme"] = model()
    artefacts.damaged.add(model().model_id)
    shelf = shelf_of(registry, artefacts)

    assert await shelf.champion("acme") is None
    await shelf.refresh()
    await shelf.refresh()

    assert len(artefacts.loads) == 1


async def test_without_the_registry_what_is_loaded_goes_on() -> None:
    registry, artefacts = FakeRegistry(), FakeArtefacts()
    registry.crowned["acme"] = model()
    shelf = shelf_of(registry, artefacts)
    await shelf.refresh()
    registry.is_away = True

    champion = await shelf.champion("acme")

    assert champion is not None
    assert await shelf.champion("globex") is None


async def test_a_tenant_never_gets_the_model_of_another() -> None:
    registry, artefacts = FakeRegistry(), FakeArtefacts()
    registry.crowned["acme"] = model()
    shelf = shelf_of(registry, artefacts)
    await shelf.refresh()

    assert await shelf.champion("globex") is None
    assert await shelf.named("globex", "gru") is None


async def test_a_model_by_name_is_the_newest_and_known_though_damaged() -> None:
    registry, artefacts = FakeRegistry(), FakeArtefacts()
    registry.trained["acme", "lightgbm"] = model("lightgbm")
    registry.trained["acme", "gru"] = replace(model("gru"), model_id="broken")
    artefacts.damaged.add("broken")
    shelf = shelf_of(registry, artefacts)

    found = await shelf.named("acme", "lightgbm")
    broken = await shelf.named("acme", "gru")

    assert found is not None
    assert found.forecaster.name == "lightgbm"
    assert broken is None
    assert shelf.is_trained("acme", "gru")
    assert not shelf.is_trained("acme", "factor")


async def test_the_shelf_is_bounded() -> None:
    registry, artefacts = FakeRegistry(), FakeArtefacts()
    for number in range(5):
        registry.crowned[f"t{number}"] = model(tenant=f"t{number}")
    shelf = ModelShelf(registry, artefacts, most_models=3)

    await shelf.refresh()

    assert len(shelf.labels()) == 3


async def test_nobody_waits_long_for_a_slow_load() -> None:
    registry, artefacts = FakeRegistry(), FakeArtefacts()
    registry.crowned["acme"] = model()
    registry.trained["acme", "gru"] = model()
    artefacts.go.clear()
    shelf = ModelShelf(registry, artefacts, wait_seconds=0.01)

    meanwhile = await shelf.champion("acme")
    with pytest.raises(StopIteration) as answered:  # one request has waited for all: nothing is awaited
        shelf.champion("acme").send(None)
    assert answered.value.value is None
    by_name = await shelf.named("acme", "gru")
    is_known = shelf.is_trained("acme", "gru")
    registry.trained["acme", "factor"] = model("factor")
    artefacts.quick = "factor"
    assert await shelf.named("acme", "factor") is not None  # another forecaster does not queue behind it
    artefacts.go.set()
    await asyncio.sleep(0.05)

    assert (meanwhile, by_name, is_known) == (None, None, True)
    assert shelf.label("acme") == "20260501_120000.gru"
