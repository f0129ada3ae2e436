"""The log of a command: plain or JSON, without passwords, beside what the program set up itself."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from soniq.cli.logs import JsonFormatter, PlainFormatter, set_up_logging


@contextmanager
def bare_logging() -> Iterator[logging.Logger]:
    """The root logger without handlers, put back afterwards."""
    root, soniq = logging.getLogger(), logging.getLogger("soniq")
    before = root.handlers[:], root.level, soniq.level
    root.handlers.clear()
    yield root
    root.handlers[:], level, soniq_level = before
    root.setLevel(level)
    soniq.setLevel(soniq_level)


def record(message: str, **extra: object) -> logging.LogRecord:
    found = logging.makeLogRecord({"name": "soniq.worker", "levelname": "INFO", "msg": message})
    vars(found).update(extra)
    return found


def test_a_json_line_is_one_object_with_what_the_record_carries() -> None:
    entry = json.loads(JsonFormatter().format(record("started", worker_id="w1", load=float("nan"))))

    assert entry["message"] == "started"
    assert entry["level"] == "INFO"
    assert entry["logger"] == "soniq.worker"
    assert entry["worker_id"] == "w1"
    assert entry["timestamp"].endswith("Z")


def test_a_json_line_holds_the_traceback() -> None:
    try:
        raise RuntimeError("broken")
    except RuntimeError as error:
        entry = json.loads(
            JsonFormatter().format(record("failed", exc_info=(RuntimeError, error, None)))
        )

    assert "RuntimeError: broken" in entry["exception"]


@pytest.mark.parametrize("formatter", [PlainFormatter(), JsonFormatter()])
def test_passwords_are_not_logged(formatter: logging.Formatter) -> None:
    line = formatter.format(record("connecting to postgresql://me:hunter2@host/app"))

    assert "hunter2" not in line
    assert "postgresql://me:***@host/app" in line


def test_a_json_line_stays_json_when_a_password_is_taken_out() -> None:
    entry = json.loads(JsonFormatter().format(record("host=here password=hunter2")))

    assert entry["message"] == "host=here password=***"


def test_the_level_is_that_of_soniq_and_the_programs_own_lines_are_heard_from_info_up(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with bare_logging():
        set_up_logging("DEBUG", "plain")

        logging.getLogger("soniq.worker").debug("of soniq")
        logging.getLogger("myapp.jobs").info("of the program")
        logging.getLogger("asyncpg").debug("of a library")

    logged = capsys.readouterr().err
    assert "DEBUG soniq.worker: of soniq" in logged
    assert "INFO myapp.jobs: of the program" in logged
    assert "of a library" not in logged


def test_a_program_that_set_up_logging_keeps_it() -> None:
    with bare_logging() as root:
        root.addHandler(handler := logging.NullHandler())

        set_up_logging("WARNING", "json")

        assert root.handlers == [handler]
        assert logging.getLogger("soniq").level == logging.WARNING


def test_a_json_line_hides_passwords_inside_what_the_record_carries() -> None:
    url = "postgresql://me:hunter2@host/app"
    line = JsonFormatter().format(record("x", tried={"urls": [url, ("deeper", url)]}, by={url}))

    assert "hunter2" not in line
    assert json.loads(line)["tried"]["urls"][0] == "postgresql://me:***@host/app"


def test_a_json_line_tells_of_objects_by_their_looks() -> None:
    class Opaque:
        def __repr__(self) -> str:
            return "<opaque password=hunter2 >"

    assert json.loads(JsonFormatter().format(record("x", thing=Opaque())))["thing"] == (
        "<opaque password=*** >"
    )
