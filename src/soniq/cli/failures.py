"""An error in the words of the person who must act: one line, or a few, never a traceback."""

from __future__ import annotations

import sys
import traceback
from typing import Final

from pydantic import ValidationError

from soniq.backends.base import BackendError
from soniq.cli import output
from soniq.errors import SONIQ_INIT_ERROR, SoniqError, masked
from soniq.settings import SoniqSettings

_SETTINGS_TITLE: Final = "SoniqSettings"


class CommandFailed(Exception):
    """A command cannot go on.

    Args:
        summary: what happened and what to do, in one line.
        details: one more line each.
    """

    def __init__(self, summary: str, *details: str) -> None:
        super().__init__(summary)
        self.summary = summary
        self.details = details


def report(error: Exception, *, debug: bool, as_json: bool = False) -> None:
    """Print `error` on stderr; with `debug` its traceback too, `as_json` also as a document.

    A reader of JSON finds a document on stdout whatever happens.
    """
    if debug:
        sys.stderr.write(masked("".join(traceback.format_exception(error))))
    details = error.details if isinstance(error, CommandFailed) else ()
    if as_json:
        output.document({"error": {"code": _code(error), "message": masked(in_one_line(error))}})
    output.error(in_one_line(error), *details)


def wants_debug() -> bool:
    """Whether the configuration asks for tracebacks, if it can be read at all."""
    try:
        return SoniqSettings().debug
    except ValidationError:
        return False


def in_one_line(error: BaseException) -> str:
    """What `error` says and what to do about it, on a single line."""
    return " ".join(_wording(error).split())


def _wording(error: BaseException) -> str:
    match error:
        case CommandFailed():
            return error.summary
        case SoniqError():
            return _soniq_wording(error)
        case ValidationError():
            return _validation_wording(error)
        case BackendError() | ConnectionError() | TimeoutError():
            return (
                f"The database cannot be used: {_named(error)}. "
                "Check that it runs and that SONIQ_DATABASE_URL or --database-url is right."
            )
        case _:
            return _named(error)


def _soniq_wording(error: SoniqError) -> str:
    parts = [error.message]
    cause = error.__cause__
    if error.error_code == SONIQ_INIT_ERROR and cause is not None:
        told = cause.message if isinstance(cause, SoniqError) else str(cause)
        parts += [] if told in error.message else [f"({_wording(cause)})"]
    sentences = [_sentence(part) for part in (*parts, *error.suggestions)]
    return " ".join([*sentences, f"[{error.error_code}]"])


def _sentence(text: str) -> str:
    return text if text.rstrip().endswith((".", "!", "?")) else f"{text}."


def _validation_wording(error: ValidationError) -> str:
    settings = error.title == _SETTINGS_TITLE
    problems = (
        ": ".join(filter(None, [_place(problem["loc"], settings=settings), problem["msg"]]))
        for problem in error.errors(include_url=False, include_input=False, include_context=False)
    )
    what = "Invalid settings" if settings else f"Invalid {error.title}"
    return f"{what}: {'; '.join(problems)}"


def _place(location: tuple[int | str, ...], *, settings: bool) -> str:
    path = ".".join(map(str, location))
    return f"{path} (SONIQ_{str(location[0]).upper()})" if settings and location else path


def _named(error: BaseException) -> str:
    text = str(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _code(error: Exception) -> str:
    return error.error_code if isinstance(error, SoniqError) else type(error).__name__
