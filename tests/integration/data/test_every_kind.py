"""Every kind of catalogue entry lives in the same way, on both stores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
import pytest
from shelfcast.catalog.v1 import promotion_pb2
from shelfcast.sales.v1 import data_version_service_pb2
from shelfcast_data.bootstrap.commands import create_api_key

from tests.integration.data.catalogue_client import FORMS, Entries, reason_of

if TYPE_CHECKING:
    from tests.integration.data.conftest import Service

WEEK = {"start_date": "2026-03-02", "end_date": "2026-03-08"}
SAMPLES: dict[str, dict[str, Any]] = {
    "product": {"product_id": "oat", "name": "Oat milk", "price": 1.29},
    "shop": {"shop_id": "mitte", "name": "Mitte", "opening_weekdays": [1, 6], "country_code": "DE"},
    "category": {"category_id": "dairy", "name": "dairy"},
    "supplier": {"supplier_id": "meyer", "name": "Meyer", "order_weekdays": [2, 4], "lead_time_days": 0},
    "terms": {
        "supplier_id": "s1",
        "product_id": "p1",
        "currency_code": "EUR",
        "cost_breaks": [{"minimum_quantity": 0.0, "unit_cost": 0.9}],
    },
    "price_change": {
        "price_change_id": "march",
        "product_id": "p1",
        "price": 0.99,
        "currency_code": "EUR",
        **WEEK,
    },
    "promotion": {
        "promotion_id": "easter",
        "name": "Easter",
        "kind": promotion_pb2.PROMOTION_KIND_PRICE_CUT,
        "product_ids": ["p1"],
        "shop_ids": ["h1"],
        "discount_pct": 20.0,
        **WEEK,
    },
    "closure": {"closure_id": "refit", "shop_id": "h1", "reason": "Refit", **WEEK},
}
CHANGES: dict[str, dict[str, Any]] = {
    "product": {"name": "Oat"},
    "shop": {"country_code": "AT"},
    "category": {"name": "cooled"},
    "supplier": {"contact_email": "orders@meyer.example"},
    "terms": {"supplier_sku": "M-1"},
    "price_change": {"end_date": "2026-03-09"},
    "promotion": {"discount_pct": 25.0},
    "closure": {"reason": "New floor"},
}


@pytest.fixture(params=sorted(SAMPLES))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def prepare(service: Service) -> None:
    """Make what the samples name."""
    await Entries(service, "product").create(product_id="p1")
    await Entries(service, "shop").create(shop_id="h1")
    await Entries(service, "supplier").create(supplier_id="s1")


def ids_of(kind: str) -> dict[str, str]:
    names = {*FORMS[kind].parents, "product_id" if kind == "terms" else f"{kind}_id"}
    return {name: SAMPLES[kind][name] for name in names}


async def version(service: Service) -> str:
    request = data_version_service_pb2.GetCurrentDataVersionRequest()
    found = await service.versions.GetCurrentDataVersion(request, timeout=30, metadata=service.auth())
    return str(found.data_version)


def same(message: Any, fields: dict[str, Any]) -> bool:  # noqa: ANN401 - a message of any kind
    wanted = type(message)(**fields)
    return all(getattr(message, name) == getattr(wanted, name) for name in fields)


async def test_an_entry_is_created_read_changed_and_deleted(service: Service, kind: str) -> None:
    await prepare(service)
    entries, sample, change = Entries(service, kind), SAMPLES[kind], CHANGES[kind]

    made = await entries.create(**sample)
    changed = await entries.update(ids_of(kind), etag=made.etag, **change)
    read = await entries.get(**ids_of(kind))
    await entries.delete(**ids_of(kind), etag=changed.etag)
    gone = await entries.get(**ids_of(kind))

    assert same(made, sample)
    assert made.etag == "1"
    assert same(changed, {**sample, **change})
    assert read == changed
    assert gone.HasField("deleted_at")
    parents = {name: sample[name] for name in FORMS[kind].parents}
    own_id = next(value for name, value in ids_of(kind).items() if name not in parents)
    assert own_id not in await entries.ids(**parents)
    assert own_id in await entries.ids(**parents, show_deleted=True)


async def test_a_replacement_leaves_out_what_it_does_not_say(service: Service, kind: str) -> None:
    await prepare(service)
    entries, sample = Entries(service, kind), SAMPLES[kind]
    made = await entries.create(**sample, **({"sku": "x"} if kind == "product" else {}))

    replaced = await entries.update(ids_of(kind), "*", **{**sample, **CHANGES[kind]})

    assert same(replaced, {**sample, **CHANGES[kind]})
    assert kind != "product" or (made.HasField("sku") and not replaced.HasField("sku"))


async def test_a_stale_etag_is_refused(service: Service, kind: str) -> None:
    await prepare(service)
    entries = Entries(service, kind)
    made = await entries.create(**SAMPLES[kind])
    await entries.update(ids_of(kind), **CHANGES[kind])

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await entries.delete(**ids_of(kind), etag=made.etag)

    assert reason_of(caught.value) == "ETAG_MISMATCH"


async def test_an_id_is_taken_once_and_unknown_ones_are_not_found(service: Service, kind: str) -> None:
    await prepare(service)
    entries = Entries(service, kind)
    with pytest.raises(grpc.aio.AioRpcError) as missing:
        await entries.get(**ids_of(kind))
    await entries.create(**SAMPLES[kind])

    with pytest.raises(grpc.aio.AioRpcError) as taken:
        await entries.create(**{**SAMPLES[kind], **_elsewhere(kind)})

    assert missing.value.code() is grpc.StatusCode.NOT_FOUND
    assert taken.value.code() is grpc.StatusCode.ALREADY_EXISTS


def _elsewhere(kind: str) -> dict[str, Any]:
    """Give values that clash in nothing but the id."""
    if kind == "price_change":
        return {"start_date": "2027-01-01", "end_date": "2027-01-01"}
    return {"name": "other"} if kind == "category" else {}


async def test_each_change_makes_a_data_version(service: Service, kind: str) -> None:
    await prepare(service)
    entries, versions = Entries(service, kind), [await version(service)]

    await entries.create(**SAMPLES[kind])
    versions.append(await version(service))
    await entries.update(ids_of(kind), **CHANGES[kind])
    versions.append(await version(service))
    await entries.delete(**ids_of(kind))
    versions.append(await version(service))

    assert len(set(versions)) == 4


async def test_other_tenants_see_nothing(service: Service, kind: str) -> None:
    await prepare(service)
    await Entries(service, kind).create(**SAMPLES[kind])
    rival = Entries(service, kind, await create_api_key(service.settings, "rival", "admin", "tests"))

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await rival.get(**ids_of(kind))

    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
    assert await rival.ids(**{name: SAMPLES[kind][name] for name in FORMS[kind].parents}) == []


async def test_a_viewer_cannot_write(service: Service, kind: str) -> None:
    viewer = Entries(service, kind, await create_api_key(service.settings, "acme", "viewer", "tests"))

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await viewer.create(**SAMPLES[kind])

    assert reason_of(caught.value) == "PERMISSION_MISSING"


@pytest.mark.parametrize("kind", ["price_change", "promotion", "closure", "category"], indirect=True)
async def test_all_missing_fields_are_named(service: Service, kind: str) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await Entries(service, kind).create()

    assert reason_of(caught.value) == "FIELD_MISSING"
