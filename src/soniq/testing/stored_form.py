"""What an argument looks like in the store."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from pydantic.errors import PydanticUserError
from pydantic_core import from_json

from soniq.app import Soniq
from soniq.arguments import ArgumentCodec
from soniq.enqueue import AnyTarget
from soniq.jsontext import dump_json
from soniq.signature import read_signature
from soniq.task_ref import TaskRef
from soniq.typed_json import Misfit, TypedJson, fields_adapter


def stored_forms(
    app: Soniq, target: AnyTarget, name: str, args: Mapping[str, Any]
) -> dict[str, Any]:
    """Some arguments of a job as an enqueue would store them, secrets in the clear.

    Args:
        app: knows the job, perhaps.
        target: the job.
        name: its name.
        args: those to look at; the job may need others.

    Raises:
        ValueError: one of them cannot be stored.
    """
    types = _types(app, target, name)
    return {key: _form(types.get(key, Any), value) for key, value in args.items()}


def _types(app: Soniq, target: AnyTarget, name: str) -> Mapping[str, Any]:
    if isinstance(target, TaskRef) and target.args_model is not None:
        return ArgumentCodec(model=target.args_model).types
    if (definition := app._registry.get(name)) is not None:
        return definition.arguments.types
    if callable(target):
        return ArgumentCodec(target, read_signature(target)).types
    return {}


def _form(kind: Any, value: Any) -> Any:
    """What fits no type was never enqueued, but may be asked for: then by its plain form."""
    if kind is not Any:
        with suppress(Misfit, PydanticUserError):
            typed = TypedJson(fields_adapter({"value": kind}, open_ended=False))
            return from_json(typed.dump({"value": value})[0])["value"]
    return from_json(dump_json(value))
