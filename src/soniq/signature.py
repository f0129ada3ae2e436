"""What a handler's signature says: which job arguments it takes, and where its context goes."""

from __future__ import annotations

import ast
import inspect
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from inspect import Parameter
from typing import Any, Final

from soniq.job import JobContext

_NOTHING: Final = (None, types.NoneType)


@dataclass(frozen=True, slots=True)
class Signature:
    """The job arguments of a handler.

    Attributes:
        parameters: those that may be given by name, in order, without the context.
        required: the names of those without a default.
        rest: the one that takes any other keyword.
        context_parameter: the one that receives the `JobContext`.
    """

    parameters: tuple[Parameter, ...]
    required: frozenset[str]
    rest: Parameter | None
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
        rest=next((p for p in parameters if p.kind is Parameter.VAR_KEYWORD), None),
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
    annotation = resolve(function, parameter.annotation)
    if annotation is Any:
        annotation = parameter.annotation
    return [one for one in _members(annotation) if one not in _NOTHING] == [JobContext]


def _members(annotation: Any) -> Iterator[Any]:
    """The type itself, or those of a union."""
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if isinstance(annotation, typing.ForwardRef):
        yield from _members(annotation.__forward_arg__)
    elif isinstance(annotation, str):
        yield from _spelled(annotation)
    elif origin is typing.Annotated:
        yield from _members(args[0])
    elif origin in (typing.Union, types.UnionType):
        for one in args:
            yield from _members(one)
    else:
        yield annotation


def _spelled(text: str) -> Iterator[Any]:
    """The members of a type as text, where its name cannot be resolved.

    It is imported for type checkers only, then: whatever is called JobContext is taken for it.
    """
    try:
        yield from _written(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, ValueError):
        yield Any


def _written(node: ast.expr) -> Iterator[Any]:
    match node:
        case ast.Name(id="JobContext") | ast.Attribute(attr="JobContext"):
            yield JobContext
        case ast.Constant(value=None):
            yield None
        case ast.Constant(value=str(text)):
            yield from _spelled(text)
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            yield from (*_written(left), *_written(right))
        case ast.Subscript(value=ast.Name(id=word) | ast.Attribute(attr=word), slice=inside):
            parts = inside.elts if isinstance(inside, ast.Tuple) else [inside]
            kept = {"Optional": parts, "Union": parts, "Annotated": parts[:1]}.get(word)
            yield from (one for part in kept for one in _written(part)) if kept else (Any,)
        case _:
            yield Any


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
