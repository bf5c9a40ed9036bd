"""A running stack for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased
from shelfcast_testing.gateway_stack import Stack, running_stack
from shelfcast_testing.redis_process import RedisProcess


@pytest.fixture(scope="session", autouse=True)
def exported_spans() -> InMemorySpanExporter:
    """Give where all spans of the run end up."""
    exporter = InMemorySpanExporter()
    provider = trace.get_tracer_provider()
    if not isinstance(provider, TracerProvider):
        provider = TracerProvider(sampler=ParentBased(ALWAYS_ON))
        trace.set_tracer_provider(provider)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return exporter


@pytest.fixture
def spans(exported_spans: InMemorySpanExporter) -> InMemorySpanExporter:
    """Give the spans that end from now on."""
    exported_spans.clear()
    return exported_spans


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RedisProcess]:
    """Give a Redis of the test's own."""
    process = RedisProcess(tmp_path)
    process.start()
    yield process
    process.kill()


@pytest_asyncio.fixture
async def stack(
    tmp_path: Path, own_redis: RedisProcess, request: pytest.FixtureRequest
) -> AsyncIterator[Stack]:
    """Give a running stack; an indirect parameter gives settings of the gateway."""
    async with running_stack(tmp_path, own_redis, getattr(request, "param", {})) as made:
        yield made
