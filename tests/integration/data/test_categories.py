"""The tree of categories and the products that meet it by path; on both stores."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import grpc
import pytest

from tests.integration.data.catalogue_client import Entries, facts_of, faults_of, reason_of

if TYPE_CHECKING:
    from tests.integration.data.conftest import Service


@pytest.fixture
async def tree(service: Service) -> Entries:
    """Give dairy / milk / oat, and drinks."""
    categories = Entries(service, "category")
    await categories.create(category_id="1", name="dairy")
    await categories.create(category_id="2", name="milk", parent_category_id="1")
    await categories.create(category_id="3", name="oat", parent_category_id="2")
    await categories.create(category_id="4", name="drinks")
    return categories


async def paths(categories: Entries) -> list[str]:
    return [each.path for each in (await categories.page()).categories]


async def test_the_tree_is_listed_by_path_and_by_parent(tree: Entries) -> None:
    assert await paths(tree) == ["dairy", "dairy/milk", "dairy/milk/oat", "drinks"]
    assert await tree.ids(parent_category_id="1") == ["2"]
    assert await tree.ids(parent_category_id="") == ["1", "4"]


async def test_a_move_takes_parts_and_products_along(service: Service, tree: Entries) -> None:
    products = Entries(service, "product")
    for product_id, category in (
        ("a", "dairy/milk"),
        ("b", "dairy/milk/oat/1l"),
        ("c", "dairy/milky"),
        ("d", "Dairy/milk/oat"),
    ):
        await products.create(product_id=product_id, category=category)

    moved = await tree.update({"category_id": "2"}, name="Milch", parent_category_id="4")

    assert (moved.path, moved.etag) == ("drinks/Milch", "2")
    assert await paths(tree) == ["dairy", "drinks", "drinks/Milch", "drinks/Milch/oat"]
    listed = (await products.page()).products
    assert [each.category for each in listed] == [
        "drinks/Milch",
        "drinks/Milch/oat/1l",
        "dairy/milky",
        "Dairy/milk/oat",
    ]
    assert [each.etag for each in listed] == ["2", "2", "1", "1"]
    assert await products.ids(category="drinks") == ["a", "b"]


async def test_a_category_comes_to_the_top_when_its_parent_is_cleared(tree: Entries) -> None:
    moved = await tree.update({"category_id": "2"}, "parent_category_id")

    assert moved.path == "milk"
    assert await paths(tree) == ["dairy", "drinks", "milk", "milk/oat"]


@pytest.mark.parametrize("parent", ["1", "2", "3"])
async def test_a_category_is_never_a_part_of_itself(tree: Entries, parent: str) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await tree.update({"category_id": "1"}, parent_category_id=parent)

    assert reason_of(caught.value) == "CATEGORY_CYCLE"
    assert await paths(tree) == ["dairy", "dairy/milk", "dairy/milk/oat", "drinks"]


async def test_two_moves_at_once_make_no_cycle(tree: Entries) -> None:
    both = await asyncio.gather(
        tree.update({"category_id": "1"}, parent_category_id="4"),
        tree.update({"category_id": "4"}, parent_category_id="1"),
        return_exceptions=True,
    )

    refused = [each for each in both if isinstance(each, grpc.aio.AioRpcError)]
    assert [reason_of(each) for each in refused] == ["CATEGORY_CYCLE"]


async def test_a_move_waits_for_one_that_is_under_way(service: Service, tree: Entries) -> None:
    with service.worker_engine.connect() as other:
        if other.dialect.name == "sqlite":
            other.exec_driver_sql("BEGIN IMMEDIATE")
        other.exec_driver_sql("UPDATE tenants SET last_number = last_number")
        other.exec_driver_sql("UPDATE categories SET parent_category_id = '1' WHERE category_id = '4'")
        moving = asyncio.create_task(tree.update({"category_id": "1"}, parent_category_id="4"))
        await asyncio.sleep(0.3)  # so that a move which does not wait has read the tree as it was
        other.commit()

        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await moving

    assert reason_of(caught.value) == "CATEGORY_CYCLE"


async def test_a_path_is_held_once(tree: Entries) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await tree.create(name="milk", parent_category_id="1")

    assert reason_of(caught.value) == "CATEGORY_PATH_TAKEN"
    assert facts_of(caught.value) == {"category_id": "2", "path": "dairy/milk"}


async def test_a_category_with_parts_stays(tree: Entries) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await tree.delete(category_id="2")
    await tree.delete(category_id="3")
    await tree.delete(category_id="2")

    assert reason_of(caught.value) == "CATEGORY_IN_USE"
    assert await paths(tree) == ["dairy", "drinks"]


async def test_a_category_does_not_come_back_below_a_deleted_one(tree: Entries) -> None:
    for category_id in ("3", "2"):
        await tree.delete(category_id=category_id)

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await tree.update({"category_id": "3"}, name="oat")

    assert faults_of(caught.value) == [("/category/parent_category_id", "category_id.known")]


async def test_one_that_comes_back_leaves_the_products_of_its_successor(
    service: Service, tree: Entries
) -> None:
    await tree.delete(category_id="4")
    await tree.create(category_id="5", name="drinks")
    product = await Entries(service, "product").create(product_id="a", category="drinks")

    back = await tree.update({"category_id": "4"}, name="old drinks")

    kept = await Entries(service, "product").get(product_id="a")
    assert back.path == "old drinks"
    assert kept == product


@pytest.mark.parametrize("name", ["a/b", " a", "a\n", "n" * 101])
async def test_a_name_that_makes_no_path_is_refused(service: Service, name: str) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await Entries(service, "category").create(name=name)

    assert reason_of(caught.value) == "FIELD_RULE_VIOLATED"


async def test_a_move_that_makes_a_path_too_long_is_refused(service: Service, tree: Entries) -> None:
    await Entries(service, "product").create(product_id="a", category="drinks/" + "x" * 290)

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await tree.update({"category_id": "4"}, name="drinks of all kinds")

    assert faults_of(caught.value) == [("/category/name", "path.length")]
