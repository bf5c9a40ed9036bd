"""Pages and probes beside the API: documentation, contract, health, metrics."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from html import escape
from importlib import resources
from pathlib import Path
from typing import Final, Protocol

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from shelfcast_servicekit.status import ReasonEntry
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

STATIC: Final = "/static"
PAGES: Final = frozenset(
    {"/docs", "/redoc", "/docs/errors", "/openapi.json", "/livez", "/readyz", "/health", "/metrics"}
)
PAGE_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; frame-ancestors 'none'; "
    "base-uri 'none'; form-action 'self'"
)
SECURITY: Final = {
    "content-security-policy": PAGE_POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
}
Page = Callable[[Request], Awaitable[Response]]


class Health(Protocol):
    """What the probes ask."""

    @property
    def is_ready(self) -> bool:
        """Whether the gateway can do its work."""

    @property
    def degraded(self) -> list[str]:
        """Parts that do not serve."""

    @property
    def states(self) -> Mapping[str, str]:
        """State of each part."""


@dataclass(frozen=True, slots=True)
class SiteContent:
    """What the pages show."""

    openapi: bytes
    """The OpenAPI document."""
    reasons: Mapping[str, ReasonEntry]
    """All declared error reasons."""
    health: Health
    is_stopping: Callable[[], bool]
    """Whether the gateway drains."""


def is_site_path(path: str) -> bool:
    """Say whether a path belongs to the site and not to the API."""
    return path in PAGES or path.startswith(f"{STATIC}/")


def make_site(content: SiteContent) -> ASGIApp:
    """Give the ASGI application of the site."""
    folder = Path(str(resources.files("shelfcast_gateway") / "static"))
    routes = [
        Route("/docs", _fixed(_docs_page())),
        Route("/redoc", _fixed(_redoc_page())),
        Route("/docs/errors", _fixed(_errors_page(content.reasons))),
        Route("/openapi.json", _document(content.openapi)),
        Route("/livez", _livez),
        Route("/readyz", _readyz(content)),
        Route("/health", _readyz(content)),
        Route("/metrics", _metrics),
        Mount(STATIC, StaticFiles(directory=folder)),
    ]
    return _secured(Starlette(routes=routes))


def _secured(app: ASGIApp) -> ASGIApp:
    extra = [(name.encode(), value.encode()) for name, value in SECURITY.items()]

    async def secured(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_secured(message: dict[str, object]) -> None:
            if message["type"] == "http.response.start":
                headers = message.get("headers")
                message["headers"] = [*(headers if isinstance(headers, list) else []), *extra]
            await send(message)

        await app(scope, receive, send_secured)  # type: ignore[arg-type]  # Starlette says MutableMapping[str, Any]

    return secured


def _fixed(page: str) -> Page:
    async def give(request: Request) -> Response:
        del request
        return HTMLResponse(page)

    return give


def _document(document: bytes) -> Page:
    async def give(request: Request) -> Response:
        del request
        return Response(document, media_type="application/json")

    return give


async def _livez(request: Request) -> Response:
    del request
    return JSONResponse({"status": "alive"})


def _readyz(content: SiteContent) -> Page:
    async def give(request: Request) -> Response:
        del request
        health = content.health
        if content.is_stopping():
            return JSONResponse({"status": "draining"}, 503)
        status = "ready" if not health.degraded else "degraded"
        body = {
            "status": status if health.is_ready else "unready",
            "degraded": health.degraded,
            "parts": dict(health.states),
        }
        return JSONResponse(body, 200 if health.is_ready else 503)

    return give


async def _metrics(request: Request) -> Response:
    del request
    return Response(generate_latest(), headers={"content-type": CONTENT_TYPE_LATEST})


def _page(title: str, head: str, body: str) -> str:
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<link rel="icon" href="data:,">{head}</head><body>{body}</body></html>'
    )


def _docs_page() -> str:
    vendor = f"{STATIC}/vendor/swagger-ui"
    head = f'<link rel="stylesheet" href="{vendor}/swagger-ui.css">'
    scripts = f'<script src="{vendor}/swagger-ui-bundle.js"></script><script src="{STATIC}/docs.js"></script>'
    return _page("Shelfcast API", head, f'<div id="docs"></div>{scripts}')


def _redoc_page() -> str:
    scripts = (
        f'<script src="{STATIC}/vendor/redoc/redoc.standalone.js"></script>'
        f'<script src="{STATIC}/redoc.js"></script>'
    )
    return _page("Shelfcast API", "", f'<div id="redoc"></div>{scripts}')


def _errors_page(reasons: Mapping[str, ReasonEntry]) -> str:
    rows = "".join(_error_row(reasons[name]) for name in sorted(reasons))
    head = f'<link rel="stylesheet" href="{STATIC}/errors.css">'
    header = "<tr><th>code</th><th>HTTP</th><th>gRPC</th><th>what it says</th><th>what helps</th></tr>"
    return _page("Shelfcast errors", head, f"<h1>Errors</h1><table>{header}{rows}</table>")


def _error_row(entry: ReasonEntry) -> str:
    cells = (entry.http_status, entry.code.name, f"{entry.title}. {entry.detail}", entry.hint)
    rest = "".join(f"<td>{escape(str(cell))}</td>" for cell in cells)
    return f'<tr id="{entry.reason}"><td><code>{entry.reason}</code></td>{rest}</tr>'
