"""Queued rows that somebody has edited so that no claim can read them.

SQLite takes any value in any column. One such row would fail every claim that meets it, and so keep
all others waiting behind it: it is mended where only a time is spelt otherwise, as SQLite's own
functions do it, and else cancelled, with an error that tells what was wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from uuid_utils import uuid7

from soniq.backends.sqlite.database import Database
from soniq.backends.sqlite.times import moment, spelt, stamp

_AT_ONCE: Final = 1000
_SHOWN: Final = 80
_LARGEST: Final = 2**31
_TIMES: Final = frozenset({"scheduled_at", "created_at"})


def _is_text(value: Any) -> bool:
    return isinstance(value, bytes) and _decodes(value)


def _decodes(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def _is_text_or_nothing(value: Any) -> bool:
    return value is None or _is_text(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and -_LARGEST <= value < _LARGEST - 1


def _is_time(value: Any) -> bool:
    if not _is_text(value):
        return False
    try:
        return bool(stamp(moment(value.decode())) == value.decode())
    except (ValueError, OverflowError):
        return False


def _is_id(value: Any) -> bool:
    if not _is_text(value):
        return False
    try:
        return bool(str(UUID(value.decode())) == value.decode())
    except ValueError:
        return False


_SOUND: Final[Mapping[str, Callable[[Any], bool]]] = {
    "id": _is_id,
    "job_name": _is_text,
    "queue": _is_text,
    "priority": _is_number,
    "attempts": _is_number,
    "max_attempts": _is_number,
    "crashes": _is_number,
    "claim": _is_number,
    "dedup_key": _is_text_or_nothing,
    "producer_id": _is_text_or_nothing,
    "trace": _is_text_or_nothing,
    "scheduled_at": _is_time,
    "created_at": _is_time,
    "args": _is_text,
}


def set_aside(database: Database) -> list[str]:
    """Make queued rows readable that are not, and say what was done.

    A time that is only spelt otherwise than Soniq does is rewritten. What else cannot be read is
    cancelled.
    """
    # Text and blobs both come as bytes: so a blob comes as a number, which is no text.
    columns = ", ".join(f"iif(typeof({name}) = 'blob', 0.5, {name})" for name in _SOUND)
    queued = f"SELECT rowid, {columns} FROM soniq_jobs WHERE status = 'queued'"
    found = [row[0] for row in database.raw(queued) if _spoilt(row)][:_AT_ONCE]
    respelt: list[str] = []
    cancelled: list[str] = []
    for rowid in found:
        with database.writing() as now:
            for row in list(database.raw(f"{queued} AND rowid = {rowid}")):
                spoilt = _spoilt(row)
                if times := _respelt(spoilt):
                    _update(database, rowid, times)
                    respelt.append(row[1].decode())
                elif spoilt:
                    cancelled.append(_cancel(database, row, spoilt, stamp(now)))
    return [
        *_told(respelt, "had times spelt otherwise, which were rewritten"),
        *_told(cancelled, "had rows that could not be read, and were cancelled"),
    ]


def _told(ids: Sequence[str], what: str) -> list[str]:
    return [f"Queued jobs {what}: {', '.join(ids)}"] if ids else []


def _respelt(spoilt: Mapping[str, Any]) -> dict[str, str]:
    """The times as they are stored, if nothing else is wrong."""
    times = {column: spelt(value.decode()) for column, value in spoilt.items() if _is_text(value)}
    try:
        stamps = {column: stamp(time) for column, time in times.items() if time is not None}
    except OverflowError:
        return {}
    return stamps if stamps.keys() == spoilt.keys() <= _TIMES else {}


def _spoilt(row: tuple[Any, ...]) -> dict[str, Any]:
    """The columns with what no claim can read."""
    values = zip(_SOUND.items(), row[1:], strict=True)
    return {column: value for (column, sound), value in values if not sound(value)}


def _cancel(database: Database, row: tuple[Any, ...], spoilt: Mapping[str, Any], now: str) -> str:
    told = ", ".join(f"{column} was {_shown(value)}" for column, value in spoilt.items())
    job_id = str(uuid7()) if "id" in spoilt else row[1].decode()
    stand_ins = {
        "id": job_id,
        "job_name": "unreadable",
        "queue": "default",
        "priority": 100,
        "max_attempts": 1,
        "scheduled_at": now,
        "created_at": now,
        "args": "{}",
        "dedup_key": None,
        "producer_id": None,
        "trace": None,
    }
    changes = {column: stand_ins.get(column, 0) for column in spoilt} | {
        "status": "cancelled",
        "finished_at": now,
        "updated_at": now,
        "last_error": f"Cancelled, for its row could not be read: {told}",
    }
    _update(database, row[0], changes)
    return job_id


def _update(database: Database, rowid: int, changes: Mapping[str, Any]) -> None:
    assignments = ", ".join(f"{column} = :{column}" for column in changes)
    database.execute(
        f"UPDATE soniq_jobs SET {assignments} WHERE rowid = :rowid", {**changes, "rowid": rowid}
    )


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
