"""Pipelines, their steps and what they did, as messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from google.protobuf import json_format
from shelfcast.ingestion.v1 import pipeline_pb2

from shelfcast_data.domain.pipeline import PipelineFields, step_of, step_values, step_word
from shelfcast_data.domain.pipeline_plan import Outcome
from shelfcast_data.entrypoints.grpc.field_value import timestamp
from shelfcast_data.entrypoints.grpc.form import Form

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from shelfcast_data.domain.import_record import ImportRecord
    from shelfcast_data.domain.pipeline import PipelineVersion
    from shelfcast_data.domain.pipeline_plan import PipelineReference, PreviewRow
    from shelfcast_data.domain.pipeline_step import Step

_OUTCOMES: Final = {
    Outcome.KEPT: pipeline_pb2.PREVIEW_OUTCOME_KEPT,
    Outcome.FILTERED: pipeline_pb2.PREVIEW_OUTCOME_FILTERED,
    Outcome.REFUSED: pipeline_pb2.PREVIEW_OUTCOME_REFUSED,
}


def steps_from_proto(messages: Iterable[pipeline_pb2.PipelineStep]) -> tuple[Step, ...]:
    """Give the steps in messages, whose members are the fields of the steps."""
    values: list[dict[str, dict[str, Any]]] = [
        json_format.MessageToDict(each, preserving_proto_field_name=True) for each in messages
    ]
    return tuple(step_of(word, told) for each in values for word, told in each.items())


def steps_to_proto(steps: Sequence[Step]) -> list[pipeline_pb2.PipelineStep]:
    """Give steps as messages."""
    return [
        json_format.ParseDict({step_word(step): step_values(step)}, pipeline_pb2.PipelineStep())
        for step in steps
    ]


def _fields(message: pipeline_pb2.Pipeline) -> PipelineFields:
    return PipelineFields(steps_from_proto(message.steps))


def _members(fields: PipelineFields) -> Mapping[str, object]:
    return {"steps": steps_to_proto(fields.steps), "version": fields.version, "digest": fields.digest}


PIPELINE_FORM = Form(pipeline_pb2.Pipeline, _fields, _members)


def version_to_proto(version: PipelineVersion) -> pipeline_pb2.PipelineVersion:
    """Give a version of a pipeline as a message."""
    return pipeline_pb2.PipelineVersion(
        name=version.name,
        version=version.version,
        digest=version.digest,
        steps=steps_to_proto(version.steps),
        created_at=timestamp(version.created_at),
    )


def reference_to_proto(reference: PipelineReference) -> pipeline_pb2.PipelineReference:
    """Name a version of a pipeline in a message."""
    return pipeline_pb2.PipelineReference(
        name=reference.name, version=reference.version, digest=reference.digest
    )


def report_to_proto(record: ImportRecord) -> pipeline_pb2.PipelineReport | None:
    """Give what the pipeline of an import did; None if there was none."""
    if record.file.pipeline is None:
        return None
    return pipeline_pb2.PipelineReport(
        pipeline=reference_to_proto(record.file.pipeline),
        filtered_count=record.progress.counts.filtered,
        closed_count=record.progress.counts.closed,
        preview=map(_preview_row, record.preview),
    )


def _preview_row(row: PreviewRow) -> pipeline_pb2.PipelinePreviewRow:
    return pipeline_pb2.PipelinePreviewRow(
        row=row.row, outcome=_OUTCOMES[row.outcome], sent=row.sent, prepared=row.prepared
    )
