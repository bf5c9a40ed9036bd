"""The client for callers without an event loop, such as notebooks: the same methods, waited for."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from types import TracebackType
from typing import Concatenate, ParamSpec, Self, TypeVar

from anyio.from_thread import start_blocking_portal

from shelfcast_client.client import ShelfcastClient

P = ParamSpec("P")
T = TypeVar("T")


def _blocking(
    method: Callable[Concatenate[ShelfcastClient, P], Awaitable[T]],
) -> Callable[Concatenate[SyncShelfcastClient, P], T]:
    @functools.wraps(method)
    def call(self: SyncShelfcastClient, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self.portal.call(functools.partial(method, self.client, *args, **kwargs))

    return call


class SyncShelfcastClient:
    """A `ShelfcastClient` on an event loop in a thread of its own; use it as a context manager."""

    def __init__(self, base_url: str, api_key: str) -> None:
        """Start the thread; nothing is connected yet."""
        self._stack = ExitStack()
        self.portal = self._stack.enter_context(start_blocking_portal())
        self.client = ShelfcastClient(base_url, api_key)
        self._stack.callback(self.portal.call, self.client.aclose)

    def __enter__(self) -> Self:
        """Give the client itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close the connections and end the thread."""
        self.close()

    def close(self) -> None:
        """Close the connections and end the thread."""
        self._stack.close()

    import_sales = _blocking(ShelfcastClient.import_sales)
    fetch_import = _blocking(ShelfcastClient.fetch_import)
    import_report = _blocking(ShelfcastClient.import_report)
    save_rejects = _blocking(ShelfcastClient.save_rejects)
    export = _blocking(ShelfcastClient.export)
    train = _blocking(ShelfcastClient.train)
    forecast = _blocking(ShelfcastClient.forecast)
    forecast_batch = _blocking(ShelfcastClient.forecast_batch)
    sales_history = _blocking(ShelfcastClient.sales_history)
    models = _blocking(ShelfcastClient.models)
    job = _blocking(ShelfcastClient.job)
    cancel = _blocking(ShelfcastClient.cancel)
    wait = _blocking(ShelfcastClient.wait)
    trace = _blocking(ShelfcastClient.trace)
    health_board = _blocking(ShelfcastClient.health_board)
