"""Products, shops and API keys over gRPC, on both stores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.protobuf import field_mask_pb2
from shelfcast.catalog.v1 import product_pb2, shop_pb2
from shelfcast.catalog.v1 import product_service_pb2 as pb
from shelfcast.catalog.v1 import shop_service_pb2 as shop_service
from shelfcast.identity.v1 import api_key_pb2
from shelfcast.identity.v1 import api_key_service_pb2 as identity
from shelfcast_data.bootstrap.commands import create_api_key
from shelfcast_servicekit.auth import Caller, TokenMinter

if TYPE_CHECKING:
    from tests.integration.data.conftest import Service


async def create(service: Service, **fields: Any) -> product_pb2.Product:  # noqa: ANN401 - fields of a message
    request = pb.CreateProductRequest(product=product_pb2.Product(**fields))
    return await service.products.CreateProduct(request, timeout=30, metadata=service.auth())


async def update(service: Service, product_id: str, *mask: str, **fields: Any) -> product_pb2.Product:  # noqa: ANN401 - fields of a message
    request = pb.UpdateProductRequest(
        product_id=product_id,
        product=product_pb2.Product(**fields),
        update_mask=field_mask_pb2.FieldMask(paths=mask) if mask else None,
    )
    return await service.products.UpdateProduct(request, timeout=30, metadata=service.auth())


async def test_a_product_is_created_read_changed_and_deleted(service: Service) -> None:
    made = await create(service, product_id="oat/milk 1l", name="Oat milk", price=1.29, currency_code="EUR")

    changed = await update(service, "oat/milk 1l", price=1.49, etag=made.etag)
    cleared = await update(service, "oat/milk 1l", "currency_code", etag=changed.etag)
    replaced = await update(service, "oat/milk 1l", "*", name="Oat")
    delete = pb.DeleteProductRequest(product_id="oat/milk 1l")
    await service.products.DeleteProduct(delete, timeout=30, metadata=service.auth())
    get = pb.GetProductRequest(product_id="oat/milk 1l")
    gone = await service.products.GetProduct(get, timeout=30, metadata=service.auth())

    assert (made.price, made.etag, made.unit) == (1.29, "1", "piece")
    assert (changed.name, changed.price, changed.etag) == ("Oat milk", 1.49, "2")
    assert (cleared.name, cleared.HasField("currency_code")) == ("Oat milk", False)
    assert (replaced.name, replaced.HasField("price")) == ("Oat", False)
    assert gone.HasField("deleted_at")
    listed = await service.products.ListProducts(
        pb.ListProductsRequest(), timeout=30, metadata=service.auth()
    )
    assert list(listed.products) == []


async def test_a_stale_etag_is_refused(service: Service) -> None:
    made = await create(service, product_id="p")
    await update(service, "p", name="a")

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await update(service, "p", name="b", etag=made.etag)

    assert caught.value.code() is grpc.StatusCode.ABORTED


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"product_id": "p"}, grpc.StatusCode.ALREADY_EXISTS),
        ({"product_id": "bulk"}, grpc.StatusCode.INVALID_ARGUMENT),
        ({"product_id": "x" * 10_000}, grpc.StatusCode.INVALID_ARGUMENT),
        ({"product_id": " x"}, grpc.StatusCode.INVALID_ARGUMENT),
        ({"product_id": "q", "price": -1.0}, grpc.StatusCode.INVALID_ARGUMENT),
        ({"product_id": "q", "price": float("nan")}, grpc.StatusCode.INVALID_ARGUMENT),
        ({"product_id": "q", "currency_code": "eur"}, grpc.StatusCode.INVALID_ARGUMENT),
        ({"product_id": "q", "name": "n" * 301}, grpc.StatusCode.INVALID_ARGUMENT),
    ],
)
async def test_a_bad_product_is_refused(
    service: Service, fields: dict[str, Any], code: grpc.StatusCode
) -> None:
    await create(service, product_id="p")

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await create(service, **fields)

    assert caught.value.code() is code


async def test_ids_are_told_apart_byte_by_byte(service: Service) -> None:
    for product_id in ("milk", "Milk", "mïlk"):
        await create(service, product_id=product_id)

    listed = await service.products.ListProducts(
        pb.ListProductsRequest(), timeout=30, metadata=service.auth()
    )

    assert [each.product_id for each in listed.products] == ["Milk", "milk", "mïlk"]


async def test_products_are_paged_and_filtered_by_category(service: Service) -> None:
    for number in range(5):
        await create(service, product_id=f"p{number}", category="dairy/milk" if number % 2 else "dairy_x")

    first = await service.products.ListProducts(
        pb.ListProductsRequest(page_size=2), timeout=30, metadata=service.auth()
    )
    rest = await service.products.ListProducts(
        pb.ListProductsRequest(page_size=10, page_token=first.next_page_token),
        timeout=30,
        metadata=service.auth(),
    )
    dairy = await service.products.ListProducts(
        pb.ListProductsRequest(category="dairy"), timeout=30, metadata=service.auth()
    )

    assert [each.product_id for each in (*first.products, *rest.products)] == ["p0", "p1", "p2", "p3", "p4"]
    assert [each.product_id for each in dairy.products] == ["p1", "p3"]


async def test_a_page_token_of_another_list_is_refused(service: Service) -> None:
    for number in range(3):
        await create(service, product_id=f"p{number}")
    first = await service.products.ListProducts(
        pb.ListProductsRequest(page_size=1), timeout=30, metadata=service.auth()
    )
    request = shop_service.ListShopsRequest(page_token=first.next_page_token)

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await service.shops.ListShops(request, timeout=30, metadata=service.auth())

    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_a_shop_lives_like_a_product(service: Service) -> None:
    request = shop_service.CreateShopRequest(shop=shop_pb2.Shop(shop_id="s1", time_zone="Europe/Berlin"))
    made = await service.shops.CreateShop(request, timeout=30, metadata=service.auth())
    change = shop_service.UpdateShopRequest(shop_id="s1", shop=shop_pb2.Shop(name="Mitte", etag=made.etag))
    changed = await service.shops.UpdateShop(change, timeout=30, metadata=service.auth())
    delete = shop_service.DeleteShopRequest(shop_id="s1", etag=changed.etag)
    await service.shops.DeleteShop(delete, timeout=30, metadata=service.auth())
    listed = await service.shops.ListShops(
        shop_service.ListShopsRequest(show_deleted=True), timeout=30, metadata=service.auth()
    )

    assert (changed.name, changed.time_zone) == ("Mitte", "Europe/Berlin")
    assert [each.HasField("deleted_at") for each in listed.shops] == [True]


async def test_an_unknown_time_zone_is_refused(service: Service) -> None:
    request = shop_service.CreateShopRequest(shop=shop_pb2.Shop(shop_id="s1", time_zone="Mars/Base"))

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await service.shops.CreateShop(request, timeout=30, metadata=service.auth())

    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_tenants_do_not_see_one_another(service: Service) -> None:
    await create(service, product_id="p")
    other = await create_api_key(service.settings, "rival", "admin", "tests")

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await service.products.GetProduct(
            pb.GetProductRequest(product_id="p"), timeout=30, metadata=service.auth(other)
        )

    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


async def test_a_viewer_reads_and_cannot_write(service: Service) -> None:
    viewer = await create_api_key(service.settings, "acme", "viewer", "tests")
    await service.products.ListProducts(pb.ListProductsRequest(), timeout=30, metadata=service.auth(viewer))
    request = pb.CreateProductRequest(product=product_pb2.Product(product_id="p"))

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await service.products.CreateProduct(request, timeout=30, metadata=service.auth(viewer))

    assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED


async def test_a_key_is_made_listed_known_and_revoked(service: Service) -> None:
    request = identity.CreateApiKeyRequest(api_key=api_key_pb2.ApiKey(name="till", role="planner"))
    made = await service.keys.CreateApiKey(request, timeout=30, metadata=service.auth())
    token = TokenMinter(service.settings.token_key()).token_for(
        Caller("system", "service:gateway", frozenset({"identity.run"})), "data"
    )
    ask = identity.AuthenticateApiKeyRequest(secret=made.secret)

    known = await service.keys.AuthenticateApiKey(ask, timeout=30, metadata=service.auth(token))
    listed = await service.keys.ListApiKeys(
        identity.ListApiKeysRequest(), timeout=30, metadata=service.auth()
    )
    revoke = identity.RevokeApiKeyRequest(key_id=made.key_id)
    await service.keys.RevokeApiKey(revoke, timeout=30, metadata=service.auth())
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await service.keys.AuthenticateApiKey(ask, timeout=30, metadata=service.auth(token))

    assert (known.tenant_id, known.principal_id, known.role) == ("acme", f"api-key:{made.key_id}", "planner")
    assert "sales.write" in known.permissions
    assert "identity.run" not in known.permissions
    assert [each.HasField("secret") for each in listed.api_keys] == [False, False]
    assert made.secret.startswith(f"sk_{made.key_id}_")
    assert len(made.secret) == 55
    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED


async def test_me_tells_the_role(service: Service) -> None:
    me = await service.keys.GetMe(identity.GetMeRequest(), timeout=30, metadata=service.auth())

    assert (me.tenant_id, me.role) == ("acme", "admin")


async def test_only_services_may_ask_whose_key_it_is(service: Service) -> None:
    ask = identity.AuthenticateApiKeyRequest(secret=service.key)

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await service.keys.AuthenticateApiKey(ask, timeout=30, metadata=service.auth())

    assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED


async def test_an_unknown_role_is_refused(service: Service) -> None:
    request = identity.CreateApiKeyRequest(api_key=api_key_pb2.ApiKey(name="till", role="king"))

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await service.keys.CreateApiKey(request, timeout=30, metadata=service.auth())

    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
