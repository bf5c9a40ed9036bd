"""The OpenAPI 3.1 document and the table of routes, made of bindings, descriptors, comments and reasons."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import orjson
from shelfcast_servicekit.status import ReasonEntry

from shelfcast_gateway.application.schema import Schema, Schemas, is_required
from shelfcast_gateway.domain.binding import WHOLE_BODY, Binding

if TYPE_CHECKING:
    from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor

UPLOADS: Final = (
    "text/csv",
    "text/tab-separated-values",
    "application/json",
    "application/x-ndjson",
    "application/vnd.apache.parquet",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/gzip",
    "application/x-gzip",
    "application/zip",
    "application/octet-stream",
)
"""Media types of an uploaded file; its form is told by its bytes."""
STREAMS: Final = ("application/x-ndjson", "text/event-stream")
DEFAULTS: Final = (400, 401, 403, 404, 409, 413, 415, 422, 429, 500, 503, 504)
TITLE: Final = "Shelfcast"
VERSION: Final = "v1"
DESCRIPTION: Final = (
    "Sales in, calibrated demand forecasts out. Every route needs an API key. Errors are "
    "`application/problem+json` and name the place and the remedy. Routes marked `x-alias` are other names "
    "of routes above them."
)
ACRONYMS: Final = {"api": "API"}
_WORD: Final = re.compile("[A-Z][a-z]*")


@dataclass(frozen=True, slots=True)
class Contract:
    """What the document is made of."""

    bindings: Sequence[Binding]
    methods: Mapping[str, MethodDescriptor]
    comments: Mapping[str, str]
    reasons: Mapping[str, ReasonEntry]


def openapi(contract: Contract) -> bytes:
    """Give the document as JSON."""
    schemas = Schemas(contract.comments)
    paths: dict[str, dict[str, Schema]] = {}
    for binding in contract.bindings:
        path = _path(binding)
        paths.setdefault(path, {})[binding.verb.lower()] = _operation(contract, schemas, binding)
    document = {
        "openapi": "3.1.0",
        "info": {"title": TITLE, "version": VERSION, "description": DESCRIPTION},
        "paths": {path: paths[path] for path in sorted(paths, key=lambda path: _place(paths[path], path))},
        "components": _components(schemas),
        "security": [{"bearer": []}, {"apiKey": []}],
        "tags": _tags(contract),
    }
    return orjson.dumps(document, option=orjson.OPT_INDENT_2)


def _place(operations: Mapping[str, Schema], path: str) -> tuple[bool, str]:
    """Order paths by name, those that are only aliases last."""
    return all("x-alias" in operation for operation in operations.values()), path


def _components(schemas: Schemas) -> Schema:
    ordered = {name: schemas.components[name] for name in sorted(schemas.components)}
    return {
        "schemas": {**ordered, "Problem": PROBLEM},
        "securitySchemes": {
            "bearer": {"type": "http", "scheme": "bearer", "description": "An API key, `sk_...`."},
            "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
        },
    }


PROBLEM: Final[Schema] = {
    "type": "object",
    "description": "What went wrong (RFC 9457).",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string", "description": "Where the error is explained."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "code": {"type": "string", "description": "Reason, see /docs/errors."},
        "request_id": {"type": "string"},
        "trace_id": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"pointer": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
        "hint": {"type": "string"},
    },
}


def _tags(contract: Contract) -> list[Schema]:
    found = {binding.rpc.rpartition(".")[0]: contract.methods[binding.rpc] for binding in contract.bindings}
    return [
        {"name": _tag_of(found[name]), "description": contract.comments.get(name, "")}
        for name in sorted(found)
    ]


def _tag_of(method: MethodDescriptor) -> str:
    service = method.containing_service
    return tag(service.name, [each.name for each in service.methods])


def tag(service: str, methods: Sequence[str]) -> str:
    """Give the name of a group of routes: the plural that its own methods use, if they use one.

    >>> tag("ApiKeyService", ["CreateApiKey", "ListApiKeys"])
    'API keys'
    >>> tag("InventoryService", ["GetInventory", "ListInventoryHistory"])
    'Inventory'
    """
    name = service.removesuffix("Service")
    plurals = (f"{name}s", f"{name[:-1]}ies")
    used = [each for each in plurals if any(each in method for method in methods)]
    words = [word.lower() for word in _WORD.findall(used[0] if used else name)]
    first = ACRONYMS.get(words[0], words[0].capitalize())
    return " ".join([first, *words[1:]])


def _name(service: str) -> str:
    return service.rpartition(".")[2]


def _path(binding: Binding) -> str:
    names = {each.start: each.field_path for each in binding.template.variables}
    parts = [f"{{{names[i]}}}" if i in names else part for i, part in enumerate(binding.template.segments)]
    return "/" + "/".join(parts) + (f":{binding.template.verb}" if binding.template.verb else "")


def _operation(contract: Contract, schemas: Schemas, binding: Binding) -> Schema:
    method = contract.methods[binding.rpc]
    comment = contract.comments.get(binding.rpc, "")
    operation: Schema = {
        "operationId": _operation_id(binding),
        "tags": [_tag_of(method)],
        "summary": comment.partition(". ")[0].partition("; ")[0].rstrip("."),
        "description": comment,
        "parameters": _parameters(schemas, binding, method),
        "responses": _responses(contract, schemas, binding, method),
        "x-rpc": binding.rpc,
        "x-permission": binding.access.permission,
    }
    if binding.is_alias:
        operation["x-alias"] = True
    if binding.access.is_public:
        operation["security"] = []
    body = _body(schemas, binding, method)
    if body:
        operation["requestBody"] = {"required": True, "content": body}
    return operation


def _operation_id(binding: Binding) -> str:
    service, _, method = binding.rpc.rpartition(".")
    if not binding.is_alias:
        return f"{_name(service)}_{method}"
    path = "_".join(part for part in binding.template.segments if part not in {"*", "**", "api", "v1"})
    return f"{_name(service)}_{method}_{binding.verb.lower()}_{path}"


def _parameters(schemas: Schemas, binding: Binding, method: MethodDescriptor) -> list[Schema]:
    in_path = [each.field_path for each in binding.template.variables]
    fields = method.input_type.fields_by_name
    found = [_parameter(schemas, fields[name], "path") for name in in_path]
    if binding.body_field != WHOLE_BODY:
        taken = {*in_path, binding.body_field}
        rest = [field for name, field in fields.items() if name not in taken]
        found += [_parameter(schemas, field, "query") for field in rest]
    return found


def _parameter(schemas: Schemas, field: FieldDescriptor, place: str) -> Schema:
    schema = schemas.field(field)
    description = schema.pop("description", "")
    return {
        "name": field.name,
        "in": place,
        "required": place == "path" or is_required(field),
        "description": description,
        "schema": schema,
    }


def _body(schemas: Schemas, binding: Binding, method: MethodDescriptor) -> Schema:
    message = method.input_type
    if binding.streams_request:
        file: Schema = {"type": "string", "format": "binary"}
        form = schemas.object_of(message, frozenset({binding.body_field}))
        properties = form["properties"]
        form["properties"] = {**(properties if isinstance(properties, dict) else {}), "file": file}
        form["required"] = ["file"]
        raw: Schema = {kind: {"schema": file} for kind in UPLOADS}
        return {**raw, "multipart/form-data": {"schema": form}}
    if binding.body_field == WHOLE_BODY:
        in_path = frozenset(each.field_path for each in binding.template.variables)
        if not set(message.fields_by_name) - in_path:
            return {}
        return {"application/json": {"schema": schemas.object_of(message, in_path)}}
    if not binding.body_field:
        return {}
    inner = message.fields_by_name[binding.body_field].message_type
    return {} if inner is None else {"application/json": {"schema": schemas.reference(inner)}}


def _responses(
    contract: Contract, schemas: Schemas, binding: Binding, method: MethodDescriptor
) -> dict[str, Schema]:
    reply: Schema = {"description": contract.comments.get(method.output_type.full_name, "Done.")}
    if binding.call.success_status != 204:
        reply["content"] = _content(schemas, binding, method)
    responses = {str(binding.call.success_status): reply}
    areas = {"common", binding.package.split(".")[1]}
    for status in DEFAULTS:
        text = _reason_text(contract, areas, status)
        if text:
            content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
            responses[str(status)] = {"description": text, "content": content}
    return responses


def _content(schemas: Schemas, binding: Binding, method: MethodDescriptor) -> Schema:
    if binding.gives_file:
        return {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
    kinds = ("application/x-ndjson", "text/event-stream") if binding.streams_reply else ("application/json",)
    schema = schemas.reference(method.output_type)
    return {kind: {"schema": schema} for kind in kinds}


def _reason_text(contract: Contract, areas: set[str], status: int) -> str:
    entries = [
        each for each in contract.reasons.values() if each.http_status == status and each.area in areas
    ]
    return "; ".join(f"{each.reason}: {each.title}" for each in sorted(entries, key=lambda each: each.reason))


def route_lines(bindings: Sequence[Binding]) -> str:
    """Give the table of routes: method, path, RPC, permission, status, alias."""
    rows = ["| method | path | RPC | permission | status | alias |", "| --- | --- | --- | --- | --- | --- |"]
    for binding in sorted(bindings, key=lambda each: (each.template.text, each.verb)):
        rpc = binding.rpc.removeprefix("shelfcast.")
        cells = (
            binding.verb,
            f"`{binding.template.text}`",
            rpc,
            binding.access.permission or "public",
            str(binding.call.success_status),
            "yes" if binding.is_alias else "",
        )
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows) + "\n"
