"""Did you mean ...? The nearest of the names that would have been right."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A question naming the nearest of `known`, to be appended to a sentence; ``""`` if none is."""
    meant = nearest(name, known)
    return "" if meant is None else f"; did you mean {meant!r}?"


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The nearest of `known`; None if none is near."""
    return next(iter(get_close_matches(name, sorted(known), n=1)), None)


def refuse_unknown(call: str, given: Iterable[str], known: Iterable[str]) -> None:
    """Refuse keywords that `call` doesn't have.

    Raises:
        TypeError: one of `given` is not in `known`.
    """
    names = frozenset(known)
    for name in given:
        if name not in names:
            hint = did_you_mean(name, names)
            raise TypeError(f"{call} got an unexpected keyword argument {name!r}{hint}")
