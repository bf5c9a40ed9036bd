"""Schedules, marks and settings of import sources."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from shelfcast_data.domain.high_water_mark import Mark, less_overlap, mark_of, mark_text
from shelfcast_data.domain.import_source import ImportSourceFields, Reading, SourceState
from shelfcast_data.domain.run_schedule import RunSchedule
from shelfcast_data.settings import DataSettings

MARKS = st.one_of(
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.datetimes(),
    st.datetimes(timezones=st.just(timezone(timedelta(hours=2)))),
    st.dates(),
    st.text(),
)


@given(MARKS)
def test_a_mark_is_read_as_it_was_written(mark: Mark) -> None:
    again = mark_of(mark_text(mark))

    assert (again, type(again)) == (mark, type(mark))


@pytest.mark.parametrize(
    ("mark", "overlap", "start"),
    [
        (10, 2.5, 7),
        (10.0, 2.5, 7.5),
        (Decimal("10.50"), 2, Decimal("8.50")),
        (datetime(2026, 1, 2, 0, 0, 5, tzinfo=UTC), 10, datetime(2026, 1, 1, 23, 59, 55, tzinfo=UTC)),
        (date(2026, 1, 3), 3600, date(2026, 1, 2)),
        ("2026-01-03", 10, "2026-01-03"),
        (10, 0, 10),
    ],
)
def test_a_run_begins_so_far_before_the_mark(mark: Mark, overlap: float, start: Mark) -> None:
    assert less_overlap(mark, overlap) == start


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("schedule", "now", "expected"),
    [
        (RunSchedule(every_minutes=15), "2026-01-01 10:07", "2026-01-01 10:15"),
        (RunSchedule(every_minutes=15), "2026-01-01 10:15", "2026-01-01 10:30"),
        (RunSchedule(daily_at="03:00"), "2026-01-01 03:00", "2026-01-02 03:00"),
        (RunSchedule(daily_at="03:00", time_zone="Europe/Berlin"), "2026-01-01 01:59", "2026-01-01 02:00"),
        (RunSchedule(daily_at="03:00", time_zone="Europe/Berlin"), "2026-07-01 01:30", "2026-07-02 01:00"),
        (RunSchedule(daily_at="23:30", time_zone="Asia/Tokyo"), "2026-01-01 14:31", "2026-01-02 14:30"),
        (RunSchedule(daily_at="02:30", time_zone="Europe/Berlin"), "2026-03-28 22:00", "2026-03-29 01:30"),
        (RunSchedule(daily_at="02:30", time_zone="Europe/Berlin"), "2026-10-25 00:00", "2026-10-25 00:30"),
        (RunSchedule(daily_at="02:30", time_zone="Europe/Berlin"), "2026-10-25 00:30", "2026-10-26 01:30"),
    ],
)
def test_the_next_run_follows_the_clock_of_its_place(schedule: RunSchedule, now: str, expected: str) -> None:
    assert schedule.next_after(utc(now)) == utc(expected)


def test_without_a_schedule_there_is_no_next_run() -> None:
    assert RunSchedule().next_after(utc("2026-01-01 00:00")) is None


@given(st.integers(1, 10080), st.integers(0, 2**31))
def test_a_run_comes_within_one_interval(minutes: int, seconds: int) -> None:
    now = datetime.fromtimestamp(seconds, UTC)

    found = RunSchedule(every_minutes=minutes).next_after(now)

    assert found is not None
    assert now < found <= now + timedelta(minutes=minutes)


def test_a_mark_of_another_column_does_not_count() -> None:
    old = ImportSourceFields("erp", "sold", mark_column="id")
    state = SourceState("x", reading=Reading("int:7", old.read_from, "", 1))

    assert state.start(old) == 7
    assert state.start(ImportSourceFields("erp", "sold", mark_column="changed")) is None


def test_settings_name_a_wrong_list_and_never_show_a_source(tmp_path: Path) -> None:
    with pytest.raises(ValidationError) as wrong:
        DataSettings(data_dir=tmp_path, data_import_hosts="a b")
    with pytest.raises(ValidationError) as source:
        DataSettings(data_dir=tmp_path, data_sources="{s3cret")  # type: ignore[arg-type]  # as the environment has it
    with pytest.raises(ValidationError) as key:
        DataSettings(data_dir=tmp_path, data_sources={"erp": "mysql://me:s3cret@host/db"})  # type: ignore[dict-item]  # it is read

    faults = [
        each.value.errors(include_input=False, include_context=False)[0] for each in (wrong, source, key)
    ]
    assert [fault["loc"][0] for fault in faults] == ["data_import_hosts", "data_sources", "data_sources"]
    assert "s3cret" not in str(faults)


def test_sources_are_read_from_json(tmp_path: Path) -> None:
    told = '{"acme/erp": "sqlite:///a.db", "acme/erp/2": "sqlite:///b.db"}'

    settings = DataSettings(data_dir=tmp_path, data_sources=told)  # type: ignore[arg-type]  # as the environment has it

    assert settings.source_urls() == {("acme", "erp"): "sqlite:///a.db", ("acme", "erp/2"): "sqlite:///b.db"}
    assert "sqlite" not in repr(settings.data_sources)
