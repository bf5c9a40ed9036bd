from __future__ import annotations

import pytest
from shelfcast_testing.readme import (
    ROOT,
    benchmark_table,
    settings_parts,
    settings_tables,
    with_figures,
    with_settings,
)

PARTS = {path.relative_to(ROOT).as_posix(): part for path, part in settings_parts().items()}


@pytest.mark.parametrize("name", PARTS)
def test_the_settings_of_a_readme_are_those_of_the_code(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")

    assert PARTS[name] in text
    assert text == with_settings(text, PARTS[name]), "run `python -m shelfcast_testing.readme`"


def test_the_figures_of_the_readme_are_those_last_measured() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")

    assert text == with_figures(text), "run `python -m shelfcast_testing.readme`"


def test_every_setting_says_what_it_means() -> None:
    rows = [row for row in settings_tables().splitlines() if row.startswith("| `")]

    assert len(rows) > 30
    assert [row for row in rows if row.endswith("|  |")] == []


def test_every_figure_has_a_bar() -> None:
    assert [row for row in benchmark_table().splitlines()[2:] if "|  | yes |" in row] == []
