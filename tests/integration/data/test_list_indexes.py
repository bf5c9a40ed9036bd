"""Every list reads an index that fits it and sorts nothing by hand; MariaDB says so of each statement."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf import descriptor_pool, json_format, message_factory
from sqlalchemy import event

if TYPE_CHECKING:
    from tests.integration.data.conftest import Service

    Statement = tuple[str, Any]

pytestmark = [pytest.mark.mysql, pytest.mark.parametrize("database_url", ["mysql"], indirect=True)]

LARGE = 1000
"""Rows from which on a table is not read whole."""
SHOP, PRODUCT, BOTH = {"shop_id": "s2"}, {"product_id": "p3"}, {"shop_id": "s2", "product_id": "p3"}
WEEK = {"start": "2026-01-01", "end": "2026-01-07"}
TIMES = {"start": "2026-01-01T00:00:00Z", "end": "2026-01-09T00:00:00Z"}
CASES: Mapping[str, list[dict[str, Any]]] = {
    "ListProducts": [
        {},
        {"order_by": "-name,-product_id"},
        {"show_deleted": True},
        {"category": "c1"},
        {"category": "c1/11"},
    ],
    "ListSuppliers": [{}],
    "ListSupplierTerms": [{"supplier_id": "s3"}],
    "ListCategories": [{}],
    "ListPriceChanges": [{}, SHOP, PRODUCT],
    "ListPromotions": [{}, SHOP, PRODUCT, BOTH],
    "ListClosures": [{}, SHOP],
    "ListHolidays": [],  # out of a library
    "ListShops": [{}, {"show_deleted": True}],
    "ListApiKeys": [{}],
    "ListJobs": [{}, {"kind": "import"}, {"status": "JOB_STATUS_FAILED"}],
    "ListImports": [{}],
    "ListImportRejects": [{"import_id": "00000000-0000-4000-8000-000000000007"}],
    "ListImportMappings": [{}, {"show_deleted": True}],
    "ListImportSources": [{}, {"show_deleted": True}],
    "ListPipelines": [{}, {"show_deleted": True}],
    "ListPipelineVersions": [{"name": "n7"}],
    "ListSchemas": [],  # declared in code
    "ListDataVersions": [{}],
    "ListSalesHistory": [
        {**place, **days, **length}
        for place in ({}, SHOP, PRODUCT, BOTH)
        for days in ({}, WEEK, {"as_of": "2026-01-02T00:00:00Z"})
        for length in ({}, {"granularity": "GRANULARITY_WEEK"})
    ],
    "ListInventory": [{}, SHOP, PRODUCT, BOTH, {"below": 3}, {**SHOP, "below": 3}],
    "ListLots": [{}, SHOP, PRODUCT, BOTH, {"expires_by": "2026-03-01"}],
    "ListStockMovements": [
        {},
        SHOP,
        PRODUCT,
        BOTH,
        TIMES,
        {**SHOP, **TIMES},
        {"kind": "STOCK_MOVEMENT_KIND_SALE"},
    ],
    "ListShopQuality": [{}],
    "ListQualityScores": [{"shop_id": "s3"}],
    "ListSourceQuality": [{}],
    "ListSourceScores": [{"source_id": "mapping:s3"}],
    "ListQualityFindings": [
        *({}, SHOP, PRODUCT, BOTH),
        {"rule": "QUALITY_RULE_OUTLIER"},
        {"severity": "QUALITY_SEVERITY_ERROR"},
        {"state": "FINDING_STATE_RESOLVED"},
    ],
    "ListStockouts": [{**place, **WEEK} for place in ({}, SHOP, PRODUCT, BOTH)],
}
SORTED_BY_HAND = {
    "ListPriceChanges": r"product_id = ",  # the prices of one product
    "ListProducts": r"products.category = ",  # the products of a small category
    "ListSalesHistory": r"GROUP BY DATE_SUB",  # the days of one series, added up
    "ListQualityFindings": r"shop_id = .* AND .*product_id = ",  # the findings of one series
    "ListLots": r"product_id = ",  # the lots of one product
    "ListStockouts": r"FROM stock_movements",  # the entries of a few products in a few days
}
"""Statements that may sort the few rows that they have found."""


@pytest.fixture
async def full(service: Service) -> Service:
    script = Path(__file__).with_name("full_lists.sql").read_text(encoding="utf-8")
    with service.worker_engine.begin() as connection:
        for statement in filter(str.strip, script.split(";\n")):
            connection.exec_driver_sql(statement)
        tables = re.findall(r"INSERT INTO (\w+)", script)
        connection.exec_driver_sql(f"ANALYZE TABLE {', '.join(tables)}").fetchall()
    return service


async def test_every_list_reads_its_index(full: Service) -> None:
    lists = {rpc.rpartition("/")[2]: rpc for rpc in list_rpcs(full)}
    assert lists.keys() == CASES.keys()

    faults = {
        f"{name} {fields}: {fault}"
        for name, cases in CASES.items()
        for fields in cases
        for statement in await sent(full, lists[name], fields)
        for fault in plan_faults(full, name, statement)
    }

    assert not faults, "\n".join(sorted(faults))


def list_rpcs(service: Service) -> Iterator[str]:
    """Give the list RPCs of all services that are served."""
    for registration in service.parts.registrations:
        for method in descriptor_pool.Default().FindServiceByName(registration.full_name).methods:
            if method.name.startswith("List") and not method.server_streaming:
                yield f"/{registration.full_name}/{method.name}"


async def sent(service: Service, rpc: str, fields: Mapping[str, Any]) -> list[Statement]:
    """Give the statements that the first two pages of a list read."""
    with noted(service) as statements:
        first = await page(service, rpc, {**fields, "page_size": 20})
        if first.next_page_token:
            await page(service, rpc, {**fields, "page_size": 20, "page_token": first.next_page_token})
    assert statements
    return [each for each in statements if re.match(r"\W*(SELECT|WITH)\b", each[0])]


async def page(service: Service, rpc: str, fields: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a reply of any list
    method = descriptor_pool.Default().FindMethodByName(rpc.lstrip("/").replace("/", "."))
    request = json_format.ParseDict(dict(fields), message_factory.GetMessageClass(method.input_type)())
    reply = message_factory.GetMessageClass(method.output_type)
    call = service.channel.unary_unary(rpc, type(request).SerializeToString, reply.FromString)
    return await call(request, timeout=20, metadata=service.auth())


@contextmanager
def noted(service: Service) -> Iterator[list[Statement]]:
    """Note the statements of the service."""
    statements: list[Statement] = []

    def note(_c: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        statements.append((statement, parameters))

    event.listen(service.parts.engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(service.parts.engine, "before_cursor_execute", note)


def plan_faults(service: Service, name: str, statement: Statement) -> Iterator[str]:
    """Give what EXPLAIN shows that a list must not do."""
    sql, parameters = statement
    with service.worker_engine.connect() as connection:
        steps = connection.exec_driver_sql(f"EXPLAIN {sql}", parameters).mappings().all()
    may_sort = name in SORTED_BY_HAND and re.search(SORTED_BY_HAND[name], sql)
    shown = " ".join(sql.split())[-300:]
    for step in steps:
        told = f"{step['table']} by {step['key']}, {step['rows']} rows, {step['Extra']}: {shown}"
        if step["type"] == "ALL" and int(step["rows"] or 0) > LARGE:
            yield f"ALL {told}"
        if "filesort" in str(step["Extra"]) and not may_sort:
            yield f"filesort {told}"
