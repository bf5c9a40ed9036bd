"""How one REST call is made: credential, idempotency key, retries, refusals as exceptions."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from shelfcast_client.errors import RequestRefused, ServiceUnreachable
from shelfcast_client.problem import problem_from_body
from shelfcast_client.refusals import REFUSALS
from shelfcast_client.retry import RetryPolicy, with_retries

Parameter = str | int | float | bool | Sequence[str] | Sequence[float] | None


@dataclass(frozen=True, slots=True)
class Call:
    """One request that is safe to repeat: a read, or a write under its idempotency key."""

    method: str
    """HTTP method."""
    path: str
    """Path below the base URL, ids percent-encoded."""
    query: Mapping[str, Parameter] = field(default_factory=dict)
    """Query parameters; `None` is left out."""
    body: Mapping[str, object] | None = None
    """JSON body."""
    stream: Callable[[], AsyncIterator[bytes]] | None = None
    """Opens the bytes of an upload, anew for each attempt."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Further headers."""
    idempotency_key: str = field(default_factory=lambda: str(uuid.uuid4()))
    """Key under which a write counts once, however often it is sent."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply that is not a refusal."""

    body: Mapping[str, object]
    """The JSON object; empty when there is none."""
    headers: Mapping[str, str]
    """Headers under lower-case names."""

    @property
    def trace_id(self) -> str:
        """Trace of the request, 32 hex digits; empty when the reply names none."""
        parts = self.headers.get("traceparent", "").split("-")
        return parts[1] if len(parts) == 4 else ""


class RestTransport:
    """Sends calls to one gateway with one credential."""

    def __init__(self, client: httpx.AsyncClient, retries: RetryPolicy) -> None:
        """Take an open HTTP client whose base URL and credential are set; whoever opened it closes it."""
        self._client = client
        self._retries = retries

    async def send(self, call: Call) -> Reply:
        """Give the reply. Raises: RequestRefused (its subclass is the reason), ServiceUnreachable."""
        return await with_retries(lambda: self._send_once(call), self._retries)

    async def download(self, call: Call, target: Path) -> None:
        """Write the reply's bytes to a file, which appears whole or not at all. Raises: as `send`."""
        await with_retries(lambda: self._download_once(call, target), self._retries)

    async def _download_once(self, call: Call, target: Path) -> None:
        part = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}.part")
        try:
            headers = {**call.headers, "Accept": "*/*"}
            async with self._client.stream(
                call.method, call.path, params=_parameters(call), headers=headers
            ) as response:
                if not response.is_success:
                    await response.aread()
                    raise _refusal(response)
                file = await asyncio.to_thread(part.open, "wb")
                with file:
                    async for piece in response.aiter_bytes():
                        await asyncio.to_thread(file.write, piece)
            part.replace(target)
        except httpx.TransportError as error:
            raise ServiceUnreachable(f"{self._client.base_url} does not answer: {error}") from error
        finally:
            part.unlink(missing_ok=True)

    async def _send_once(self, call: Call) -> Reply:
        try:
            response = await self._client.send(self._request(call))
        except httpx.TransportError as error:
            raise ServiceUnreachable(f"{self._client.base_url} does not answer: {error}") from error
        if not response.is_success:
            raise _refusal(response)
        return Reply(_json_object(response), _headers(response))

    def _request(self, call: Call) -> httpx.Request:
        writes = {"Idempotency-Key": call.idempotency_key} if call.method in {"POST", "PATCH"} else {}
        return self._client.build_request(
            call.method,
            call.path,
            params=_parameters(call),
            json=call.body,
            content=call.stream() if call.stream else None,
            headers={**call.headers, **writes},
        )


def _parameters(call: Call) -> dict[str, str | list[str]]:
    return {name: _text(value) for name, value in call.query.items() if value is not None}


def _text(value: Parameter) -> str | list[str]:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    return [str(part) for part in value or ()]


def _refusal(response: httpx.Response) -> RequestRefused:
    problem = problem_from_body(response.status_code, _json_object(response), _headers(response))
    return REFUSALS.get(problem.reason, RequestRefused)(problem)


def _headers(response: httpx.Response) -> dict[str, str]:
    return {name.lower(): value for name, value in response.headers.items()}


def _json_object(response: httpx.Response) -> Mapping[str, object]:
    """Give the JSON object of a reply; a refusal by somebody else's proxy may hold none."""
    try:
        body = json.loads(response.content or b"{}")
    except ValueError:
        return {"detail": response.text[:200]}
    return body if isinstance(body, dict) else {}
