from __future__ import annotations

import pytest
from shelfcast_model.domain.stored_model import Candidate, Gate, ModelMetrics

PRESENT = ModelMetrics(wape=0.20, wql=0.10, coverage_90=0.9, bias=0.0)


def candidate(
    name: str, wql: float | None, wape: float | None = 0.2, coverage: float | None = 0.9
) -> Candidate:
    return Candidate(name, ModelMetrics(wape, wql, coverage, 0.0))


@pytest.mark.parametrize(
    ("candidates", "present", "champion"),
    [
        ([candidate("factor", 0.10), candidate("lightgbm", 0.09)], None, "lightgbm"),
        ([candidate("gru", 0.1009), candidate("lightgbm", 0.10)], None, "gru"),
        ([candidate("gru", 0.102), candidate("lightgbm", 0.10)], None, "lightgbm"),
        ([candidate("gru", 0.10, coverage=0.70), candidate("factor", 0.12)], None, "factor"),
        ([candidate("gru", 0.10, coverage=0.99)], None, None),
        ([candidate("gru", None, None, None)], None, None),
        ([candidate("gru", 0.0995)], PRESENT, "gru"),
        ([candidate("gru", 0.1005)], PRESENT, "gru"),
        ([candidate("gru", 0.102)], PRESENT, None),
        ([candidate("gru", 0.09, wape=0.21)], PRESENT, None),
        ([candidate("gru", 0.09, wape=0.205)], PRESENT, "gru"),
    ],
)
def test_who_becomes_champion(
    candidates: list[Candidate], present: ModelMetrics | None, champion: str | None
) -> None:
    decision = Gate().decide(candidates, present)

    assert decision.champion == champion
    assert set(decision.reasons) == {each.forecaster for each in candidates}
    for name, reason in decision.reasons.items():
        assert reason.startswith("Promoted:" if name == champion else "Not promoted:")


def test_the_sentence_carries_the_figures() -> None:
    decision = Gate().decide([candidate("gru", 0.1009), candidate("factor", 0.10)], None)

    assert decision.reasons["gru"] == (
        "Promoted: WQL 0.1009, WAPE 0.2000, within 1 % of the best (0.1000); the first champion."
    )
    assert decision.reasons["factor"] == "Not promoted: WQL 0.1000, WAPE 0.2000; gru was chosen."
