"""Declared schemas: they say what the validators do, and a change of one shows in its version."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from shelfcast_data.domain.category import CategoryFields
from shelfcast_data.domain.declared_rule import DETAILS, declared, detail_of
from shelfcast_data.domain.declared_schema import Range, ValueType
from shelfcast_data.domain.entry import Fields
from shelfcast_data.domain.product import ProductFields
from shelfcast_data.domain.promotion import PromotionFields
from shelfcast_data.domain.rejection import REMEDIES
from shelfcast_data.domain.sales_field import FIELDS, READERS, REQUIRED, SALES
from shelfcast_data.domain.schemas import SCHEMAS, schema_of
from shelfcast_data.domain.shop import ShopFields
from shelfcast_data.domain.stock_count import STOCK_COUNTS, CountRow, read_sheet
from shelfcast_data.domain.supplier import SupplierFields, TermsFields
from shelfcast_data.errors import SchemaNotFound

VERSIONS = {
    "categories": (1, "abc07dff658d"),
    "closures": (1, "2b3d93563576"),
    "price_changes": (1, "13cb75b5050f"),
    "products": (1, "74bd653ac4d8"),
    "promotions": (1, "d73926c08792"),
    "sales": (1, "48993f571361"),
    "shops": (1, "1364b5f15b1a"),
    "stock_counts": (1, "82a168eea07c"),
    "supplier_terms": (1, "93c7ea2783ac"),
    "suppliers": (1, "6d84763563b5"),
}
"""Where a digest differs, a record may be judged differently: raise the version of that schema too."""

SALES_TEXTS = {
    "date": ["", "1/2/2026", "2026-02-30", "1850-01-01", "2026-01-01"],
    "shop_id": ["", " a", "batch", "a"],
    "product_id": ["", "a" * 129, "bulk", "a"],
    "quantity": ["", "x", "nan", "1e12", "1"],
    "unit_price": ["", "x", "inf", "-1", "1"],
    "is_promotion": ["", "maybe", "1"],
    "was_available": ["", "maybe", "yes"],
    "is_return": ["", "maybe", "F"],
    "stock_out_hours": ["", "x", "nan", "24.5", "24"],
}
ELSEWHERE = {"quantity.negative"}
"""Rules that concern two fields."""


def test_a_schema_that_changes_gets_a_new_version() -> None:
    assert {kind: (each.version, each.digest[:12]) for kind, each in SCHEMAS.items()} == VERSIONS


def test_each_rule_of_each_schema_says_what_would_be_right() -> None:
    rules = {
        rule for each in SCHEMAS.values() for field in each.fields for rule in (*field.rules, *each.rules)
    }

    assert {
        rule for rule in rules if rule not in {*REMEDIES, *DETAILS} and not rule.endswith(".range")
    } == set()
    assert all(detail_of(rule) for rule in rules)


def test_the_reader_of_a_file_goes_by_the_declared_fields() -> None:
    assert tuple(READERS) == FIELDS == tuple(SALES.names)
    assert REQUIRED == ("date", "shop_id", "product_id", "quantity")
    assert all(field.aliases[0] == field.name for field in SALES.fields)
    names = [alias for field in SALES.fields for alias in field.aliases]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("name", FIELDS)
def test_the_rules_that_a_cell_can_break_are_those_declared(name: str) -> None:
    found = {READERS[name](text).fault for text in SALES_TEXTS[name]}

    assert found - {""} == set(SALES.field(name).rules) - ELSEWHERE
    assert "" in found


@given(name=st.sampled_from(FIELDS), text=st.text() | st.decimals().map(str) | st.dates().map(str))
@example(name="quantity", text="999999999999.9999999")
def test_no_cell_breaks_an_undeclared_rule(name: str, text: str) -> None:
    field = SALES.field(name)

    fault = READERS[name](text).fault

    assert fault == "" or fault in field.rules
    assert fault != f"{name}.required" or field.is_required


@given(text=st.decimals(-100, 10**13, places=3).map(str))
@pytest.mark.parametrize("name", ["unit_price", "stock_out_hours"])
def test_a_number_is_taken_within_the_declared_limits(name: str, text: str) -> None:
    is_taken = READERS[name](text).fault == ""

    assert is_taken is SALES.field(name).range.holds(Decimal(text))


def test_a_quantity_that_the_store_would_round_up_to_the_limit_is_refused() -> None:
    assert READERS["quantity"]("999999999999.9999999").fault == "quantity.range"
    assert READERS["unit_price"]("999999999999.9999999").fault == "unit_price.range"
    assert READERS["quantity"]("999999999999.999999").fault == ""


def test_the_declared_words_of_a_flag_are_taken_and_no_others() -> None:
    field = SALES.field("is_promotion")

    assert all(READERS[field.name](word.upper()).fault == "" for word in field.words)
    assert READERS[field.name]("2").fault == "is_promotion.flag"


@pytest.mark.parametrize(
    ("limits", "number", "is_held"),
    [
        (Range(), "1e30", True),
        (Range(least=Decimal(0)), "0", True),
        (Range(least=Decimal(0), is_least_excluded=True), "0", False),
        (Range(most=Decimal(5)), "5", True),
        (Range(most=Decimal(5), is_most_excluded=True), "5", False),
        (Range(least=Decimal(1), most=Decimal(5)), "0.9", False),
    ],
)
def test_limits_hold_numbers(limits: Range, number: str, *, is_held: bool) -> None:
    assert limits.holds(Decimal(number)) is is_held


def test_rows_of_a_count_sheet_break_the_declared_rules() -> None:
    bad = [
        CountRow("", "", "", "x", None),
        CountRow(" a", "a ", " l", "2026-02-30", float("nan")),
        CountRow("a", "b", "", "1800-01-01", -1.0),
        CountRow("a", "b", "", "", 1e9),
        CountRow("a", "b", "", "", 1.0),
        CountRow("a", "b", "", "", 2.0),
    ]

    _, refused = read_sheet(bad)

    in_store = {"shop_id.unknown", "product_id.unknown"}
    told = {rule for field in STOCK_COUNTS.fields for rule in field.rules} | set(STOCK_COUNTS.rules)
    assert {each.rule for each in refused} == told - in_store


@pytest.mark.parametrize(
    "kind", [ProductFields, ShopFields, SupplierFields, TermsFields, CategoryFields, PromotionFields]
)
def test_all_fields_of_an_entry_are_declared(kind: type[Fields]) -> None:
    derived = {"path"}

    assert set(declared(kind)) == set(kind.__dataclass_fields__) - derived


def test_the_schema_of_an_entry_is_made_of_its_declarations() -> None:
    products, terms = schema_of("products"), schema_of("supplier_terms")

    pack = products.field("case_pack")
    assert (pack.type, pack.unit, pack.range.is_least_excluded) == (ValueType.DECIMAL, "units", True)
    assert pack.rules == ("case_pack.range",)
    assert products.field("status").words == ("active", "phasing_out", "discontinued")
    assert [(each.name, each.is_required) for each in terms.fields[:2]] == [
        ("supplier_id", True),
        ("product_id", True),
    ]
    assert not products.fields[0].is_required


def test_an_unknown_kind_has_no_schema() -> None:
    with pytest.raises(SchemaNotFound) as caught:
        schema_of("returns")

    assert "sales" in str(caught.value.metadata["kinds"])
