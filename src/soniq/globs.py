"""Names by pattern: ``*`` any text, ``?`` one character, ``[a-z]`` one of a set, ``[!a-z]`` none.

A pattern matches the whole name, upper and lower case differ, and a set that is not closed is
text, all as in Python's `fnmatch`. So every store gives the same answer: those that match in
Python call `matches`, the others run what `as_regex` makes of the pattern.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Final

_ANY: Final = ".*"
_ONE: Final = "."
_NONE: Final = "(?!)"


@lru_cache(maxsize=4096)
def matches(glob: str, name: str) -> bool:
    """Whether the whole of `name` is what `glob` describes."""
    return fnmatchcase(name, glob)


def as_regex(glob: str) -> str:
    """The regular expression, as Postgres understands them, that says the same as `glob`."""
    parts: list[str] = []
    position = 0
    while position < len(glob):
        character = glob[position]
        position += 1
        end = _set_end(glob, position) if character == "[" else -1
        if end >= 0:
            parts.append(_set(glob[position:end]))
            position = end + 1
        else:
            parts.append({"*": _ANY, "?": _ONE}.get(character) or _escaped(character))
    return f"^(?:{''.join(parts)})$"


def _set_end(glob: str, start: int) -> int:
    """Where the set that begins at `start` is closed, -1 if nowhere."""
    first = start + 1 if glob[start : start + 1] == "!" else start
    # A bracket that comes first is a member.
    return glob.find("]", first + 1 if glob[first : first + 1] == "]" else first)


def _set(members: str) -> str:
    negated = members.startswith("!")
    parts = _parts(members[negated:])
    if not negated and parts and parts[0].startswith("!"):
        # To fnmatch, what comes first is what does so once empty ranges are gone.
        negated, parts[:1] = True, parts[0][1:]
    if not parts:
        return _ONE if negated else _NONE
    inside = "".join(f"{_escaped(part[0])}-{_escaped(part[-1])}" for part in parts)
    return f"[{'^' if negated else ''}{inside}]"


def _parts(members: str) -> list[str]:
    """The characters and ranges; one that runs backwards is empty, and left out."""
    parts: list[str] = []
    position = 0
    while position < len(members):
        is_range = members[position + 1 : position + 2] == "-" and position + 2 < len(members)
        parts.append(members[position : position + (3 if is_range else 1)])
        position += len(parts[-1])
    return [part for part in parts if part[0] <= part[-1]]


def _escaped(character: str) -> str:
    """The character by its number, which means nothing else anywhere in an expression."""
    return f"\\U{ord(character):08x}"
