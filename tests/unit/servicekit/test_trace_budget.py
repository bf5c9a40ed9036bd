"""Which new traces are recorded."""

from __future__ import annotations

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, Decision, ParentBased
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context
from shelfcast_servicekit.trace_budget import TraceBudget


def is_sampled(budget: TraceBudget) -> bool:
    return budget.should_sample(None, 1, "call").decision is Decision.RECORD_AND_SAMPLE


def test_quiet_service_traces_every_call() -> None:
    clock = iter(range(100, 200))
    budget = TraceBudget(ALWAYS_ON, 1.0, lambda: float(next(clock)))

    assert all(is_sampled(budget) for _ in range(50))


def test_busy_service_traces_so_many_a_second() -> None:
    now = [100.0]
    budget = TraceBudget(ALWAYS_ON, 10.0, lambda: now[0])
    recorded = 0
    for _ in range(3000):
        recorded += is_sampled(budget)
        now[0] += 0.001

    assert 35 <= recorded <= 41


def test_traces_that_the_ratio_drops_leave_the_budget_alone() -> None:
    budget = TraceBudget(ALWAYS_OFF, 1.0, lambda: 100.0)

    assert not any(is_sampled(budget) for _ in range(5))
    assert budget._next_at == 0.0


def test_trace_beyond_the_budget_has_an_id_and_is_not_recorded_further_on() -> None:
    tracer = TracerProvider(sampler=ParentBased(TraceBudget(ALWAYS_ON, 1.0, lambda: 100.0))).get_tracer(
        "test"
    )
    first, second = tracer.start_span("first"), tracer.start_span("second")

    assert first.is_recording()
    assert second.get_span_context().is_valid
    assert not second.get_span_context().trace_flags.sampled
    assert not tracer.start_span("child", set_span_in_context(second)).is_recording()


def test_callers_decision_is_kept_when_the_budget_is_spent() -> None:
    tracer = TracerProvider(sampler=ParentBased(TraceBudget(ALWAYS_ON, 1.0, lambda: 100.0))).get_tracer(
        "test"
    )
    tracer.start_span("first")
    remote = NonRecordingSpan(SpanContext(7, 7, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED)))

    assert tracer.start_span("called", set_span_in_context(remote)).is_recording()
