"""Saved mappings, and imports that use them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.protobuf import field_mask_pb2
from shelfcast.ingestion.v1 import import_mapping_pb2, import_mapping_service_pb2_grpc, import_pb2
from shelfcast.ingestion.v1 import import_mapping_service_pb2 as pb
from shelfcast_data.bootstrap.commands import create_api_key

from tests.integration.data.test_bad_files import reason_of

if TYPE_CHECKING:
    from tests.integration.data.conftest import Service

TILL = {
    "mapping": {"quantity": "Menge", "Tag": "date", "product_id": "item"},
    "shop_id": "berlin",
    "same_day": "SAME_DAY_SUM",
}
RECEIPTS = b"Tag;Artikel;item;Menge\n2017-01-01;a;1;2\n2017-01-01;b;1;3\n"


class Mappings:
    """The RPCs of saved mappings with a good key."""

    def __init__(self, service: Service, key: str | None = None) -> None:
        self._stub = import_mapping_service_pb2_grpc.ImportMappingServiceStub(service.channel)
        self._call: dict[str, Any] = {"timeout": 5, "metadata": service.auth(key)}

    async def create(self, name: str, **fields: Any) -> import_mapping_pb2.ImportMapping:  # noqa: ANN401 - fields
        mapping = import_mapping_pb2.ImportMapping(name=name, **fields)
        request = pb.CreateImportMappingRequest(import_mapping=mapping)
        return await self._stub.CreateImportMapping(request, **self._call)

    async def update(self, name: str, *mask: str, **fields: Any) -> import_mapping_pb2.ImportMapping:  # noqa: ANN401 - fields
        request = pb.UpdateImportMappingRequest(
            name=name,
            import_mapping=import_mapping_pb2.ImportMapping(**fields),
            update_mask=field_mask_pb2.FieldMask(paths=mask) if mask else None,
        )
        return await self._stub.UpdateImportMapping(request, **self._call)

    async def get(self, name: str) -> import_mapping_pb2.ImportMapping:
        return await self._stub.GetImportMapping(pb.GetImportMappingRequest(name=name), **self._call)

    async def delete(self, name: str, etag: str = "") -> None:
        request = pb.DeleteImportMappingRequest(name=name, etag=etag)
        await self._stub.DeleteImportMapping(request, **self._call)

    async def names(self, size: int, *, show_deleted: bool = False) -> list[list[str]]:
        """Give the names page by page."""
        pages, token = [], ""
        while True:
            request = pb.ListImportMappingsRequest(
                page_size=size, page_token=token, show_deleted=show_deleted
            )
            reply = await self._stub.ListImportMappings(request, **self._call)
            pages.append([each.name for each in reply.import_mappings])
            token = reply.next_page_token
            if not token:
                return pages


@pytest.fixture
def mappings(service: Service) -> Mappings:
    return Mappings(service)


async def test_a_mapping_is_saved_read_changed_and_deleted(mappings: Mappings) -> None:
    made = await mappings.create("till berlin", **TILL)

    changed = await mappings.update("till berlin", same_day="SAME_DAY_REFUSE", etag=made.etag)
    cleared = await mappings.update("till berlin", "shop_id", "mapping")
    await mappings.delete("till berlin", cleared.etag)
    gone = await mappings.get("till berlin")
    back = await mappings.update("till berlin", "*", mapping={"date": "day"})

    assert (dict(made.mapping), made.shop_id, made.etag) == (TILL["mapping"], "berlin", "1")
    assert made.same_day == import_pb2.SAME_DAY_SUM
    assert (changed.same_day, dict(changed.mapping)) == (import_pb2.SAME_DAY_REFUSE, TILL["mapping"])
    assert (dict(cleared.mapping), cleared.HasField("shop_id"), cleared.etag) == ({}, False, "3")
    assert gone.HasField("deleted_at")
    assert (dict(back.mapping), back.HasField("deleted_at")) == ({"date": "day"}, False)


async def test_mappings_are_listed_by_name_and_page(mappings: Mappings) -> None:
    for name in ("c", "a", "b", "d"):
        await mappings.create(name)
    await mappings.delete("b")

    assert await mappings.names(2) == [["a", "c"], ["d"]]
    assert await mappings.names(50, show_deleted=True) == [["a", "b", "c", "d"]]


async def test_all_faults_of_a_mapping_are_named(mappings: Mappings) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await mappings.create("x", mapping={"Menge": "amount", "date": "d" * 301}, shop_id=" ")

    assert reason_of(caught.value)[0] == "FIELD_RULE_VIOLATED"
    assert await mappings.names(50) == [[]]


async def test_a_name_is_taken_once_and_a_stale_etag_is_refused(mappings: Mappings) -> None:
    await mappings.create("till")
    await mappings.update("till", shop_id="s1")

    with pytest.raises(grpc.aio.AioRpcError) as twice:
        await mappings.create("till")
    with pytest.raises(grpc.aio.AioRpcError) as stale:
        await mappings.update("till", shop_id="s2", etag="1")

    assert reason_of(twice.value)[0] == "IMPORT_MAPPING_EXISTS"
    assert reason_of(stale.value)[0] == "ETAG_MISMATCH"


async def test_mappings_of_another_tenant_are_not_there(service: Service, mappings: Mappings) -> None:
    await mappings.create("till")
    other = Mappings(service, await create_api_key(service.settings, "other", "admin", "tests"))

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await other.get("till")

    assert reason_of(caught.value)[0] == "IMPORT_MAPPING_NOT_FOUND"
    assert await other.names(50) == [[]]


async def test_an_import_is_read_as_its_saved_mapping_says(service: Service, mappings: Mappings) -> None:
    await mappings.create("till", **TILL)

    done = await service.load(RECEIPTS, mapping_name="till")

    assert (done.report.accepted_count, done.same_day) == (2, import_pb2.SAME_DAY_SUM)
    assert dict(done.mapping) == {"date": "Tag", "product_id": "item", "quantity": "Menge"}
    assert service.rows("SELECT shop_id FROM series") == [("berlin",)]


async def test_what_an_import_says_itself_wins(service: Service, mappings: Mappings) -> None:
    await mappings.create("till", **TILL)

    done = await service.load(
        RECEIPTS,
        mapping_name="till",
        mapping={"Artikel": "product_id"},
        shop_id="bonn",
        same_day="SAME_DAY_REFUSE",
    )

    assert (done.report.accepted_count, done.same_day) == (2, import_pb2.SAME_DAY_REFUSE)
    assert dict(done.mapping)["product_id"] == "Artikel"
    assert service.rows("SELECT DISTINCT shop_id FROM series") == [("bonn",)]


KEY = (("idempotency-key", "monday"),)


@pytest.mark.parametrize("change", ["changed", "deleted"])
async def test_a_request_that_is_sent_again_after_its_mapping_was_changed_gives_the_first_import(
    service: Service, mappings: Mappings, change: str
) -> None:
    await mappings.create("till", **TILL)
    first = await service.submit(RECEIPTS, metadata=KEY, mapping_name="till")
    if change == "changed":
        await mappings.update("till", "mapping", "shop_id", mapping={"quantity": "Stück"}, shop_id="bonn")
    else:
        await mappings.delete("till")

    again = await service.submit(RECEIPTS, metadata=KEY, mapping_name="till")

    assert again.job_id == first.job_id
    assert service.rows("SELECT import_id, shop_id FROM imports") == [(first.job_id, "berlin")]
    left = [path for path in (service.settings.data_dir / "store").rglob("*") if path.is_file()]
    assert len(left) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"content": RECEIPTS + b"2017-01-02;a;1;2\n"},
        {"mapping_name": ""},
        {"mapping": {"Artikel": "product_id"}},
        {"shop_id": "bonn"},
        {"same_day": "SAME_DAY_SUM"},
        {"dry_run": True},
    ],
    ids=lambda other: next(iter(other)),
)
async def test_another_request_under_the_same_key_is_refused(
    service: Service, mappings: Mappings, other: dict[str, Any]
) -> None:
    await mappings.create("till", **TILL)
    await service.submit(RECEIPTS, metadata=KEY, mapping_name="till")

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await service.submit(**{"content": RECEIPTS, "mapping_name": "till", "metadata": KEY} | other)

    assert reason_of(caught.value)[0] == "IDEMPOTENCY_KEY_REUSED"
    assert len(service.rows("SELECT import_id FROM imports")) == 1


@pytest.mark.parametrize("name", ["unknown", "deleted"])
async def test_an_import_cannot_use_a_mapping_that_is_not_there(
    service: Service, mappings: Mappings, name: str
) -> None:
    await mappings.create("deleted", **TILL)
    await mappings.delete("deleted")

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await service.submit(RECEIPTS, mapping_name=name)

    assert reason_of(caught.value) == ("IMPORT_MAPPING_NOT_FOUND", {"name": name})
    assert [path for path in (service.settings.data_dir / "store").rglob("*") if path.is_file()] == []
