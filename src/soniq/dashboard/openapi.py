"""The API's description, made of the very table that routes requests."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

from pydantic import TypeAdapter
from pydantic.json_schema import models_json_schema
from pydantic_core import to_json

from soniq.dashboard.answers import Problem
from soniq.dashboard.operations import Nothing, Operation
from soniq.version import __version__

_PLACE: Final = "#/components/schemas/{model}"
_COMMON: Final = {
    400: "The request means nothing.",
    401: "The key is missing or wrong.",
    503: "The database is away.",
}
_FORBIDDEN: Final = "The dashboard is read-only, or the visitor may only look."


def describe(operations: Iterable[Operation]) -> bytes:
    """An OpenAPI 3.1 document, as JSON."""
    every = tuple(operations)
    answers, definitions = TypeAdapter.json_schemas(
        [(number, "serialization", each.adapter) for number, each in enumerate(every)]
        + [("problem", "serialization", TypeAdapter(Problem))],
        ref_template=_PLACE,
    )
    orders = {each.body for each in every if each.body is not Nothing}
    bodies, more = models_json_schema(
        [(model, "validation") for model in orders], ref_template=_PLACE
    )
    schemas = definitions.get("$defs", {}) | more.get("$defs", {})
    paths: dict[str, Any] = {}
    for number, each in enumerate(every):
        told = _operation(each, answers[number, "serialization"])
        if each.body is not Nothing:
            told["requestBody"] = _content(bodies[each.body, "validation"]) | {"required": True}
        paths.setdefault(_path(each), {})[each.method.lower()] = told
    return to_json(_document(paths, schemas))


def _document(paths: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Soniq dashboard",
            "version": __version__,
            "description": "Jobs, queues, workers, schedules and dead letters of an application.",
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
                "bearer": {"type": "http", "scheme": "bearer"},
            },
        },
        "security": [{"key": []}, {"bearer": []}, {}],
    }


def _path(operation: Operation) -> str:
    return re.sub(r"\{(\w+):\w+\}", r"{\1}", operation.path)


def _operation(operation: Operation, answer: Any) -> dict[str, Any]:
    errors = _COMMON | ({403: _FORBIDDEN} if operation.writes else {}) | dict(operation.errors)
    return {
        "operationId": f"{operation.call.__module__.rpartition('.')[2]}_{operation.call.__name__}",
        "summary": operation.summary,
        "parameters": [*_path_parameters(operation), *_query_parameters(operation)],
        "responses": {
            "200": _content(answer) | {"description": operation.summary},
            **{str(status): _failure(meaning) for status, meaning in sorted(errors.items())},
        },
    }


def _failure(meaning: str) -> dict[str, Any]:
    return _content({"$ref": _PLACE.format(model="Problem")}) | {"description": meaning}


def _content(schema: Any) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": schema}}}


def _path_parameters(operation: Operation) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in re.findall(r"\{(\w+)", operation.path)
    ]


def _query_parameters(operation: Operation) -> list[dict[str, Any]]:
    schema = operation.query.model_json_schema(ref_template=_PLACE)
    return [
        {"name": name, "in": "query", "required": False, "schema": _inlined(each, schema)}
        for name, each in schema.get("properties", {}).items()
    ]


def _inlined(schema: Any, root: dict[str, Any]) -> Any:
    """A parameter's schema with what it refers to in its place."""
    if isinstance(schema, dict):
        if "$ref" in schema:
            return _inlined(root["$defs"][schema["$ref"].rpartition("/")[2]], root)
        return {key: _inlined(value, root) for key, value in schema.items()}
    return [_inlined(each, root) for each in schema] if isinstance(schema, list) else schema
