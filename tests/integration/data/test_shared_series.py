"""Series that one load has brought and another one uses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from shelfcast.catalog.v1 import product_service_pb2
from shelfcast_data.adapters.sql.transaction import DataTx
from shelfcast_data.domain.import_record import ImportProgress
from shelfcast_servicekit.transact import Transactor

from tests.integration.data.test_sales import HEADER, create

if TYPE_CHECKING:
    from tests.integration.data.conftest import Service

ONE = HEADER + b"2017-01-01,s1,a,1,,,\n"


@pytest.mark.parametrize(("is_open", "left"), [(True, 1), (False, 0)])
async def test_series_of_a_dry_run_stay_while_another_import_is_open(
    service: Service,
    is_open: bool,
    left: int,
) -> None:
    store: Transactor[DataTx] = Transactor(service.worker_engine, None, DataTx)
    other = await service.submit(ONE + b"2017-01-02,s1,a,2,,,\n")

    def opened(tx: DataTx) -> None:
        _, load_no = tx.versions("acme").open_load()
        tx.imports("acme").save_progress(other.job_id, ImportProgress(load_no=load_no))

    if is_open:
        store.transact_sync(opened)
    await service.load(ONE, dry_run=True)

    assert service.rows("SELECT COUNT(*) FROM series") == [(left,)]


async def test_a_sale_completes_the_catalogue_though_an_open_import_brought_its_series(
    service: Service,
) -> None:
    store: Transactor[DataTx] = Transactor(service.worker_engine, None, DataTx)
    store.transact_sync(lambda tx: tx.load("acme", tx.versions("acme").open_load()[1]).series([("s1", "a")]))

    await create(service, shop_id="s1", product_id="a")

    request = product_service_pb2.GetProductRequest(product_id="a")
    found = await service.products.GetProduct(request, timeout=30, metadata=service.auth())
    assert found.product_id == "a"
