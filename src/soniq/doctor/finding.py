"""What a check finds."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


class Finding(NamedTuple):
    """Something that is as it should be, or is not.

    Attributes:
        message: what was found.
        remedy: what to do about it; None where nothing is to be done.
    """

    level: Level
    message: str
    remedy: str | None = None


def ok(message: str) -> list[Finding]:
    return [Finding(Level.OK, message)]


def warning(message: str, remedy: str) -> list[Finding]:
    return [Finding(Level.WARNING, message, remedy)]


def error(message: str, remedy: str) -> list[Finding]:
    return [Finding(Level.ERROR, message, remedy)]
