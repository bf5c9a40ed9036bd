"""What the descriptors declare, and a start that is refused when they do not."""

from __future__ import annotations

import json

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool
from shelfcast.forecast.v1 import forecast_service_pb2
from shelfcast.jobs.v1 import job_service_pb2
from shelfcast_servicekit.channel import service_config
from shelfcast_servicekit.interceptors.validation import has_rules
from shelfcast_servicekit.permissions import MethodUndeclared, method_rules, rule_of, rules_of

JOBS = "shelfcast.jobs.v1.JobService"


def test_a_rule_says_who_and_how() -> None:
    rule = rules_of([JOBS])[f"/{JOBS}/CancelJob"]

    assert (rule.permission, rule.is_public, rule.deadline_seconds) == ("jobs.write", False, 5.0)
    assert (rule.is_retryable, rule.is_streaming) == (True, False)


def test_only_methods_that_may_be_repeated_are_retried() -> None:
    config = json.loads(json.dumps(service_config([JOBS])))

    (method_config,) = config["methodConfig"]
    names = {entry["method"] for entry in method_config["name"]}
    assert names == {"GetJob", "ListJobs", "CancelJob", "WatchJob"}
    assert method_config["retryPolicy"]["retryableStatusCodes"] == ["UNAVAILABLE"]


def test_a_service_config_never_holds_a_timeout() -> None:
    assert "timeout" not in str(service_config([JOBS])).lower()


def test_other_peoples_services_have_no_rule() -> None:
    assert rule_of("/grpc.health.v1.Health/Check") is None
    assert rule_of(f"/{JOBS}/Nothing") is None


def test_an_rpc_without_options_stops_the_start() -> None:
    file = descriptor_pb2.FileDescriptorProto(name="bare.proto", package="bare", syntax="proto3")
    file.message_type.add(name="Empty")
    service = file.service.add(name="Bare")
    service.method.add(name="Do", input_type=".bare.Empty", output_type=".bare.Empty")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)

    with pytest.raises(MethodUndeclared, match=r"bare\.Bare\.Do"):
        method_rules(pool.FindServiceByName("bare.Bare"))


def test_rules_are_found_in_messages() -> None:
    assert has_rules(job_service_pb2.ListJobsRequest.DESCRIPTOR)
    assert not has_rules(job_service_pb2.GetJobRequest.DESCRIPTOR)
    assert has_rules(forecast_service_pb2.GetForecastRequest.DESCRIPTOR)
