"""Each step of a pipeline, on rows of its own."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shelfcast_data.domain.calendar_step import AggregateBusinessDay, FillClosedDays
from shelfcast_data.domain.cast_step import CastDate, CastNumber
from shelfcast_data.domain.conversion_step import (
    MEASURES,
    ConvertCurrency,
    ConvertUnit,
    ExchangeRate,
    UnitPair,
)
from shelfcast_data.domain.pipeline import (
    STEPS,
    PipelineFields,
    step_word,
    steps_digest,
    steps_of,
    steps_text,
)
from shelfcast_data.domain.pipeline_facts import Facts, Need, ShopFacts, facts_of
from shelfcast_data.domain.pipeline_plan import PipelineReference, Plan, needs_of
from shelfcast_data.domain.pipeline_step import DropColumns, FilterRows, KeepColumns, RenameColumn, StepUnfit
from shelfcast_data.domain.rejection import REMEDIES
from shelfcast_data.domain.text_sheet import Sheet, TextColumn
from shelfcast_data.errors import PipelineUnfit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shelfcast_data.domain.pipeline_step import Step

NONE = Facts()
EURO = {"to_currency_code": "EUR", "date_column": "day"}


def column(name: str, texts: Sequence[str]) -> TextColumn:
    words = list(dict.fromkeys(texts))
    return TextColumn(name, words, np.array([words.index(text) for text in texts], dtype=np.int64))


def sheet_of(**columns: Sequence[str]) -> Sheet:
    count = len(next(iter(columns.values())))
    return Sheet({name: column(name, texts) for name, texts in columns.items()}, np.zeros(count, dtype=bool))


def texts(sheet: Sheet, name: str) -> list[str | None]:
    """Give the texts of a column; None where the row is out."""
    found = sheet.column(name)
    return [None if sheet.is_out[place] else found.text(place) for place in range(len(sheet.is_out))]


def faults(sheet: Sheet) -> list[tuple[int, str, str, str]]:
    return [(each.place, each.column, each.value, each.rule) for each in sheet.faults]


def pointers(step: Step) -> set[str]:
    return {each.pointer for each in step.faults("")}


def done(step: Step, sheet: Sheet, facts: Facts = NONE) -> Sheet:
    assert not step.faults("")
    assert list(step.columns_after(list(sheet.columns))) == list(
        dict.fromkeys([*step.columns_after(list(sheet.columns))])
    )
    after = list(step.columns_after(list(sheet.columns)))
    step.apply(sheet, facts)
    assert list(sheet.columns) == after
    return sheet


def test_columns_are_renamed_kept_and_dropped() -> None:
    sheet = sheet_of(a=["1"], b=["2"], c=["3"], d=["4"])

    for step in (RenameColumn("a", "x"), DropColumns(("b",)), KeepColumns(("d", "x"))):
        done(step, sheet)

    assert list(sheet.columns) == ["d", "x"]
    assert (sheet.column("x").name, texts(sheet, "x")) == ("a", ["1"])


@pytest.mark.parametrize(
    "step",
    [
        RenameColumn("z", "x"),
        RenameColumn("a", "b"),
        KeepColumns(("a", "z")),
        DropColumns(("z",)),
        FilterRows("z", ("1",)),
        CastNumber("z"),
        CastDate("z", ("%d.%m.%Y",)),
        ConvertUnit("a", factor_column="z"),
        ConvertUnit("a", factor=Decimal(2), unit_column="z", unit_values=("kg",)),
        ConvertCurrency(("a",), "EUR", currency_column="z", date_column="b"),
        AggregateBusinessDay("a", shop_column="z"),
        FillClosedDays("a", "b", "z"),
        FillClosedDays("a", "b", available_column="a"),
    ],
)
def test_a_step_does_not_fit_where_its_columns_are_not(step: Step) -> None:
    with pytest.raises(StepUnfit):
        step.columns_after(["a", "b"])


def test_a_filter_leaves_rows_out_and_counts_them() -> None:
    sheet = sheet_of(kind=["sale", " void ", "sale", "test", "void"])

    done(FilterRows("kind", drop_values=("void",)), sheet)
    done(FilterRows("kind", keep_values=("sale",)), sheet)

    assert texts(sheet, "kind") == ["sale", None, "sale", None, None]
    assert sheet.filtered_count == 3


NUMBERS = [
    (CastNumber("n", ","), "1234,50", "1234.50"),
    (CastNumber("n", ",", "."), "-1.234.567,5", "-1234567.5"),
    (CastNumber("n", ",", "."), "1.23", None),
    (CastNumber("n", ",", "."), "1234,5", "1234.5"),
    (CastNumber("n", ".", ","), "1,234.5", "1234.5"),
    (CastNumber("n", ",", " "), "1\u202f234,5", "1234.5"),
    (CastNumber("n", ".", "'"), "1'234.5", "1234.5"),
    (CastNumber("n", ",", affix="EUR"), "3,20 eur", "3.20"),
    (CastNumber("n", affix="$"), "$ 3.20", "3.20"),
    (CastNumber("n", ","), ",5", "0.5"),
    (CastNumber("n", ","), "+7", "+7"),
    (CastNumber("n", ","), "  ", ""),
    (CastNumber("n", ","), "1.5", None),
    (CastNumber("n", ","), "-", None),
    (CastNumber("n", ","), "1e3", None),
    (CastNumber("n", affix="pcs"), "pcs", None),
]


@pytest.mark.parametrize(("step", "text", "wanted"), NUMBERS)
def test_numbers_written_for_people_are_read(step: CastNumber, text: str, wanted: str | None) -> None:
    sheet = done(step, sheet_of(n=[text]))

    assert texts(sheet, "n") == [wanted]
    assert faults(sheet) == ([] if wanted is not None else [(0, "n", text, "pipeline.number")])


@given(number=st.decimals(min_value=-(10**11), max_value=10**11, places=4))
def test_any_number_written_with_groups_is_read_exactly(number: Decimal) -> None:
    written = f"{number:,.4f}".translate(str.maketrans(",.", ".,"))

    cell = CastNumber("n", ",", ".").reader()(written)

    assert Decimal(cell.text) == number


@pytest.mark.parametrize(
    ("forms", "text", "wanted"),
    [
        (("%d.%m.%Y",), "24.12.2026", "2026-12-24"),
        (("%d.%m.%Y %H:%M",), "24.12.2026 18:05", "2026-12-24T18:05:00"),
        (("%d.%m.%Y", "%Y%m%d"), "20261224", "2026-12-24"),
        (("%m/%d/%y",), "12/24/26", "2026-12-24"),
        (("%Y-%m-%dT%H:%M%z",), "2026-12-24T18:05+0100", "2026-12-24T18:05:00+01:00"),
        (("%d.%m.%Y",), "", ""),
        (("%d.%m.%Y",), "31.02.2026", None),
        (("%d.%m.%Y",), "2026-12-24", None),
    ],
)
def test_dates_of_stated_forms_are_read(forms: tuple[str, ...], text: str, wanted: str | None) -> None:
    sheet = done(CastDate("d", forms), sheet_of(d=[text]))

    assert texts(sheet, "d") == [wanted]
    assert faults(sheet) == ([] if wanted is not None else [(0, "d", text, "pipeline.date")])


@given(day=st.dates(date(1900, 1, 1), date(2199, 12, 31)))
def test_any_date_is_read_back(day: date) -> None:
    assert CastDate("d", ("%d/%m/%Y",)).read(day.strftime("%d/%m/%Y")).text == day.isoformat()


@pytest.mark.parametrize("form", ["%H:%M", "%d.%m.", "%Y", "no form", "%Q"])
def test_a_form_must_tell_a_day(form: str) -> None:
    assert pointers(CastDate("d", (form,))) == {"/forms/0"}


@pytest.mark.parametrize(
    ("step", "rows", "wanted"),
    [
        (ConvertUnit("n", factor=Decimal("0.001")), ["1500"], ["1.5"]),
        (ConvertUnit("n", units=UnitPair("lb", "kg")), ["2"], ["0.90718474"]),
        (ConvertUnit("n", units=UnitPair("dozen", "each"), is_divided=True), ["6"], ["0.5"]),
        (ConvertUnit("n", factor=Decimal(3), is_divided=True), ["1"], ["0.333333333333"]),
        (ConvertUnit("n", factor=Decimal(3)), ["", "x", " 2 ", "-1"], ["", "x", "6", "-3"]),
    ],
)
def test_numbers_are_converted_and_others_left_for_the_rules(
    step: ConvertUnit, rows: list[str], wanted: list[str]
) -> None:
    assert texts(done(step, sheet_of(n=rows)), "n") == wanted


def test_the_factor_may_stand_in_the_row_or_in_the_catalogue() -> None:
    sheet = sheet_of(n=["2", "2", "2", "2"], pack=["12", "0", "", "6"], unit=["CS", "CS", "EA", "CS"])
    by_column = ConvertUnit("n", factor_column="pack", unit_column="unit", unit_values=("CS",))

    done(by_column, sheet)

    assert texts(sheet, "n") == ["24", None, "2", "12"]
    assert faults(sheet) == [(1, "n", "2", "pipeline.factor")]

    facts = Facts(case_packs={"cola": Decimal(24)})
    other = sheet_of(n=["1", "1", ""], item=["cola", "bread", "bread"])
    done(ConvertUnit("n", case_pack_product_column="item"), other, facts)

    assert texts(other, "n") == ["24", None, ""]


def test_a_factor_next_to_nothing_refuses_the_row() -> None:
    sheet = done(ConvertUnit("n", factor_column="f", is_divided=True), sheet_of(n=["1"], f=["1e-999"]))

    assert faults(sheet) == [(0, "n", "1", "pipeline.factor")]


@given(
    number=st.decimals(
        0, 10**6 - 1, places=3
    ),  # a million kilograms are more milligrams than a cell may hold
    pair=st.sampled_from(MEASURES).flatmap(
        lambda measure: st.tuples(st.sampled_from(sorted(measure)), st.sampled_from(sorted(measure)))
    ),
)
def test_a_conversion_there_and_back_gives_the_number(number: Decimal, pair: tuple[str, str]) -> None:
    sheet = sheet_of(n=[str(number)])

    done(ConvertUnit("n", units=UnitPair(*pair)), sheet)
    done(ConvertUnit("n", units=UnitPair(*reversed(pair))), sheet)

    size = MEASURES[[pair[0] in measure for measure in MEASURES].index(True)]
    assert Decimal(sheet.column("n").text(0)) == pytest.approx(
        number, abs=Decimal("1e-11") * max(Decimal(1), size[pair[1]] / size[pair[0]])
    )


def test_money_is_converted_by_the_rate_that_holds() -> None:
    rates = (
        ExchangeRate("USD", "2026-02-01", Decimal("0.8")),
        ExchangeRate("USD", "2026-01-01", Decimal("0.9")),
    )
    step = ConvertCurrency(("price", "cost"), currency_column="money", rates=rates, **EURO)
    sheet = sheet_of(
        day=["2026-01-31", "2026-02-01", "2025-12-31", "x", "2026-02-01", "2026-02-01"],
        money=["USD", "USD", "USD", "USD", "GBP", "EUR"],
        price=["10", "10", "10", "10", "10", "10"],
        cost=["1", "", "1", "1", "1", "1"],
    )

    done(step, sheet)

    assert texts(sheet, "price") == ["9", "8", None, None, None, "10"]
    assert texts(sheet, "cost") == ["0.9", "", None, None, None, "1"]
    assert [each.rule for each in sheet.faults] == [
        "pipeline.rate",
        "pipeline.rate_date",
        "pipeline.currency",
    ]


@given(
    days=st.lists(st.dates(date(2020, 1, 1), date(2026, 12, 31)), min_size=1, unique=True),
    asked=st.dates(date(2020, 1, 1), date(2026, 12, 31)),
)
def test_the_newest_rate_up_to_the_day_holds(days: list[date], asked: date) -> None:
    rates = tuple(ExchangeRate("USD", day.isoformat(), Decimal(place + 1)) for place, day in enumerate(days))
    valid = [(day, place + 1) for place, day in enumerate(days) if day <= asked]

    step = ConvertCurrency(("n",), from_currency_code="USD", rates=rates, **EURO)
    sheet = done(step, sheet_of(n=["1"], day=[asked.isoformat()]))

    assert texts(sheet, "n") == [str(max(valid)[1]) if valid else None]


BERLIN = Facts(shops={"mitte": ShopFacts(time_zone="Europe/Berlin")}, shop_id="mitte")


@pytest.mark.parametrize(
    ("step", "text", "wanted"),
    [
        (AggregateBusinessDay("at"), "2026-03-01T23:30:00Z", "2026-03-02"),
        (AggregateBusinessDay("at"), "2026-03-01T23:30:00", "2026-03-01"),
        (AggregateBusinessDay("at"), "2026-03-01 23:30", "2026-03-01"),
        (AggregateBusinessDay("at", source_time_zone="UTC"), "2026-03-01T23:30:00", "2026-03-02"),
        (AggregateBusinessDay("at", day_ends_at_hour=4), "2026-03-02T02:59:59+00:00", "2026-03-01"),
        (AggregateBusinessDay("at", day_ends_at_hour=4), "2026-03-02T03:00:00+00:00", "2026-03-02"),
        (AggregateBusinessDay("at", day_ends_at_hour=4), "2026-03-29T01:59:00Z", "2026-03-28"),
        (AggregateBusinessDay("at"), "", ""),
        (AggregateBusinessDay("at"), "2026-03-01", None),
        (AggregateBusinessDay("at"), "yesterday at noon", None),
        (AggregateBusinessDay("at", day_ends_at_hour=4), "0001-01-01T00:00:00Z", None),
    ],
)
def test_a_time_becomes_the_business_day_of_its_shop(
    step: AggregateBusinessDay, text: str, wanted: str | None
) -> None:
    sheet = done(step, sheet_of(at=[text]), BERLIN)

    assert texts(sheet, "date") == [wanted]
    assert faults(sheet) == ([] if wanted is not None else [(0, "at", text, "pipeline.timestamp")])


def test_each_row_has_the_day_of_its_own_shop() -> None:
    facts = Facts(shops={"tokyo": ShopFacts("Asia/Tokyo"), "bare": ShopFacts()})
    sheet = sheet_of(at=["2026-03-01T20:00Z"] * 3, shop=["tokyo", "bare", "new"])

    done(AggregateBusinessDay("at", "day", "shop", time_zone="America/New_York"), sheet, facts)

    assert texts(sheet, "day") == ["2026-03-02", "2026-03-01", "2026-03-01"]
    assert sheet.column("day").name == "at"


@given(
    moment=st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31)),  # noqa: DTZ001 - clocks of a shop
    hour=st.integers(0, 23),
)
def test_a_business_day_lasts_from_its_hour_to_the_same_hour(moment: datetime, hour: int) -> None:
    zone = ZoneInfo("Europe/Berlin")
    told = moment.replace(tzinfo=zone).astimezone(ZoneInfo("UTC"))
    clock = told.astimezone(zone)

    cell = AggregateBusinessDay("at", day_ends_at_hour=hour).read(told.isoformat(), "mitte", BERLIN)

    day = clock.date() if clock.hour >= hour else clock.date() - timedelta(days=1)
    assert cell.text == day.isoformat()


def test_zeros_of_closed_days_are_marked_and_sales_are_not() -> None:
    closure = (date(2026, 3, 4), date(2026, 3, 5))
    facts = Facts(shops={"mitte": ShopFacts(opening_weekdays=(1, 2, 3, 4, 5, 6), closures=(closure,))})
    sheet = sheet_of(
        date=["2026-03-01", "2026-03-01", "2026-03-02", "2026-03-04", "2026-03-01", "x", "2026-03-01"],
        shop=["mitte", "mitte", "mitte", "mitte", "other", "mitte", "mitte"],
        quantity=["0", "3", "0", "", "0", "0", "x"],
    )

    done(FillClosedDays(shop_column="shop"), sheet, facts)

    assert texts(sheet, "was_available") == ["0", "", "", "0", "", "", ""]
    assert (sheet.closed_count, faults(sheet)) == (2, [])


@pytest.mark.parametrize(
    ("step", "wanted"),
    [
        (RenameColumn(), {"/column", "/to"}),
        (RenameColumn("a" * 301, "b"), {"/column"}),
        (KeepColumns(), {"/columns"}),
        (DropColumns(("a", "a")), {"/columns/1"}),
        (DropColumns(tuple(map(str, range(1001)))), {"/columns"}),
        (FilterRows("a"), {"/keep_values"}),
        (FilterRows("a", ("x",), ("y",)), {"/keep_values"}),
        (CastNumber("a", ";", "-"), {"/decimal_sign", "/group_sign"}),
        (CastNumber("a", ",", ","), {"/group_sign"}),
        (CastNumber("a", affix="x" * 33), {"/affix"}),
        (CastDate("a"), {"/forms"}),
        (ConvertUnit("a"), {"/factor"}),
        (ConvertUnit("a", Decimal(-1)), {"/factor"}),
        (ConvertUnit("a", Decimal(1), factor_column="b"), {"/factor"}),
        (ConvertUnit("a", units=UnitPair("kg", "l")), {"/units"}),
        (ConvertUnit("a", Decimal(1), unit_column="b"), {"/unit_column"}),
        (
            ConvertCurrency(),
            {"/columns", "/to_currency_code", "/date_column", "/from_currency_code", "/rates"},
        ),
        (
            ConvertCurrency(
                ("a",),
                from_currency_code="usd",
                rates=(
                    ExchangeRate("USD", "2026-1-1", Decimal(0)),
                    ExchangeRate("USD", "2026-1-1", Decimal(1)),
                ),
                **EURO,
            ),
            {"/from_currency_code", "/rates/0/valid_from", "/rates/0/rate", "/rates/1/valid_from"},
        ),
        (
            ConvertCurrency(
                ("a",),
                from_currency_code="USD",
                rates=tuple(ExchangeRate("USD", "2026-01-01", Decimal(1)) for _ in range(20_001)),
                **EURO,
            ),
            {"/rates", *(f"/rates/{place}/valid_from" for place in range(1, 20_000))},
        ),
        (AggregateBusinessDay(), {"/timestamp_column"}),
        (
            AggregateBusinessDay("a", time_zone="Mars", source_time_zone="Venus", day_ends_at_hour=24),
            {"/time_zone", "/source_time_zone", "/day_ends_at_hour"},
        ),
        (FillClosedDays("a" * 301), {"/date_column"}),
    ],
)
def test_all_faults_of_a_step_are_named(step: Step, wanted: set[str]) -> None:
    assert pointers(step) == wanted


ALL: list[Step] = [
    RenameColumn("a", "b"),
    CastNumber("a", ",", ".", "EUR"),
    CastDate("a", ("%d.%m.%Y", "%Y")),
    ConvertUnit("a", units=UnitPair("kg", "g"), is_divided=True, unit_column="b", unit_values=("x", "y")),
    ConvertUnit("a", factor=Decimal("12.50")),
    ConvertCurrency(("a",), "EUR", "USD", rates=(ExchangeRate("USD", "2026-01-01", Decimal("0.92")),)),
    AggregateBusinessDay("a", day_ends_at_hour=4),
    FillClosedDays(shop_column="s"),
    FilterRows("a", drop_values=("x",)),
    KeepColumns(("a", "b")),
    DropColumns(("c",)),
]


def test_steps_are_kept_as_text_and_read_back() -> None:
    kept = steps_text(ALL)

    assert steps_of(kept) == tuple(ALL)
    assert steps_text(steps_of(kept)) == kept
    assert {step_word(step) for step in ALL} == set(STEPS)
    assert steps_digest(ALL) != steps_digest(ALL[1:])
    equal = [ConvertUnit("a", factor=Decimal("12.5"))]
    assert steps_digest(equal) == steps_digest([ConvertUnit("a", factor=Decimal("12.500"))])


def test_a_pipeline_has_a_bounded_number_of_steps() -> None:
    many = PipelineFields(tuple(RenameColumn("a", "b") for _ in range(51)))
    long = PipelineFields((KeepColumns(tuple(f"{n:0300d}" for n in range(1000))),) * 4)

    assert [each.rule for each in PipelineFields().faults("/pipeline")] == ["required"]
    assert [each.rule for each in many.faults("/pipeline")] == ["repeated.max_items"]
    assert [each.rule for each in long.faults("/pipeline")] == ["steps.max_bytes"]
    bad = PipelineFields((RenameColumn("a", "b"), RenameColumn("a")))
    assert [each.pointer for each in bad.faults("/pipeline")] == ["/pipeline/steps/1/rename/to"]


def test_a_plan_names_the_step_that_does_not_fit() -> None:
    plan = Plan(PipelineReference("till", 1, "", ""), (RenameColumn("a", "b"), RenameColumn("a", "c")), NONE)

    assert Plan(plan.pipeline, plan.steps[:1], NONE).header(["a", "x", "x", ""]) == ("b",)
    with pytest.raises(PipelineUnfit) as caught:
        plan.header(["a", "d"])

    assert dict(caught.value.metadata) == {
        "name": "till",
        "step": "2",
        "kind": "rename",
        "problem": "there is no column 'a'",
        "found": "b, d",
    }


def test_facts_are_kept_as_text_and_read_back() -> None:
    facts = Facts(
        {"a": ShopFacts("Europe/Berlin", (1, 2), ((date(2026, 1, 1), date(2026, 1, 2)),))},
        {"p": Decimal("6.000000")},
        "a",
    )

    again = facts_of(facts.to_text())

    assert (again, again.digest) == (facts, facts.digest)
    assert facts.digest != NONE.digest
    assert needs_of(ALL) == {Need.SHOPS}
    assert needs_of([ConvertUnit("a", case_pack_product_column="p")]) == {Need.CASE_PACKS}


def test_each_rule_of_a_step_says_what_to_do() -> None:
    names = ("number", "date", "timestamp", "factor", "currency", "rate", "rate_date")

    assert {rule for rule in REMEDIES if rule.startswith("pipeline.")} == {
        f"pipeline.{name}" for name in names
    }


@given(
    rows=st.lists(
        st.tuples(st.sampled_from(["1", "2", "x", ""]), st.sampled_from("ab"), st.sampled_from("pqr")),
        min_size=1,
    )
)
def test_a_row_comes_out_as_it_would_alone(rows: list[tuple[str, str, str]]) -> None:
    steps: list[Step] = [
        FilterRows("shop", drop_values=("b",)),
        CastNumber("n", ","),
        ConvertUnit("n", factor_column="n", unit_column="kind", unit_values=("p", "q")),
        FilterRows("kind", keep_values=("p", "r")),
    ]

    def passed(some: Sequence[tuple[str, str, str]]) -> tuple[list[str | None], list[str]]:
        number, shop, kind = zip(*some, strict=True)
        sheet = sheet_of(n=number, shop=shop, kind=kind)
        for step in steps:
            step.apply(sheet, NONE)
        return texts(sheet, "n"), [each.rule for each in sheet.faults]

    together, alone = passed(rows), [passed([row]) for row in rows]

    assert together[0] == [found[0][0] for found in alone]
    assert sorted(together[1]) == sorted(rule for found in alone for rule in found[1])
