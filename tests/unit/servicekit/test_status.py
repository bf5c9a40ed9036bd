"""The reason table and its way to `google.rpc.Status` and back."""

from __future__ import annotations

import inspect

import grpc
import pytest
from google.rpc import error_details_pb2
from shelfcast_servicekit import errors
from shelfcast_servicekit.errors import (
    EtagMismatch,
    FieldRuleViolated,
    PermissionMissing,
    ShelfcastError,
    UpstreamUnavailable,
    Violation,
)
from shelfcast_servicekit.jobs import errors as job_errors
from shelfcast_servicekit.jobs.problem import problem_of
from shelfcast_servicekit.status import (
    RemoteError,
    detail_of,
    entry_of,
    from_rpc_error,
    from_status,
    reason_table,
    render,
    status_code,
    to_status,
)


def _classes() -> list[type[ShelfcastError]]:
    members = [*vars(errors).values(), *vars(job_errors).values()]
    return [each for each in members if inspect.isclass(each) and issubclass(each, ShelfcastError)]


@pytest.mark.parametrize("error", _classes())
def test_every_error_names_a_declared_reason(error: type[ShelfcastError]) -> None:
    assert error.reason in reason_table()


@pytest.mark.parametrize("reason", sorted(reason_table()))
def test_every_reason_is_whole(reason: str) -> None:
    entry = reason_table()[reason]

    assert entry.title
    assert entry.detail
    assert entry.hint
    assert entry.code is not grpc.StatusCode.OK
    assert 400 <= entry.http_status <= 599
    assert len(reason) <= 63


def test_the_detail_is_made_of_template_and_metadata() -> None:
    assert detail_of(PermissionMissing(permission="sales.write")) == "The permission sales.write is missing."


def test_a_template_shows_the_name_of_a_fact_that_is_missing() -> None:
    assert render("There is no job {job_id}.", {}) == "There is no job job_id."


def test_a_template_may_show_json() -> None:
    assert render('Send {name} as {"quantity": "x"}.', {"name": "it"}) == 'Send it as {"quantity": "x"}.'


@pytest.mark.parametrize("reason", sorted(reason_table()))
def test_every_sentence_of_a_reason_can_be_filled(reason: str) -> None:
    entry = reason_table()[reason]

    for template in (entry.title, entry.detail, entry.hint):
        assert render(template, {})


def test_a_status_has_exactly_one_error_info() -> None:
    error = UpstreamUnavailable(
        violations=[Violation("/a", "b", "c")], retry_after_seconds=1.5, service="database"
    )

    status = to_status(error)

    kinds = [detail.type_url.rpartition(".")[2] for detail in status.details]
    assert kinds == ["ErrorInfo", "BadRequest", "RetryInfo"]
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    assert (info.reason, info.domain, dict(info.metadata)) == (
        "UPSTREAM_UNAVAILABLE",
        "shelfcast",
        {"service": "database"},
    )


def test_an_error_survives_the_way_there_and_back() -> None:
    error = FieldRuleViolated(violations=[Violation("/sales/3/date", "not a day", "date")], field="date")

    back = from_status(to_status(error))

    assert back is not None
    assert (back.reason, back.violations, back.metadata) == (error.reason, error.violations, error.metadata)
    assert back.retry_after_seconds is None


def test_violations_are_cut_at_six_kibibytes_and_counted() -> None:
    faults = [Violation(f"/sales/{row}/quantity", "must be 0 or more", "double.gte") for row in range(1000)]

    status = to_status(FieldRuleViolated(violations=faults))

    assert status.ByteSize() < 7 * 1024
    back = from_status(status)
    assert back is not None
    assert len(back.violations) + int(back.metadata["violations_left_out"]) == 1000


def test_an_undeclared_reason_is_internal() -> None:
    class Surprise(ShelfcastError):
        reason = "SURPRISE"

    status = to_status(Surprise())

    assert status_code(status.code) is grpc.StatusCode.INTERNAL
    back = from_status(status)
    assert back is not None
    assert back.reason == "INTERNAL"


def _rpc_error(code: grpc.StatusCode) -> grpc.aio.AioRpcError:
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), grpc.aio.Metadata(), details="bare")


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (grpc.StatusCode.UNAVAILABLE, "UPSTREAM_UNAVAILABLE"),
        (grpc.StatusCode.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED"),
        (grpc.StatusCode.CANCELLED, "REQUEST_CANCELLED"),
        (grpc.StatusCode.UNIMPLEMENTED, "RPC_UNIMPLEMENTED"),
        (grpc.StatusCode.UNKNOWN, "INTERNAL"),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "INTERNAL"),
    ],
)
def test_a_bare_status_gets_a_reason(code: grpc.StatusCode, reason: str) -> None:
    error = from_rpc_error(_rpc_error(code), service="model")

    assert (error.reason, error.metadata["service"]) == (reason, "model")


@pytest.mark.parametrize(("side", "reason"), [("CLIENT", "REPLY_TOO_LARGE"), ("SERVER", "PAYLOAD_TOO_LARGE")])
def test_a_message_over_the_limit_is_told_by_the_side_that_refused_it(side: str, reason: str) -> None:
    text = f"{side}: Received message larger than max (9000001 vs. 8388608)"
    bare = grpc.aio.Metadata()
    refused = grpc.aio.AioRpcError(grpc.StatusCode.RESOURCE_EXHAUSTED, bare, bare, details=text)

    error = from_rpc_error(refused, service="data")

    assert (error.reason, error.metadata) == (
        reason,
        {"service": "data", "size": "9000001", "limit": "8388608"},
    )


def test_a_remote_error_is_a_declared_error() -> None:
    error = RemoteError("ETAG_MISMATCH", etag="7")

    assert isinstance(error, ShelfcastError)
    assert entry_of(error.reason).code is grpc.StatusCode.ABORTED
    assert EtagMismatch.reason == error.reason


def test_an_error_shows_reason_and_facts() -> None:
    assert str(PermissionMissing(permission="a.read")) == "PERMISSION_MISSING(permission='a.read')"


def test_unknown_code_numbers_are_unknown() -> None:
    assert status_code(99) is grpc.StatusCode.UNKNOWN


def test_a_failed_job_keeps_a_problem_body() -> None:
    error = FieldRuleViolated(violations=[Violation("/row", "no", "rule")])

    body = problem_of(error, "0af7651916cd43dd8448eb211c80319c")

    assert (body["code"], body["status"], body["trace_id"]) == (
        "FIELD_RULE_VIOLATED",
        422,
        "0af7651916cd43dd8448eb211c80319c",
    )
    assert body["errors"] == [{"pointer": "/row", "detail": "no"}]
