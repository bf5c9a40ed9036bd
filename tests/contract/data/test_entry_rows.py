"""Pages of catalogue entries: whole and in order whatever the values, and by an index."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shelfcast_data.adapters.sql.catalogue_schema import METADATA
from shelfcast_data.adapters.sql.entries import EntryRows
from shelfcast_data.domain.category import CATEGORY
from shelfcast_data.domain.closure import CLOSURE
from shelfcast_data.domain.entry import Entry, Kind
from shelfcast_data.domain.listing import Filters, Listing, Order, position
from shelfcast_data.domain.price_change import PRICE_CHANGE
from shelfcast_data.domain.product import PRODUCT, ProductFields
from shelfcast_data.domain.promotion import PROMOTION
from shelfcast_data.domain.shop import SHOP
from shelfcast_data.domain.supplier import SUPPLIER, TERMS
from sqlalchemy import Connection, create_engine, event

KINDS: Sequence[Kind[Any]] = (
    PRODUCT,
    SHOP,
    CATEGORY,
    SUPPLIER,
    TERMS,
    PRICE_CHANGE,
    PROMOTION,
    CLOSURE,
)
WORDS = st.text(alphabet="aAbÄ/ ", min_size=1, max_size=4).map(lambda text: f"x{text}x")


@pytest.fixture
def connection() -> Iterator[Connection]:
    with new_connection() as made:
        yield made


def new_connection() -> Connection:
    engine = create_engine("sqlite://")
    METADATA.create_all(engine)
    return engine.connect()


@given(
    names=st.dictionaries(WORDS, WORDS, max_size=12),
    size=st.integers(1, 5),
    order=st.recursive(
        st.builds(Order, st.sampled_from(PRODUCT.orders), st.booleans()),
        lambda then: st.builds(Order, st.sampled_from(PRODUCT.orders), st.booleans(), then),
        max_leaves=3,
    ),
)
def test_pages_give_every_entry_once_and_in_order(names: dict[str, str], size: int, order: Order) -> None:
    with new_connection() as connection:
        rows = EntryRows(connection, "acme", PRODUCT)
        made = [rows.add((product_id,), ProductFields(name=name)) for product_id, name in names.items()]
        EntryRows(connection, "rival", PRODUCT).add(("other",), ProductFields())

        found: list[Entry[ProductFields]] = []
        after: tuple[str, ...] = ()
        while page := rows.page(Listing(size, order, after=after)):
            found += page
            after = position(page[-1], PRODUCT, order)

    expected = list(made)
    for place, (_, is_descending) in reversed([*enumerate(order.columns("product_id"))]):
        expected.sort(key=lambda entry: position(entry, PRODUCT, order)[place], reverse=is_descending)
    assert found == expected


def plan(connection: Connection, kind: Kind[Any], listing: Listing) -> str:
    """Give how the store would find a page."""
    seen: list[tuple[str, Any]] = []

    def note(_: object, __: object, statement: str, parameters: object, *___: object) -> None:
        seen.append((statement, parameters))

    event.listen(connection, "before_cursor_execute", note)
    EntryRows(connection, "acme", kind).page(listing)
    event.remove(connection, "before_cursor_execute", note)
    steps = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {seen[0][0]}", seen[0][1])
    return " | ".join(str(step[3]) for step in steps)


@pytest.mark.parametrize("is_first", [True, False], ids=["first", "next"])
@pytest.mark.parametrize(
    ("kind", "name"),
    [(kind, name) for kind in KINDS for name in kind.orders],
    ids=lambda each: each if isinstance(each, str) else each.name,
)
def test_each_order_follows_an_index(
    connection: Connection, kind: Kind[Any], name: str, is_first: bool
) -> None:
    order, values = Order(name), {"start_date": "2026-01-01"}
    texts = [
        "2026-01-01T00:00:00+00:00" if each.endswith("_at") else values.get(each, "x")
        for each, _ in order.columns(kind.id_name)
    ]
    filters = Filters(equal=dict.fromkeys(kind.id_names[:-1], "x"))

    steps = plan(connection, kind, Listing(51, order, filters, () if is_first else tuple(texts)))

    assert "USING INDEX" in steps
    assert "tenant=?" in steps
    assert "TEMP B-TREE" not in steps


@pytest.mark.parametrize(
    ("kind", "filters"),
    [
        (PRODUCT, Filters(equal={"status": "active"})),
        (PRODUCT, Filters(equal={"supplier_id": "x"})),
        (PRODUCT, Filters(equal={"successor_product_id": "x"})),
        (TERMS, Filters(equal={"product_id": "x"})),
        (CATEGORY, Filters(equal={"path": "x"})),
        (CATEGORY, Filters(equal={"parent_category_id": None})),
        (PRICE_CHANGE, Filters(equal={"product_id": "x", "shop_id": None}, start=date(2026, 1, 1))),
        (PRICE_CHANGE, Filters(equal={"shop_id": "x"})),
        (CLOSURE, Filters(equal={"shop_id": "x"}, end=date(2026, 1, 1))),
    ],
    ids=lambda each: each.name if isinstance(each, Kind) else "-".join(each.equal),
)
def test_each_filter_is_found_by_an_index(connection: Connection, kind: Kind[Any], filters: Filters) -> None:
    steps = plan(connection, kind, Listing(51, Order(kind.orders[0]), filters))

    assert "USING INDEX ix_" in steps
    assert " AND ".join(["tenant=?", *(f"{name}=?" for name in filters.equal)]) in steps
