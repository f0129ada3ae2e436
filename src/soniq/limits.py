"""What the columns of a job may hold. Everything here is refused before anything is stored."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

MAX_QUEUE_LENGTH: Final = 128
MAX_DEDUP_KEY_LENGTH: Final = 512
MAX_DELAY: Final = 10 * 365 * 86400.0
"""Seconds: ten years, the furthest a delay may reach."""
MOST_RETRIES: Final = 1_000_000
LONGEST_ERROR: Final = 8192
"""Characters of a job's last error."""
MOST_ROWS: Final = 10**12
"""What a limit or an offset counts for at most: no store holds as many, and each can add two."""


def stored_id(value: object) -> str | None:
    """The id as every store spells it, however it is spelt here; None if no row can have it."""
    try:
        return str(UUID(str(value)))
    except ValueError:
        return None


def check_text(label: str, value: Any, longest: int | None = None) -> str:
    """Return `value` if it is text that every store can hold.

    Raises:
        TypeError: it is no text.
        ValueError: it is empty, too long, or holds NUL or a lone surrogate.
    """
    if not isinstance(value, str):
        raise TypeError(f"{label} must be text, got {type(value).__name__}")
    if not value:
        raise ValueError(f"{label} must not be empty")
    if longest is not None and len(value) > longest:
        raise ValueError(f"{label} has {len(value)} characters; at most {longest} are possible")
    if not can_be_stored(value):
        raise ValueError(f"{label} holds a NUL character or a lone surrogate; no store takes those")
    return value


def can_be_stored(text: str) -> bool:
    """Whether it is free of NUL characters and lone surrogates, which no store takes."""
    return "\x00" not in text and (text.isascii() or not _has_surrogate(text))


def _has_surrogate(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)


def check_queue(value: Any) -> str:
    """Return `value` if it can name a queue."""
    return check_text("queue", value, MAX_QUEUE_LENGTH)


def check_dedup_key(value: Any) -> str:
    """Return `value` if it can be a dedup key."""
    return check_text("dedup_key", value, MAX_DEDUP_KEY_LENGTH)


def check_priority(value: Any) -> int:
    """Return `value` if it is a priority.

    Raises:
        ValueError: it is no whole number from 1 to 1000.
    """
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 1000:
        raise ValueError(
            f"priority must be a whole number from 1 to 1000 (lower runs first), got {value!r}"
        )
    return value


def check_attempts(label: str, value: Any) -> int:
    """Return `value` if a job may run so often.

    Raises:
        ValueError: it is no whole number from 1 up, or more than any job's retries allow.
    """
    most = MOST_RETRIES + 1
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
        raise ValueError(f"{label} must be a whole number from 1 to {most}, got {value!r}")
    return value


def check_seconds(label: str, value: Any) -> float:
    """Return `value`, a number of seconds or a timedelta, as seconds.

    Raises:
        TypeError: it is neither.
        ValueError: it is negative, not finite, or more than ten years.
    """
    if isinstance(value, timedelta):
        value = value.total_seconds()
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{label} must be seconds or a timedelta, got {type(value).__name__}")
    if not 0 <= value <= MAX_DELAY:
        raise ValueError(f"{label} must be from 0 seconds to ten years, got {value!r} seconds")
    return float(value)
