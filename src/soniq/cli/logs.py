"""Where the log of a long-running command goes, and how it looks."""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime
from typing import Any, Final

from pydantic_core import to_json

from soniq.errors import masked
from soniq.logs import JobFilter

_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class PlainFormatter(logging.Formatter):
    """Lines for people, without passwords."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        return masked(super().format(record))


class JsonFormatter(logging.Formatter):
    """One JSON object a line: what every record has, and whatever else it carries.

    ``timestamp`` (UTC), ``level``, ``logger``, ``message``, and ``exception`` after an error; from
    Soniq ``event``; where they apply ``job_id``, ``job_name``, ``queue``, ``attempt`` and
    ``duration`` in seconds, and with OpenTelemetry ``trace_id`` and ``span_id``.
    """

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, Any] = {
            "timestamp": datetime.fromtimestamp(record.created, UTC),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        extra = {name: value for name, value in vars(record).items() if name not in _STANDARD}
        if record.exc_info:
            extra["exception"] = self.formatException(record.exc_info)
        fields = {name: _shown(value) for name, value in (extra | entry).items()}
        present = {name: fields[name] for name in (*entry, *extra) if fields[name] is not None}
        return to_json(present, fallback=_unknown, inf_nan_mode="strings").decode()


def _shown(value: Any) -> Any:
    """`value` without passwords."""
    match value:
        case str():
            return masked(value)
        case dict():
            return {str(name): _shown(inner) for name, inner in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_shown(inner) for inner in value]
        case _:
            return value


def _unknown(value: Any) -> str:
    return masked(repr(value))


def set_up_logging(level: str, log_format: str) -> None:
    """Send the log to stderr, from `level` up.

    A program that has set up logging of its own keeps it: only Soniq's level is set then. Else the
    program's own loggers are heard too, from INFO up, so that what handlers log is seen.

    Args:
        level: DEBUG, INFO, WARNING, ERROR or CRITICAL.
        log_format: ``plain`` or ``json``.
    """
    logging.getLogger("soniq").setLevel(level)
    root = logging.getLogger()
    if root.handlers:
        return
    handler = logging.StreamHandler(sys.stderr)
    if log_format == "json":
        handler.addFilter(JobFilter(outside=None))
        handler.setFormatter(JsonFormatter())
    else:
        handler.setFormatter(PlainFormatter())
    root.addHandler(handler)
    root.setLevel(max(logging.INFO, logging.getLogger("soniq").level))
