"""The declared schemas as a client reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc
import pytest
from shelfcast.ingestion.v1 import schema_service_pb2 as pb

from tests.integration.data.test_bad_files import reason_of

if TYPE_CHECKING:
    from tests.integration.data.conftest import Service

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def test_schemas_are_listed_and_read(service: Service) -> None:
    reply = await service.schemas.ListSchemas(pb.ListSchemasRequest(), timeout=30, metadata=service.auth())

    schemas = {each.kind: each for each in reply.schemas}
    request = pb.GetSchemaRequest(kind="sales")
    sales = await service.schemas.GetSchema(request, timeout=30, metadata=service.auth())

    assert list(schemas) == sorted(schemas)
    assert {"sales", "stock_counts", "products", "shops", "promotions"} <= set(schemas)
    assert sales == schemas["sales"]
    quantity = next(each for each in sales.fields if each.name == "quantity")
    assert (quantity.type, quantity.is_required, quantity.maximum) == (pb.SCHEMA_TYPE_DECIMAL, True, 1e12)
    assert quantity.is_maximum_excluded
    assert "units_sold" in quantity.aliases
    assert all(rule.detail for field in sales.fields for rule in field.rules)
    dates = next(each for each in sales.fields if each.name == "date")
    assert (dates.first_date, dates.last_date) == ("1900-01-01", "2199-12-31")


async def test_an_unknown_kind_has_no_schema(service: Service) -> None:
    request = pb.GetSchemaRequest(kind="nothing")

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await service.schemas.GetSchema(request, timeout=30, metadata=service.auth())

    assert reason_of(caught.value)[0] == "SCHEMA_NOT_FOUND"
