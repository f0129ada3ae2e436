"""Which dead letters a call is about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from soniq.backends.dead_letters import Selection
from soniq.limits import check_text
from soniq.records import DeadLetterReason

_LONGEST_GLOB: Final = 1024
_FIRST: Final = datetime.min.replace(tzinfo=UTC)
_LAST: Final = datetime.max.replace(tzinfo=UTC)


@dataclass(slots=True)
class DeadLetterFilter:
    """Which dead letters are meant; what is left out asks for nothing.

    Attributes:
        job_names: names or globs (``mail.*``), one of which must match; 1024 characters at most.
        queues: the queue is one of these.
        reasons: the reason is one of these.
        date_from: given up then or later; an aware datetime.
        date_to: given up then or earlier.
        tags: at least one of these is among its tags.
        has_been_resurrected: whether it has been replayed.
        limit: the newest so many; None lists 1000, and means every one to all else.
        offset: passes over so many of the newest.
    """

    job_names: Sequence[str] | None = None
    queues: Sequence[str] | None = None
    reasons: Sequence[DeadLetterReason | str] | None = None
    date_from: datetime | None = None
    date_to: datetime | None = None
    tags: Sequence[str] | None = None
    has_been_resurrected: bool | None = None
    limit: int | None = None
    offset: int = 0


def selection_of(chosen: DeadLetterFilter) -> Selection:
    """The conditions of a filter, checked.

    Raises:
        TypeError: a single text in place of a list, or values of another type.
        ValueError: an unknown reason, a naive time, a limit or an offset below 0, a glob so long
            that not every store can match it.
    """
    _check_number("limit", 0 if chosen.limit is None else chosen.limit)
    _check_number("offset", chosen.offset)
    return Selection(
        job_names=_globs(chosen.job_names),
        queues=_texts("queues", chosen.queues),
        reasons=_reasons(chosen.reasons),
        date_from=_aware("date_from", chosen.date_from),
        date_to=_aware("date_to", chosen.date_to),
        tags=_texts("tags", chosen.tags),
        resurrected=chosen.has_been_resurrected,
    )


def check_tags(tags: Any) -> tuple[str, ...]:
    """Tags to be stored.

    Raises:
        TypeError: a single text in place of a list, or values of another type.
        ValueError: a text that is empty, or that no store can hold.
    """
    if (texts := _texts("tags", tags)) is None:
        raise TypeError("tags must be a list of texts, got None")
    return tuple(check_text("one of the tags", tag) for tag in texts)


def check_glob(glob: str) -> str:
    """Return `glob` if it is a pattern of names that every store can match.

    Raises:
        ValueError: it is too long.
    """
    if len(glob) > _LONGEST_GLOB:
        raise ValueError(
            f"a pattern has {len(glob)} characters; at most {_LONGEST_GLOB} are possible"
        )
    return glob


def _texts(label: str, values: Any) -> tuple[str, ...] | None:
    if values is None:
        return None
    if isinstance(values, str | bytes | dict):
        raise TypeError(f"{label} must be a list of texts, got {values!r}; write [{values!r}]")
    texts: tuple[str, ...] = tuple(values)
    for text in texts:
        if not isinstance(text, str):
            raise TypeError(f"{label} must hold texts, got {type(text).__name__}")
    return texts


def _globs(values: Any) -> tuple[str, ...] | None:
    globs = _texts("job_names", values)
    return None if globs is None else tuple(map(check_glob, globs))


def _reasons(values: Any) -> tuple[str, ...] | None:
    reasons = _texts("reasons", values)
    known = [reason.value for reason in DeadLetterReason]
    for reason in reasons or ():
        if reason not in known:
            raise ValueError(f"{reason!r} is no dead-letter reason; they are {', '.join(known)}")
    return None if reasons is None else tuple(str(reason) for reason in reasons)


def _aware(label: str, time: Any) -> datetime | None:
    if time is None:
        return None
    if not isinstance(time, datetime):
        raise TypeError(f"{label} must be an aware datetime, got {type(time).__name__}")
    if time.utcoffset() is None:
        raise ValueError(f"{label} must have a time zone, got the naive {time.isoformat()}")
    try:
        return time.astimezone(UTC)
    except OverflowError:
        # Beside the first or the last moment in UTC, and as far from every dead letter.
        return _FIRST if time.year == _FIRST.year else _LAST


def _check_number(label: str, value: Any) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"{label} must be a whole number from 0 up, got {value!r}")
