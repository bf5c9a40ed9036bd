from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
from shelfcast.sales.v1 import data_version_pb2
from shelfcast_model.adapters.data_service.arrow import TableBuffer
from shelfcast_model.adapters.data_service.client import DataServiceClient, StreamedTable
from shelfcast_model.adapters.data_service.history import DataServiceHistory
from shelfcast_model.errors import HistoryEmpty
from shelfcast_servicekit.errors import UpstreamUnavailable
from shelfcast_servicekit.executor import BlockingExecutor
from shelfcast_servicekit.status import RemoteError
from shelfcast_testing.data_fake import START_DATE, Sales, chunks_of


class FakeClient:
    """A data service without a wire; each call can be made to fail."""

    def __init__(self) -> None:
        self.sales: dict[str, Sales] = {}
        self.calls: list[str] = []
        self.failing: dict[str, str] = {}
        self.is_cut = False
        self.hold = asyncio.Event()
        self.hold.set()

    def _called(self, call: str, tenant: str) -> Sales:
        self.calls.append(call)
        if call in self.failing:
            raise RemoteError(self.failing[call])
        return self.sales[tenant]

    async def current_version(self, tenant: str, timeout_seconds: float) -> str:
        return f"dv-{self._called('version', tenant).version}"

    async def create_snapshot(self, tenant: str, timeout_seconds: float = 60.0) -> data_version_pb2.Snapshot:
        sales = self._called("create", tenant)
        return data_version_pb2.Snapshot(
            snapshot_id="snap",
            data_version=f"dv-{sales.version}",
            parts=[data_version_pb2.SnapshotPart(store_path="../outside.parquet", digest="0")],
        )

    async def read_snapshot(self, tenant: str, snapshot_id: str) -> StreamedTable:
        return self._streamed(self._called("snapshot", tenant), 0)

    async def read_changes(self, tenant: str, since: str) -> StreamedTable:
        sales = self._called("changes", tenant)
        await self.hold.wait()
        return self._streamed(sales, int(since.removeprefix("dv-")))

    def _streamed(self, sales: Sales, since: int) -> StreamedTable:
        buffer, chunks = TableBuffer(), chunks_of(sales.table(since), sales.version)
        for chunk in chunks[:-1]:
            buffer.add(chunk.ipc)
        summary = chunks[-1].summary
        return StreamedTable(buffer, None if self.is_cut else summary.sha256, summary.data_version)


@pytest.fixture
def executor() -> Iterator[BlockingExecutor]:
    executor = BlockingExecutor("history", 1)
    yield executor
    executor.close()


def sold(client: FakeClient, tenant: str = "acme", quantity: float = 3.0) -> None:
    client.sales.setdefault(tenant, Sales()).put({("mitte", "milk", START_DATE): quantity})


def history_from(
    client: FakeClient,
    executor: BlockingExecutor,
    wait: float = 5.0,
    tenants: int = 16,
    root: Path | None = None,
) -> DataServiceHistory:
    source = cast("DataServiceClient", client)
    return DataServiceHistory(source, executor, root, most_tenants=tenants, wait_seconds=wait)


async def test_the_version_announced_is_the_version_given(executor: BlockingExecutor) -> None:
    client = FakeClient()
    sold(client)
    source = history_from(client, executor)
    first = await source.view("acme", "dv-1")
    sold(client, quantity=8.0)

    second = await source.view("acme", "dv-2")

    assert (first.history.data_version, second.history.data_version) == ("dv-1", "dv-2")
    assert second.history.panel.quantity.tolist() == [[8.0]]
    assert first.history.panel.quantity.tolist() == [[3.0]]
    assert client.calls == ["create", "snapshot", "changes"]


async def test_a_slow_refresh_gives_the_former_history_marked(executor: BlockingExecutor) -> None:
    client = FakeClient()
    sold(client)
    source = history_from(client, executor, wait=0.01)
    await source.view("acme", "dv-1")
    sold(client)
    client.hold.clear()

    view = await source.view("acme", "dv-2")
    client.hold.set()
    later = await history_of_version(source, "dv-2")

    assert (view.history.data_version, view.is_current) == ("dv-1", False)
    assert later


async def history_of_version(source: DataServiceHistory, version: str) -> bool:
    for _ in range(100):
        if (await source.view("acme", version)).is_current:
            return True
        await asyncio.sleep(0.02)
    return False


async def test_an_announcement_older_than_the_history_is_no_step_back(executor: BlockingExecutor) -> None:
    client = FakeClient()
    sold(client)
    sold(client)
    source = history_from(client, executor)

    await source.view("acme", "dv-2")
    view = await source.view("acme", "dv-1")

    assert (view.history.data_version, view.is_current) == ("dv-2", True)


async def test_a_version_that_data_has_forgotten_begins_anew(executor: BlockingExecutor) -> None:
    client = FakeClient()
    sold(client)
    source = history_from(client, executor)
    await source.view("acme", "dv-1")
    client.failing["changes"] = "DATA_VERSION_NOT_FOUND"
    sold(client)

    assert (await source.view("acme", "dv-2")).history.data_version == "dv-2"


async def test_without_the_data_service_what_is_held_goes_on(executor: BlockingExecutor) -> None:
    client = FakeClient()
    sold(client)
    source = history_from(client, executor)
    await source.view("acme", "dv-1")
    client.failing |= dict.fromkeys(("version", "changes", "create"), "UPSTREAM_UNAVAILABLE")

    assert not (await source.view("acme", None)).is_current
    assert not (await source.view("acme", "dv-7")).is_current
    sold(client, "globex")
    with pytest.raises(RemoteError):
        await source.view("globex", None)


async def test_a_stream_that_is_cut_is_no_history(executor: BlockingExecutor) -> None:
    client = FakeClient()
    sold(client)
    client.is_cut = True

    with pytest.raises(UpstreamUnavailable):
        await history_from(client, executor).view("acme", "dv-1")


async def test_no_sales_are_no_history(executor: BlockingExecutor) -> None:
    client = FakeClient()
    client.sales["acme"] = Sales()
    client.failing["create"] = "SALES_ABSENT"

    with pytest.raises(HistoryEmpty):
        await history_from(client, executor).view("acme", None)


async def test_the_least_recently_used_tenant_goes_first(executor: BlockingExecutor) -> None:
    client = FakeClient()
    source = history_from(client, executor, tenants=2)
    for tenant in ("a", "b", "c"):
        sold(client, tenant)
    for tenant in ("a", "b", "a", "c", "a", "b"):
        await source.view(tenant, "dv-1")

    assert client.calls.count("create") == 4


async def test_a_path_outside_the_store_is_not_read(executor: BlockingExecutor, tmp_path: Path) -> None:
    (tmp_path / "outside.parquet").write_bytes(b"not ours")
    (tmp_path / "store").mkdir()
    client = FakeClient()
    sold(client)

    await history_from(client, executor, root=tmp_path / "store").view("acme", "dv-1")

    assert "snapshot" in client.calls


async def test_all_who_wait_share_one_load(executor: BlockingExecutor) -> None:
    client = FakeClient()
    sold(client)
    source = history_from(client, executor)

    views = await asyncio.gather(*(source.view("acme", "dv-1") for _ in range(10)))

    assert client.calls == ["create", "snapshot"]
    assert len({id(view.history) for view in views}) == 1
