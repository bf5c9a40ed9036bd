"""Replies of services up to the limit of one message, and beyond it."""

from __future__ import annotations

from shelfcast.catalog.v1 import product_pb2, product_service_pb2
from shelfcast_servicekit.channel import MAX_MESSAGE_BYTES
from shelfcast_testing.gateway_stack import Stack

ROWS = 1000


def page(size: int) -> product_service_pb2.ListProductsResponse:
    """Give a page of products that has somewhat more than so many bytes."""
    products = [
        product_pb2.Product(product_id=f"oat-milk-{row}", name="o" * (size // ROWS)) for row in range(ROWS)
    ]
    return product_service_pb2.ListProductsResponse(products=products)


async def test_a_large_page_passes_whole(stack: Stack) -> None:
    stack.products.listed = page(30 * 1024 * 1024)

    reply = await stack.client.get(f"/api/v1/products?page_size={ROWS}", timeout=60)

    assert reply.status_code == 200, reply.text[:1000]
    assert [each["product_id"] for each in reply.json()["products"]] == [
        each.product_id for each in stack.products.listed.products
    ]


async def test_a_page_beyond_the_limit_is_told_with_limit_size_and_remedy(stack: Stack) -> None:
    stack.products.listed = page(MAX_MESSAGE_BYTES)

    reply = await stack.client.get(f"/api/v1/products?page_size={ROWS}", timeout=60)

    problem = reply.json()
    assert (reply.status_code, problem["code"]) == (422, "REPLY_TOO_LARGE"), problem
    assert reply.headers["content-type"] == "application/problem+json"
    assert problem["limit"] == MAX_MESSAGE_BYTES
    assert problem["size"] == stack.products.listed.ByteSize()
    assert "page_size" in problem["hint"]
    assert "data service" in problem["detail"]
