"""Pages, probes and the committed contract."""

from __future__ import annotations

from pathlib import Path

import pytest
from shelfcast_gateway.application.openapi import openapi, route_lines
from shelfcast_gateway.bootstrap import contract
from shelfcast_testing.gateway_stack import Stack

DOCS = Path(__file__).resolve().parents[3] / "docs"


def test_committed_openapi_document_is_what_the_code_serves() -> None:
    assert (DOCS / "openapi.json").read_bytes() == openapi(contract()) + b"\n", (
        "run `python -m shelfcast_gateway contract docs`, and add a changelog fragment"
    )


def test_committed_route_table_is_what_the_code_serves() -> None:
    table = (DOCS / "routes.md").read_text(encoding="utf-8")

    assert table == f"# Routes\n\n{route_lines(contract().bindings)}"


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/docs/errors"])
async def test_pages_name_no_other_host(stack: Stack, path: str) -> None:
    page = await stack.client.get(path)

    assert page.status_code == 200
    assert "http://" not in page.text
    assert "https://" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]


@pytest.mark.parametrize(
    "path",
    [
        "/static/vendor/swagger-ui/swagger-ui-bundle.js",
        "/static/vendor/redoc/redoc.standalone.js",
        "/static/docs.js",
        "/static/redoc.js",
    ],
)
async def test_pages_find_their_scripts_here(stack: Stack, path: str) -> None:
    script = await stack.client.get(path)

    assert script.status_code == 200
    assert "javascript" in script.headers["content-type"]


async def test_errors_page_has_an_anchor_for_each_reason(stack: Stack) -> None:
    page = await stack.client.get("/docs/errors")

    assert 'id="SERIES_NOT_FOUND"' in page.text


async def test_probes_need_no_credential(stack: Stack) -> None:
    for path in ("/livez", "/readyz", "/health", "/metrics", "/openapi.json"):
        reply = await stack.client.get(path, headers={"authorization": ""})

        assert reply.status_code == 200, (path, reply.text)


async def test_readiness_names_what_is_degraded(stack: Stack) -> None:
    await stack.servers["model"].drain(0)
    await stack.wired.parts.renew()

    reply = await stack.client.get("/readyz")

    assert reply.status_code == 200
    assert reply.json()["status"] == "degraded"
    assert "model" in reply.json()["degraded"]


async def test_gateway_is_not_ready_without_the_data_service(stack: Stack) -> None:
    await stack.servers["data"].drain(0)
    await stack.wired.parts.renew()

    reply = await stack.client.get("/health")

    assert reply.status_code == 503
    assert reply.json()["status"] == "unready"
