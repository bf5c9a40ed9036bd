"""Jobs in the shapes of the first clients."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from google.protobuf import struct_pb2
from shelfcast.forecast.v1 import prediction_service_pb2
from shelfcast_servicekit.errors import FieldMissing, FieldUnreadable, Violation
from shelfcast_servicekit.identifier import normal_id

from shelfcast_model.application.predict_day import Wish
from shelfcast_model.entrypoints.grpc.forecast_mapping import business_date

if TYPE_CHECKING:
    from shelfcast.jobs.v1 import job_pb2

FIELDS: Final = ("date", "store", "item")


def wish_of(request: prediction_service_pb2.PredictRequest) -> Wish:
    """Read a request. Raises: FieldMissing with all missing fields; DateMalformed; FieldUnreadable."""
    missing = [name for name in FIELDS if not _is_present(request, name)]
    if missing:
        faults = [Violation(f"/{name}", f"{name} must be present.", "required") for name in missing]
        raise FieldMissing(violations=faults, field=", ".join(missing))
    return Wish(
        day=business_date(request.date, "/date"),
        shop_id=id_of(request.store, "/store"),
        product_id=id_of(request.item, "/item"),
        sent={"date": request.date, "store": _plain(request.store), "item": _plain(request.item)},
    )


def _is_present(request: prediction_service_pb2.PredictRequest, name: str) -> bool:
    if name == "date":
        return bool(request.date)
    value: struct_pb2.Value = getattr(request, name)
    return request.HasField(name) and value.WhichOneof("kind") not in {None, "null_value"}  # type: ignore[arg-type]


def id_of(value: struct_pb2.Value, pointer: str) -> str:
    """Give the id that a number or string means; 1 and 1.0 are "1".

    Raises: FieldUnreadable for another kind of value, NaN and infinity; FieldRuleViolated for a bad id.
    """
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        return normal_id(value.string_value, pointer)
    if kind != "number_value" or not math.isfinite(value.number_value):
        fault = Violation(pointer, "A number or a string is needed.", "type")
        raise FieldUnreadable(violations=[fault])
    number = value.number_value
    return str(int(number)) if number.is_integer() else repr(number)


def _plain(value: struct_pb2.Value) -> object:
    if value.WhichOneof("kind") == "string_value":
        return value.string_value
    return value.number_value


def prediction_of(job: job_pb2.Job) -> prediction_service_pb2.Prediction:
    """Give a job in the shape of `GET /status/{job_id}`."""
    prediction = prediction_service_pb2.Prediction(
        job_id=job.job_id, status=job.status, submitted_at=job.submitted_at
    )
    if job.HasField("completed_at"):
        prediction.completed_at.CopyFrom(job.completed_at)
    if job.HasField("result"):
        prediction.result.CopyFrom(job.result)
    if job.HasField("error"):
        prediction.error = _sentence(job.error)
    return prediction


def summary_of(job: job_pb2.Job) -> prediction_service_pb2.PredictionSummary:
    """Give a job in the shape of an entry of `GET /jobs`."""
    summary = prediction_service_pb2.PredictionSummary(job_id=job.job_id, status=job.status)
    if job.HasField("result"):
        summary.result.CopyFrom(job.result)
    return summary


def _sentence(problem: struct_pb2.Struct) -> str:
    for name in ("detail", "title"):
        if problem.fields[name].string_value:
            return problem.fields[name].string_value
    return "The job failed."
