"""Names of the groups of routes in the OpenAPI document."""

from __future__ import annotations

import pytest
from shelfcast_gateway.application.openapi import tag


@pytest.mark.parametrize(
    ("service", "methods", "name"),
    [
        ("InventoryService", ["ListInventory", "CountStock"], "Inventory"),
        ("QualityService", ["ListShopQuality", "GetQualityReport"], "Quality"),
        ("CategoryService", ["GetCategory", "ListCategories"], "Categories"),
        ("HolidayService", ["ListHolidays"], "Holidays"),
        ("SupplierTermsService", ["ListSupplierTerms"], "Supplier terms"),
        ("ApiKeyService", ["GetMe", "ListApiKeys"], "API keys"),
        ("ForecastService", ["GetForecast", "BatchGetForecasts"], "Forecasts"),
        ("SaleService", ["CreateSale", "ListSalesHistory"], "Sales"),
        ("HealthBoardService", ["GetHealthBoard"], "Health board"),
    ],
)
def test_a_group_is_called_as_its_methods_call_it(service: str, methods: list[str], name: str) -> None:
    assert tag(service, methods) == name
