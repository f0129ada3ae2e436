"""Values of one type as JSON text that restores to the same value.

What is stored is the JSON form of what the caller gave, so that validators run once for the
receiver, not twice. Only where that form would not restore to the validated value (a generator that
validation used up, bytes given for a text) the validated value's own form is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, cast

from pydantic import ConfigDict, SecretBytes, SecretStr, TypeAdapter, ValidationError
from pydantic_core import CoreConfig, SchemaSerializer, to_json
from typing_extensions import TypedDict

from soniq.jsontext import NO_NAN, encode, holds_nan
from soniq.set_order import in_order

# What pydantic writes in place of a secret.
_MASK: Final = "**********"

_WRITING: Final = CoreConfig(ser_json_bytes="base64", ser_json_inf_nan="constants")
# A path, an address ...: as text, if that restores it.
_INFERRED: Final[dict[str, Any]] = {"inf_nan_mode": "constants", "fallback": str}
_DUMP: Final[dict[str, Any]] = {"by_alias": True, "round_trip": True, "warnings": False}

Place = tuple[int | str, ...]
"""Where a value is: the names and positions that lead to it."""


class Misfit(ValueError):
    """A value that is not of the type, or does not survive as JSON.

    Args:
        errors: what is wrong, one sentence each, without the values.
    """

    def __init__(self, errors: list[str]) -> None:
        super().__init__("; ".join(errors))
        self.errors = errors


def fields_adapter(
    annotations: Mapping[str, Any], *, open_ended: bool = False, others: Any = Any
) -> TypeAdapter[Any]:
    """An adapter for a dict with some of the given keys, of the given types.

    Args:
        annotations: key -> type.
        open_ended: whether there may be other keys.
        others: their type.
    """
    fields = cast("Any", TypedDict)("Arguments", dict(annotations), total=False)
    fields.__pydantic_config__ = ConfigDict(
        extra="allow" if open_ended else "forbid", val_json_bytes="base64"
    )
    if open_ended and others is not Any:
        fields.__extra_items__ = others
    return TypeAdapter(fields)


class TypedJson:
    """One type's values to JSON and back.

    Args:
        adapter: validates them.
        is_secret: whether no sentence may quote what is in a place.
    """

    def __init__(
        self, adapter: TypeAdapter[Any], is_secret: Callable[[Place], bool] = lambda place: False
    ) -> None:
        self._adapter = adapter
        self._is_secret = is_secret
        # A typed dict hands its configuration down to its validators, not to its serialisers.
        self._serializer = SchemaSerializer(adapter.core_schema, _WRITING)

    def dump(self, given: Any) -> tuple[str, Any]:
        """Return the text to store, equal for equal sets, and the value it will restore to.

        Raises:
            Misfit: `given` does not validate, or no text restores it.
        """
        validated = self._checked(lambda: self._adapter.validate_python(given))
        problems: list[str] = []
        for value in (given, validated):
            try:
                for text in self._forms(value):
                    if self._restores(text, validated, problems):
                        return in_order(value, text), validated
            except ValueError as error:
                problems.append(str(error))
        raise Misfit([problems[0] if problems else "its JSON form restores to another value"])

    def load(self, text: str) -> Any:
        """Return the value that was stored as `text`.

        Raises:
            Misfit: the text is no longer of this type.
        """
        return self._checked(lambda: self._adapter.validate_json(text))

    def _forms(self, value: Any) -> Iterator[str]:
        """Ways to write `value`, the usual one first; secrets in the clear."""
        text = encode(lambda: self._serializer.to_json(value, **_DUMP))
        if _MASK not in text:
            yield text
            return
        plain = _revealed(self._serializer.to_python(value, **_DUMP))
        # Models say how they want their bytes; the arguments themselves want base64.
        yield encode(lambda: to_json(plain, bytes_mode="base64", **_INFERRED))
        yield encode(lambda: to_json(plain, bytes_mode="utf8", **_INFERRED))

    def _restores(self, text: str, validated: Any, problems: list[str]) -> bool:
        try:
            restored = self.load(text)
        except Misfit as misfit:
            problems += misfit.errors
            return False
        return bool(restored == validated) or self._same_form(restored, validated)

    def _same_form(self, restored: Any, validated: Any) -> bool:
        """The test for objects that have no equality of their own."""
        if holds_nan(self._serializer.to_python(validated, **_DUMP)):
            raise ValueError(NO_NAN)
        return list(self._forms(restored)) == list(self._forms(validated))

    def _checked(self, validate: Callable[[], Any]) -> Any:
        try:
            return validate()
        except ValidationError as error:
            # Its own text quotes the values, and a traceback that shows it is kept for long.
            raise Misfit(self._sentences(error)) from None

    def _sentences(self, error: ValidationError) -> list[str]:
        details = error.errors(include_url=False, include_context=False, include_input=False)
        return [self._sentence(one["loc"], one["msg"], one["type"]) for one in details]

    def _sentence(self, place: Place, message: str, kind: str) -> str:
        # The message may be a user's own and the names those of a dict: both can quote a secret.
        if self._is_secret(place):
            return f"{place[0]}: its value does not fit ({kind})"
        return f"{'.'.join(map(str, place))}: {message}".lstrip(": ")


def _revealed(value: Any) -> Any:
    """`value` with the secrets in it as what they hide."""
    if isinstance(value, SecretStr | SecretBytes):
        return value.get_secret_value()
    if isinstance(value, dict):
        return {key: _revealed(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_revealed(item) for item in value]
    return value
