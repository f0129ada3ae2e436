"""Job arguments: checked against the handler's signature, stored as JSON, restored for the run.

Handlers whose annotations JSON carries by itself (int, str, list, dict, Any ...) never meet
pydantic: the exact types of the values are compared, and only a mismatch takes the long way.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cached_property
from inspect import Parameter
from typing import Any, Final, Union

from pydantic import BaseModel, TypeAdapter
from pydantic.errors import PydanticUserError
from pydantic_core import from_json

from soniq.exact_types import exact_types
from soniq.jsontext import dump_json
from soniq.secret_types import Secrets
from soniq.set_order import in_order
from soniq.signature import Signature, resolve
from soniq.spelling import did_you_mean
from soniq.typed_json import Misfit, Place, TypedJson, fields_adapter

__all__ = ["ArgumentCodec", "InvalidArguments", "dump_json", "restore"]

NO_SUCH_ARGUMENT: Final = "the job takes no such argument"
_SETS: Final = frozenset({set, frozenset})


class InvalidArguments(ValueError):
    """Arguments that don't fit.

    Args:
        errors: what is wrong, one sentence each, without the values.
    """

    def __init__(self, errors: list[str]) -> None:
        super().__init__("; ".join(errors))
        self.errors = errors


class ArgumentCodec:
    """The arguments of one job, on their way to the store and back.

    Args:
        function: the handler; None for a job that lives elsewhere.
        signature: what `read_signature` said about it.
        model: pydantic model that checks all arguments in place of the annotations.
        hidden: argument names, in any case, whose values no error may quote; keys inside
            arguments count as well.
    """

    def __init__(
        self,
        function: Any = None,
        signature: Signature | None = None,
        model: type[BaseModel] | None = None,
        hidden: Collection[str] = (),
    ) -> None:
        self._function = function
        self._parameters = signature.parameters if signature else ()
        self._required = signature.required if signature else frozenset[str]()
        self._names = signature.names if signature else frozenset[str]()
        self._rest = signature.rest if signature else None
        self._open_ended = signature is None or self._rest is not None
        self._model = model
        self._hidden = hidden

    @property
    def types(self) -> Mapping[str, Any]:
        """The type of each argument by its name in stored text, Any where none is known."""
        if self._model is None:
            return self._annotations
        fields = self._model.model_fields
        return {
            name: field.annotation
            for own, field in fields.items()
            for name in (own, field.serialization_alias or field.alias or own)
        }

    def is_secret(self, name: str) -> bool:
        """Whether the type of an argument says that its value is not to be shown."""
        return self._secrets.by_type(name)

    def dump(self, arguments: Mapping[str, Any], *, comparable: bool = False) -> str:
        """Return `arguments` as the text of a JSON object.

        Args:
            arguments: name -> value.
            comparable: whether texts of equal arguments are to be equal, wherever sets are in them.

        Raises:
            InvalidArguments: they don't bind, validate or serialise.
        """
        if self._model is not None:
            return self._dump_model(arguments)
        self._check_names(arguments)
        try:
            if not self._fit(arguments):
                return self._typed.dump(arguments)[0]
            text = dump_json(arguments)
            look = comparable or not _SETS.isdisjoint(map(type, arguments.values()))
            return in_order(arguments, text) if look else text
        except Misfit as misfit:
            raise InvalidArguments(misfit.errors) from misfit
        except ValueError as error:
            raise InvalidArguments([_culprit(arguments, error)]) from error

    def load(self, text: str) -> dict[str, Any]:
        """Return the handler's keyword arguments from stored text.

        Raises:
            InvalidArguments: they fit the handler no longer.
        """
        try:
            if self._model is not None:
                return self._keywords(self._typed.load(text))
            arguments = from_json(text)
            self._check_names(arguments)
            return arguments if self._fit(arguments) else self._typed.load(text)  # type: ignore[no-any-return]
        except InvalidArguments:
            raise
        except Misfit as misfit:
            raise InvalidArguments(misfit.errors) from misfit
        except (ValueError, AttributeError) as error:
            raise InvalidArguments([f"the stored arguments are no JSON object: {error}"]) from error

    def _check_names(self, arguments: Mapping[str, Any]) -> None:
        keys = arguments.keys()
        known = keys <= self._names or (
            self._open_ended and all(isinstance(key, str) for key in keys)
        )
        if known and self._required <= keys:
            return
        raise InvalidArguments(
            [f"{name}: required argument is missing" for name in sorted(self._required - keys)]
            + [self._unexpected(key) for key in keys if key not in self._names]
        )

    def _unexpected(self, key: Any) -> str:
        if not isinstance(key, str):
            return f"{key!r}: the name of an argument must be text"
        return f"{key}: {NO_SUCH_ARGUMENT}{did_you_mean(key, self._names)}"

    def _fit(self, arguments: Mapping[str, Any]) -> bool:
        """Whether every value is exactly of a type that needs neither check nor restoring."""
        exact, rest = self._exact_types, self._exact_rest
        for name, value in arguments.items():
            allowed = exact.get(name, rest)
            if allowed is not None and type(value) not in allowed:
                return False
        return True

    @cached_property
    def _annotations(self) -> dict[str, Any]:
        """Resolved at first use, when the names an annotation refers to exist."""
        return {one.name: _annotation(self._function, one) for one in self._parameters}

    @cached_property
    def _others(self) -> Any:
        """The type of what no parameter is named for."""
        if self._rest is None or self._model is not None:
            return Any
        return _annotation(self._function, self._rest)

    @cached_property
    def _exact_types(self) -> dict[str, frozenset[type] | None]:
        """For each parameter: the types that need no check, maybe none; None where it is Any."""
        return {name: exact_types(kind) for name, kind in self._annotations.items()}

    @cached_property
    def _exact_rest(self) -> frozenset[type] | None:
        return exact_types(self._others)

    @cached_property
    def _secrets(self) -> Secrets:
        return Secrets(self.types, self._others, self._hidden)

    def _hides(self, place: Place) -> bool:
        return self._secrets.around(place)

    @cached_property
    def _typed(self) -> TypedJson:
        if self._model is not None:
            return TypedJson(TypeAdapter(self._model), self._hides)
        adapter = fields_adapter(
            self._annotations, open_ended=self._open_ended, others=self._others
        )
        return TypedJson(adapter, self._hides)

    def _dump_model(self, arguments: Mapping[str, Any]) -> str:
        try:
            text, model = self._typed.dump(dict(arguments))
        except Misfit as misfit:
            raise InvalidArguments(misfit.errors) from misfit
        self._keywords(model)
        return text

    def _keywords(self, model: BaseModel) -> dict[str, Any]:
        """The fields of the model, which the handler must be able to take."""
        fields = {name: getattr(model, name) for name in type(model).model_fields}
        fields.update(model.model_extra or {})
        self._check_names(fields)
        return fields


def restore(value: Any, kind: Any) -> Any:
    """Turn a stored result, as JSON gives it, back into a value of the type `kind`.

    Raises:
        ValueError: it is not of that type.
    """
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return kind.model_validate_json(dump_json(value))
    adapter = fields_adapter({"value": kind})
    return adapter.validate_json(dump_json({"value": value}))["value"]


def _annotation(function: Any, parameter: Parameter) -> Any:
    """The parameter's type, Any where pydantic can make nothing of it."""
    kind = resolve(function, parameter.annotation)
    if kind is Any:
        return Any
    if parameter.default is None:
        kind = Union[kind, None]  # noqa: UP007 - `|` is not defined for every annotation
    try:
        fields_adapter({parameter.name: kind})
    except (PydanticUserError, NameError, TypeError):
        return Any
    return kind


def _culprit(arguments: Mapping[str, Any], error: ValueError) -> str:
    """The argument that cannot be stored, and why."""
    for name, value in arguments.items():
        try:
            dump_json({name: value})
        except ValueError as reason:
            return f"{name}: {reason}"
    return str(error)
