"""Checks of the sales through the gateway: a job, words for rules, filters, files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.integration.data.test_catalogue_rest import rest, settings
from tests.integration.data.test_quality import HEADER, MIXED, sales

if TYPE_CHECKING:
    import httpx

    from tests.integration.data.conftest import Service

__all__ = ["rest", "settings"]


async def test_a_shopkeeper_runs_a_check_and_reads_what_it_found(
    service: Service,
    rest: httpx.AsyncClient,
) -> None:
    await service.load((HEADER + sales("berlin", "milk", MIXED)).encode())

    asked = await rest.post("/data-quality/checks")
    await service.work(asked.json()["job_id"])
    shops = await rest.get("/data-quality")
    course = await rest.get("/data-quality/scores", params={"shop_id": "berlin"})
    found = await rest.get("/data-quality/findings", params={"rule": "unit_mix_up", "severity": "error"})
    resolved = await rest.get("/data-quality/findings", params={"state": "resolved"})
    unknown = await rest.get("/data-quality/findings", params={"rule": "magic"})
    unnamed = await rest.get("/data-quality/scores")
    sheet = await rest.get("/exports/data-quality.csv")

    assert (asked.status_code, asked.json()["kind"]) == (202, "data.quality")
    assert asked.headers["location"] == f"/api/v1/jobs/{asked.json()['job_id']}"
    assert [each["shop_id"] for each in shops.json()["shops"]] == ["berlin"]
    assert course.json()["scores"] == shops.json()["shops"]
    (finding,) = found.json()["findings"]
    assert (finding["rule"], finding["severity"], finding["state"]) == ("unit_mix_up", "error", "open")
    assert (finding["start"], "resolved_at" in finding) == ("2025-02-15", False)
    assert resolved.json()["findings"] == []
    assert (unknown.status_code, unnamed.status_code) == (422, 400)
    assert unnamed.json()["errors"][0]["pointer"] == "/shop_id"
    assert sheet.text.splitlines()[1].startswith('"berlin",91.6')
