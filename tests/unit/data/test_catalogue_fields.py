"""Rules of the catalogue's fields that need no store."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shelfcast_data.adapters.calendar.country_holidays import CountryHolidays
from shelfcast_data.domain.catalogue_entry import raise_if_any, required_fault
from shelfcast_data.domain.category import CATEGORY, CategoryFields, path_below
from shelfcast_data.domain.field_rule import repeat_faults, span_faults
from shelfcast_data.domain.listing import Order, order_of
from shelfcast_data.domain.product import ProductFields
from shelfcast_data.domain.supplier import CostBreak, SupplierFields, TermsFields
from shelfcast_data.domain.weekday import Weekday
from shelfcast_servicekit.errors import FieldMissing, FieldRuleViolated, Violation

DAYS = st.dates(date(2020, 1, 1), date(2030, 1, 1))
AMOUNTS = st.decimals(0, 1000, places=6, allow_nan=False)


@given(start=DAYS, length=st.integers(-3, 3))
def test_days_end_no_earlier_than_they_start(start: date, length: int) -> None:
    faults = span_faults("/closure", start, start + timedelta(days=length))

    assert bool(faults) is (length < 0)


@given(values=st.lists(st.sampled_from(list(Weekday)), max_size=10))
def test_every_repeat_is_a_fault_of_its_own(values: list[Weekday]) -> None:
    faults = repeat_faults("/days", values)

    assert len(faults) == len(values) - len(set(values))


@given(quantities=st.lists(AMOUNTS, max_size=6))
def test_breaks_are_taken_when_their_quantities_rise(quantities: list[Decimal]) -> None:
    fields = TermsFields(
        currency_code="EUR", cost_breaks=tuple(CostBreak(each, Decimal(1)) for each in quantities)
    )

    assert bool(fields.faults("/terms")) is (quantities != sorted(set(quantities)))


@pytest.mark.parametrize("bad", ["NaN", "Infinity", "-1", "1000000000000"])
def test_money_that_the_store_cannot_hold_is_a_fault(bad: str) -> None:
    fields = TermsFields(currency_code="EUR", cost_breaks=(CostBreak(Decimal(0), Decimal(bad)),))

    assert [each.pointer for each in fields.faults("/terms")] == ["/terms/cost_breaks/0/unit_cost"]
    assert [each.pointer for each in ProductFields(price=Decimal(bad)).faults("")] == ["/price"]


def test_all_faults_of_a_product_are_given_at_once() -> None:
    fields = ProductFields(name="n" * 301, case_pack=Decimal(0), shelf_life_days=-1, supplier_id=" x")

    pointers = [each.pointer for each in fields.faults("/product")]

    assert pointers == [
        f"/product/{name}" for name in ("name", "case_pack", "shelf_life_days", "supplier_id")
    ]


@pytest.mark.parametrize("address", ["", "meyer", "a@", "@b", "a b@c", "a@b@c", "a@b\n", f"{'a' * 65}@b"])
def test_what_is_no_address_is_a_fault(address: str) -> None:
    assert SupplierFields(contact_email=address).faults("")


def test_a_path_is_not_for_clients_to_set() -> None:
    assert set(CATEGORY.changeable) == {"name", "parent_category_id"}
    assert path_below(None, "dairy") == "dairy"
    assert CategoryFields("a/b").faults("")[0].rule == "name.form"


def test_a_missing_field_is_told_from_a_broken_rule() -> None:
    rule = Violation("/a", "A rule.", "a.form")

    with pytest.raises(FieldRuleViolated):
        raise_if_any([rule])
    with pytest.raises(FieldMissing) as caught:
        raise_if_any([rule, required_fault("/promotion/name")])

    assert caught.value.metadata == {"field": "name"}
    assert len(caught.value.violations) == 2


@pytest.mark.parametrize("text", ["--name", "name,", "-", "Name", "name desc", "name,-name", "name,size"])
def test_an_order_that_is_not_offered_is_refused(text: str) -> None:
    with pytest.raises(FieldRuleViolated):
        order_of(text, ["name"])


def test_several_names_are_an_order_each_with_its_direction() -> None:
    order = order_of("-name,created_at", ["product_id", "name", "created_at"])

    assert order.columns("product_id") == (("name", True), ("created_at", False), ("product_id", False))


def test_what_stands_behind_the_id_decides_nothing() -> None:
    order = order_of("product_id,-name", ["product_id", "name"])

    assert order.columns("product_id") == (("product_id", False),)


def test_no_order_is_the_usual_one() -> None:
    assert order_of("", ["start_date", "closure_id"]) == Order("start_date")


def test_two_holidays_on_one_day_are_two() -> None:
    found = CountryHolidays().of_year("DE", "BE", 2025)

    assert list(found) == sorted(found)
    assert len({(each.day, each.name) for each in found}) == len(found)
