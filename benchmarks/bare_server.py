"""The reference of the serving benchmark: a bare Starlette handler that does one Redis GET."""

from __future__ import annotations

import asyncio
import sys

import uvicorn
import uvloop
from redis.asyncio import Redis
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


def make_app(redis_url: str, key: str) -> Starlette:
    """Give the application: one route, one GET, the bytes as they are."""
    client = Redis.from_url(redis_url)

    async def forecast(request: Request) -> Response:
        del request
        body = await client.get(key)
        return Response(body, media_type="application/json")

    return Starlette(routes=[Route("/forecast/{product_id}", forecast)])


def main() -> None:
    """Serve on the given port: `bare_server.py PORT REDIS_URL KEY`."""
    port, redis_url, key = sys.argv[1:]
    config = uvicorn.Config(
        make_app(redis_url, key),
        port=int(port),
        loop="none",
        http="httptools",
        access_log=False,
        log_level="warning",
    )
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(uvicorn.Server(config).serve())


if __name__ == "__main__":
    main()
