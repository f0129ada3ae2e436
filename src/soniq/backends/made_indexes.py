"""The indexes that migrations leave behind, read from their text."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

_COMMENT: Final = re.compile(r"--[^\n]*")
_STEP: Final = re.compile(
    r"CREATE\s+(?:UNIQUE\s+)?INDEX\s+(?:IF\s+NOT\s+EXISTS\s+)?(?P<made>\w+)\s+"
    r"ON\s+(?P<table>[\w.\"]+)[^;]*"
    r"|DROP\s+INDEX\s+(?:IF\s+EXISTS\s+)?(?P<dropped>\w+)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class MadeIndex:
    """An index, its table, and the statement that makes it, on one line."""

    name: str
    table: str
    statement: str


def made_indexes(migrations: Iterable[str]) -> list[MadeIndex]:
    """The indexes that are there once these migrations were applied one after the other."""
    made: dict[str, MadeIndex] = {}
    for text in migrations:
        for step in _STEP.finditer(_COMMENT.sub("", text)):
            if step["made"]:
                statement = " ".join(step[0].split())
                made[step["made"]] = MadeIndex(step["made"], step["table"], statement)
            else:
                made.pop(step["dropped"], None)
    return list(made.values())
