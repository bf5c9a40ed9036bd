"""Which new traces are recorded: a share of them, and so many a second at most."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from opentelemetry.context import Context
    from opentelemetry.trace import Link, SpanKind, TraceState
    from opentelemetry.util.types import Attributes

_DROPPED: Final = SamplingResult(Decision.DROP)


class TraceBudget(Sampler):
    """Records new traces up to so many a second; those beyond have an id, and are recorded nowhere.

    Recording costs a service some 0.1 ms of CPU a call and the receiver as much (`benchmarks/serving.py`,
    2 cores): at thousands of calls a second the traces would cost more than the replies, and nobody reads
    thousands of traces a second. Virtual scheduling form of the generic cell rate algorithm (ITU-T I.371,
    Annex A); threads may race for the last place of a second, which lets one trace more pass.
    """

    def __init__(self, inner: Sampler, per_second: float, now: Callable[[], float] = time.monotonic) -> None:
        """inner: is asked within the budget. per_second: in the long run; as many may come at once."""
        self._inner = inner
        self._interval_seconds = 1.0 / per_second
        self._tolerance_seconds = max(1.0 - self._interval_seconds, 0.0)
        self._now = now
        self._next_at = 0.0

    def should_sample(  # noqa: PLR0913, PLR0917 - the shape that OpenTelemetry calls
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        """Ask the inner sampler while the budget lasts, else drop; a dropped trace uses nothing up."""
        now = self._now()
        begin = max(self._next_at, now)
        if begin - self._tolerance_seconds > now:
            return _DROPPED
        verdict = self._inner.should_sample(
            parent_context, trace_id, name, kind, attributes, links, trace_state
        )
        if verdict.decision is not Decision.DROP:
            self._next_at = begin + self._interval_seconds
        return verdict

    def get_description(self) -> str:
        """Give the name for a log."""
        return f"TraceBudget{{{self._inner.get_description()},{1 / self._interval_seconds:g}/s}}"
