"""What a handler's signature says: which job arguments it takes, and where its context goes."""

from __future__ import annotations

import inspect
import re
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from inspect import Parameter
from typing import Any, Final

from soniq.job import JobContext

# The type as text, where its name cannot be resolved (imported for type checkers only).
_CONTEXT_TEXT: Final = re.compile(
    r"(?:[\w.]*\bOptional\[)?(?:\w+\.)*JobContext\]?(?:\|None)?|None\|(?:\w+\.)*JobContext"
)
_QUOTES_AND_SPACES: Final = str.maketrans("", "", "\"' ")


@dataclass(frozen=True, slots=True)
class Signature:
    """The job arguments of a handler.

    Attributes:
        parameters: those that may be given by name, in order, without the context.
        required: the names of those without a default.
        open_ended: whether it takes any other keyword too.
        context_parameter: the one that receives the `JobContext`.
    """

    parameters: tuple[Parameter, ...]
    required: frozenset[str]
    open_ended: bool
    context_parameter: str | None

    @property
    def names(self) -> frozenset[str]:
        """The names of all parameters."""
        return frozenset(parameter.name for parameter in self.parameters)


def read_signature(function: Callable[..., Any]) -> Signature:
    """Read the signature of a handler.

    Raises:
        TypeError: it cannot be called with keywords only, or asks for two contexts.
    """
    parameters = tuple(inspect.signature(function).parameters.values())
    contexts = [p.name for p in parameters if _takes_context(function, p)]
    if len(contexts) > 1:
        raise TypeError(f"{_name(function)} asks for its JobContext twice: {', '.join(contexts)}")
    named = tuple(p for p in parameters if p.name not in contexts and _by_name(function, p))
    return Signature(
        parameters=named,
        required=frozenset(p.name for p in named if p.default is Parameter.empty),
        open_ended=any(p.kind is Parameter.VAR_KEYWORD for p in parameters),
        context_parameter=contexts[0] if contexts else None,
    )


def _by_name(function: Callable[..., Any], parameter: Parameter) -> bool:
    if parameter.kind is Parameter.POSITIONAL_ONLY and parameter.default is Parameter.empty:
        raise TypeError(
            f"{_name(function)} takes {parameter.name!r} by position only, but job arguments are "
            "given by name; remove the '/' from its signature"
        )
    return parameter.kind in (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)


def _name(function: Callable[..., Any]) -> str:
    return getattr(function, "__qualname__", type(function).__qualname__)


def _takes_context(function: Callable[..., Any], parameter: Parameter) -> bool:
    if parameter.kind not in (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY):
        return False
    annotation = parameter.annotation
    if isinstance(annotation, str):
        annotation = resolve(function, annotation)
        if annotation is Any:
            text = parameter.annotation.translate(_QUOTES_AND_SPACES)
            return _CONTEXT_TEXT.fullmatch(text) is not None
    return JobContext in _members(annotation)


def _members(annotation: Any) -> Iterator[Any]:
    """The type itself, or the types of a union with None."""
    if typing.get_origin(annotation) is typing.Annotated:
        yield from _members(typing.get_args(annotation)[0])
    elif typing.get_origin(annotation) in (typing.Union, types.UnionType):
        members = [one for one in typing.get_args(annotation) if one is not type(None)]
        yield from members if len(members) == 1 else ()
    else:
        yield annotation


def resolve(function: Callable[..., Any], annotation: Any) -> Any:
    """The type that an annotation of `function` stands for; Any when it cannot be found out."""
    if annotation is Parameter.empty:
        return Any
    holder = types.SimpleNamespace(__annotations__={"value": annotation})
    try:
        return typing.get_type_hints(holder, _globals(function), _closure(function), True)["value"]
    except Exception:  # noqa: BLE001 - annotations are anybody's code, and may raise anything
        return Any


def _innermost(function: Callable[..., Any]) -> Any:
    while isinstance(function, partial):
        function = function.func
    inner = inspect.unwrap(function)
    return inner if hasattr(inner, "__globals__") else getattr(inner, "__call__", inner)  # noqa: B004


def _globals(function: Callable[..., Any]) -> dict[str, Any]:
    return getattr(_innermost(function), "__globals__", {})


def _closure(function: Callable[..., Any]) -> Mapping[str, Any]:
    """The names that the function's body takes from the functions around it."""
    inner = _innermost(function)
    code, cells = getattr(inner, "__code__", None), getattr(inner, "__closure__", None) or ()
    found: dict[str, Any] = {}
    for name, cell in zip(code.co_freevars if code else (), cells, strict=False):
        try:
            found[name] = cell.cell_contents
        except ValueError:  # a cell that has not been filled yet
            continue
    return found
