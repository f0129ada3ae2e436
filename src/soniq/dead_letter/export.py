"""Dead letters as a file: written page by page, and in its place only when it is whole."""

from __future__ import annotations

import asyncio
import csv
import io
import os
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from datetime import UTC, datetime
from itertools import chain, count
from pathlib import Path
from typing import Any, Final, TextIO

from pydantic_core import to_json

from soniq.backends.dead_letters import DeadLetterJob
from soniq.redaction import Redaction

Pages = AsyncIterator[list[DeadLetterJob]]
FORMATS: Final = ("json", "jsonl", "csv")
KEYS: Final = tuple(field.name for field in fields(DeadLetterJob))


def check_format(name: str) -> None:
    """See that there is such a format.

    Raises:
        ValueError: there is not.
    """
    if name not in FORMATS:
        raise ValueError(f"format must be one of {', '.join(FORMATS)}, got {name!r}")


@contextmanager
def new_file(format: str) -> Iterator[Path]:
    """A place in the current directory, named after the time, that is nobody else's in the block.

    Who holds the unfinished file has the name: another export of the same second takes the next.
    """
    name = f"dead_letters_{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    names = chain([name], (f"{name}_{number}" for number in count(2)))
    place = next(filter(_reserved, (Path(f"{each}.{format}") for each in names)))
    try:
        yield place
    finally:
        _unfinished(place).unlink(missing_ok=True)


def _reserved(place: Path) -> bool:
    """Whether nothing is there, nor can be before its unfinished file is gone."""
    unfinished = _unfinished(place)
    try:
        unfinished.touch(exist_ok=False)
    except FileExistsError:
        return False
    # Looked for only now: from here on nobody else finishes a file of this name.
    if place.exists():
        unfinished.unlink(missing_ok=True)
        return False
    return True


def _unfinished(place: Path) -> Path:
    return place.with_name(f"{place.name}.part")


def as_shown(job: DeadLetterJob, redaction: Redaction) -> dict[str, Any]:
    """A dead letter by its keys, without the arguments that are secret."""
    values = {key: getattr(job, key) for key in KEYS}
    return values | {"args": redaction.args(job.job_name, job.args)}


async def export(
    pages: Pages, format: str, place: Path | TextIO, redaction: Redaction
) -> AsyncIterator[int]:
    """Write `pages`; gives the number of dead letters of each once it is written.

    A file is there whole or not at all.
    """
    with _open(place) as stream:
        start, rows, end = _FORMATS[format]
        await asyncio.to_thread(stream.write, start())
        first = True
        async for page in pages:
            text = rows([as_shown(job, redaction) for job in page], first)
            await asyncio.to_thread(stream.write, text)
            first = False
            yield len(page)
        await asyncio.to_thread(stream.write, end(first))


@contextmanager
def _open(place: Path | TextIO) -> Iterator[TextIO]:
    if not isinstance(place, Path):
        yield place
        place.flush()
        return
    unfinished = _unfinished(place)
    try:
        with unfinished.open("w", encoding="utf-8", newline="") as stream:
            yield stream
        unfinished.replace(place)
    finally:
        unfinished.unlink(missing_ok=True)


Rows = Sequence[dict[str, Any]]
Format = tuple[Callable[[], str], Callable[[Rows, bool], str], Callable[[bool], str]]
"""The text before all rows, that of some rows (the first or not), and that after all (or none)."""


def _lines(rows: Rows) -> list[str]:
    return [to_json(row).decode() for row in rows]


def _json_lines(rows: Rows, _: bool) -> str:
    return "".join(f"{line}\n" for line in _lines(rows))


def _json_items(rows: Rows, first: bool) -> str:
    return ("\n" if first else ",\n") + ",\n".join(_lines(rows))


def _csv_head() -> str:
    return ",".join(KEYS) + "\r\n"


def _csv_rows(rows: Rows, _: bool) -> str:
    text = io.StringIO()
    csv.writer(text).writerows([_csv_cell(row[key]) for key in KEYS] for row in rows)
    return text.getvalue()


def _csv_cell(value: Any) -> Any:
    if isinstance(value, dict | list):
        return to_json(value).decode()
    return value.isoformat() if isinstance(value, datetime) else value


_FORMATS: Final[dict[str, Format]] = {
    "json": (lambda: "[", _json_items, lambda empty: "]\n" if empty else "\n]\n"),
    "jsonl": (lambda: "", _json_lines, lambda _: ""),
    "csv": (_csv_head, _csv_rows, lambda _: ""),
}


def name_of(place: Path | TextIO) -> str:
    """What to call the place where an export went."""
    return os.fspath(place) if isinstance(place, Path) else str(getattr(place, "name", "<stream>"))
