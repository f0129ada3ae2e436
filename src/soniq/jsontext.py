"""JSON text that every store can hold."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any, Final

from pydantic_core import from_json, to_json, to_jsonable_python

NO_NAN: Final = "NaN and infinities are no JSON and cannot be stored"

# pydantic's parser gives up at about 200 levels, its serialiser later: such text could be stored
# and never be read again.
_SUSPICIOUS_DEPTH: Final = 180

# It gives up at longer numbers too. Whoever looks at every 83rd byte alone sees 51 digits of such a
# number in a row, and hardly ever as many of anything else.
_MOST_DIGITS: Final = 4300
_STRIDE: Final = 83
_DIGITS: Final = re.compile(rb"[0-9]{51}")


def dump_json(value: Any) -> str:
    """Return `value` as JSON text.

    Raises:
        ValueError: it holds something JSON or a store cannot carry: an object pydantic doesn't
            know, NaN, an infinity, a NUL character, a lone surrogate, a circle, too many levels,
            a number of too many digits.
    """
    text = encode(lambda: to_json(value, bytes_mode="base64", inf_nan_mode="constants"))
    # A model writes its own NaN as null unless it was told otherwise.
    if "null" in text and holds_nan(to_jsonable_python(value, bytes_mode="base64")):
        raise ValueError(NO_NAN)
    return text


def encode(serialise: Callable[[], bytes]) -> str:
    """Return the JSON text that `serialise` makes, checked like `dump_json` does."""
    try:
        raw = serialise()
    except ValueError as error:
        raise ValueError(_reason(error)) from error
    if (
        b"\\u0000" in raw
        or b"NaN" in raw
        or b"Infinity" in raw
        or raw.count(b"[") + raw.count(b"{") > _SUSPICIOUS_DEPTH
        or (len(raw) > _MOST_DIGITS and _DIGITS.search(raw[::_STRIDE]))
    ):
        _look_closer(raw)
    return raw.decode()


def _reason(error: ValueError) -> str:
    text = str(error).removeprefix("Error serializing to JSON: ")
    if "surrogates not allowed" in text:
        return "a lone surrogate is no text that can be stored"
    return f"it cannot be written as JSON: {text}"


def _look_closer(raw: bytes) -> None:
    """Tell a real NaN, NUL, abyss or endless number from text that only looks like one."""
    try:
        value = from_json(raw, allow_inf_nan=False)
    except ValueError as error:
        if "recursion limit" in str(error):
            raise ValueError("it is nested too deeply; about 180 levels are possible") from error
        if "out of range" in str(error):
            raise ValueError(f"a number has more than {_MOST_DIGITS} digits") from error
        raise ValueError(NO_NAN) from error
    if _holds_nul(value):
        raise ValueError("a NUL character is no text that can be stored")


def holds_nan(value: Any) -> bool:
    """Whether plain data hold a NaN or an infinity."""
    if isinstance(value, float):
        return not math.isfinite(value)
    if isinstance(value, dict):
        return any(map(holds_nan, value.values()))
    return isinstance(value, list | tuple | set | frozenset) and any(map(holds_nan, value))


def _holds_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\x00" in value
    if isinstance(value, dict):
        return any("\x00" in key or _holds_nul(item) for key, item in value.items())
    return isinstance(value, list) and any(map(_holds_nul, value))


def document(text: Any) -> Any:
    """What is stored as JSON. What somebody has edited into none is given as it stands."""
    try:
        return from_json(text)
    except (TypeError, ValueError):
        return text


def canonical(text: str) -> bytes:
    """The same JSON for equal values: keys sorted, no spaces, whole floats as integers."""
    return to_json(_ordered(from_json(text)))


def _ordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _ordered(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [_ordered(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
