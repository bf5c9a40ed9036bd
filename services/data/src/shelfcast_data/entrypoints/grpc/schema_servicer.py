"""The RPCs of declared schemas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shelfcast.ingestion.v1 import schema_service_pb2 as pb
from shelfcast.ingestion.v1 import schema_service_pb2_grpc

from shelfcast_data.domain.declared_rule import detail_of
from shelfcast_data.domain.declared_schema import ValueType
from shelfcast_data.domain.rejection import REMEDIES
from shelfcast_data.domain.schemas import SCHEMAS, schema_of
from shelfcast_data.entrypoints.grpc.field_value import day_text, number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shelfcast_data.domain.declared_schema import FieldSchema, Schema

_TYPES: Final = {each: pb.SchemaType.Value(f"SCHEMA_TYPE_{each.name}") for each in ValueType}


class SchemaServicer(schema_service_pb2_grpc.SchemaServiceServicer):
    """Tells the schemas, which are the same for all tenants."""

    async def ListSchemas(self, request: pb.ListSchemasRequest, context: object) -> pb.ListSchemasResponse:
        """List the schemas of all kinds of records."""
        return pb.ListSchemasResponse(schemas=map(schema_to_proto, SCHEMAS.values()))

    async def GetSchema(self, request: pb.GetSchemaRequest, context: object) -> pb.RecordSchema:
        """Read the schema of one kind."""
        return schema_to_proto(schema_of(request.kind))


def schema_to_proto(schema: Schema) -> pb.RecordSchema:
    """Give a schema as a message."""
    return pb.RecordSchema(
        kind=schema.kind,
        version=schema.version,
        digest=schema.digest,
        description=schema.description,
        fields=map(_field, schema.fields),
        rules=_rules(schema.rules),
    )


def _field(field: FieldSchema) -> pb.SchemaField:
    return pb.SchemaField(
        name=field.name,
        description=field.description,
        type=_TYPES[field.type],
        unit=field.unit,
        is_required=field.is_required,
        minimum=number(field.range.least),
        is_minimum_excluded=field.range.is_least_excluded,
        maximum=number(field.range.most),
        is_maximum_excluded=field.range.is_most_excluded,
        first_date=day_text(field.first_date),
        last_date=day_text(field.last_date),
        longest=field.longest,
        words=field.words,
        aliases=field.aliases,
        rules=_rules(field.rules),
    )


def _rules(names: Sequence[str]) -> Sequence[pb.SchemaRule]:
    return [pb.SchemaRule(rule=name, detail=REMEDIES.get(name) or detail_of(name)) for name in names]
