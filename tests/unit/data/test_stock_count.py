"""Count sheets: good rows, and every fault of the others."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from shelfcast_data.domain.movement_facts import StockAccount
from shelfcast_data.domain.rejection import REMEDIES
from shelfcast_data.domain.stock_count import CountRow, read_sheet


def row(**fields: Any) -> CountRow:  # noqa: ANN401 - fields of a row
    values: dict[str, Any] = {
        "shop_id": "s1",
        "product_id": "p1",
        "lot_id": "",
        "expiry_date": "",
        "quantity": 1.5,
    } | fields
    return CountRow(**values)


def test_a_good_row_is_an_account_and_a_quantity() -> None:
    counts, refused = read_sheet([row(lot_id="L1", expiry_date="2026-03-01"), row(expiry_date="2026-03-01")])

    assert refused == []
    assert [(each.row, each.account, each.expiry_date, each.quantity) for each in counts] == [
        (1, StockAccount("s1", "p1", "L1"), date(2026, 3, 1), 1_500_000),
        (2, StockAccount("s1", "p1", "2026-03-01"), date(2026, 3, 1), 1_500_000),
    ]


@pytest.mark.parametrize(
    ("fields", "faults"),
    [
        ({"shop_id": ""}, [("/inventory/1/shop_id", "shop_id.missing")]),
        ({"product_id": " p"}, [("/inventory/1/product_id", "product_id.form")]),
        ({"lot_id": "l\n"}, [("/inventory/1/lot_id", "lot_id.form")]),
        ({"expiry_date": "2026-02-30"}, [("/inventory/1/expiry_date", "date.calendar")]),
        ({"quantity": None}, [("/inventory/1/quantity", "quantity.missing")]),
        ({"quantity": float("nan")}, [("/inventory/1/quantity", "quantity.finite")]),
        ({"quantity": -0.5}, [("/inventory/1/quantity", "quantity.below_zero")]),
        ({"quantity": 1e9}, [("/inventory/1/quantity", "quantity.too_large")]),
        ({"quantity": 1e300}, [("/inventory/1/quantity", "quantity.too_large")]),
        ({"product_id": "first"}, [("/inventory/1", "count.duplicate")]),
        (
            {"product_id": "", "quantity": -1.0},
            [
                ("/inventory/1/product_id", "product_id.missing"),
                ("/inventory/1/quantity", "quantity.below_zero"),
            ],
        ),
    ],
)
def test_every_fault_of_a_row_is_named(fields: dict[str, Any], faults: list[tuple[str, str]]) -> None:
    counts, refused = read_sheet([row(product_id="first"), row(**fields), row(product_id="last")])

    assert [each.account.product_id for each in counts] == ["first", "last"]
    assert [(each.column, each.rule) for each in refused] == faults
    assert {each.row for each in refused} == {2}
    assert all(each.rule in REMEDIES for each in refused)
