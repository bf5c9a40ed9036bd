"""A bad file through the front door of the running product: mended, summed, taken back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from shelfcast_testing.product import Product

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

HEADER = "day,till,article,amount\n"
MAPPING = {"date": "day", "shop_id": "till", "product_id": "article", "quantity": "amount"}


@pytest.fixture
async def http(product: Product) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"authorization": f"Bearer {product.new_key('mender')}"}
    async with httpx.AsyncClient(base_url=product.address["url"], headers=headers, timeout=60) as opened:
        yield opened


async def ended(product: Product, http: httpx.AsyncClient, job_id: str) -> dict[str, object]:
    key = http.headers["authorization"].removeprefix("Bearer ")
    async with product.client(key) as client:
        await client.wait(await client.job(job_id), timeout_seconds=60)
    return (await http.get(f"/api/v1/imports/{job_id}")).json()  # type: ignore[no-any-return]  # JSON


async def test_a_file_is_mended_and_taken_back(
    product: Product, http: httpx.AsyncClient, tmp_path: Path
) -> None:
    till = {"name": "till/1", "mapping": MAPPING, "same_day": "sum"}
    made = await http.post("/api/v1/import-mappings", json=till)
    path = tmp_path / "till.csv"
    path.write_text(HEADER + "2025-01-01,kiosk,gum,3\n2025-01-01,kiosk,gum,-1\n2025-01-02,kiosk,gum,x\n")
    key = http.headers["authorization"].removeprefix("Bearer ")
    bad = tmp_path / "bad.csv"

    done = product.command(
        *("import", str(path), "--mapping", "till/1", "--rejects", str(bad), "--json"),
        *("--url", product.address["url"], "--api-key", key),
    )
    mended = bad.read_text().replace(",x,", ",5,")
    sent = await http.post(
        "/api/v1/imports?mapping_name=till/1", content=mended, headers={"content-type": "text/csv"}
    )
    second = await ended(product, http, sent.json()["job_id"])
    sold = (await http.get("/api/v1/sales/history")).json()["sales"]
    undone = await http.post(f"/api/v1/imports/{second['import_id']}:undo", json={})
    left = (await http.get("/api/v1/sales/history")).json()["sales"]
    gone = await http.get(f"/api/v1/imports/{second['import_id']}/rejects.csv")

    assert (made.status_code, made.headers["location"]) == (201, "/api/v1/import-mappings/till%2F1")
    assert done.returncode == 0, done.stderr
    assert str(bad) in done.stdout
    assert mended == "day,till,article,amount,refused_because\n2025-01-02,kiosk,gum,5,quantity.number\n"
    assert [row["quantity"] for row in sold] == [2.0, 5.0]
    assert undone.json()["undone_data_version"]
    assert [row["quantity"] for row in left] == [2.0]
    assert (gone.status_code, gone.json()["code"]) == (404, "REJECT_FILE_ABSENT")
