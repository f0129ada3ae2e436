"""Whatever is typed after `soniq`: an exit code of 0, 1 or 2, and an error meant for people."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
from pydantic import ValidationError

from soniq import SoniqError, cli
from soniq.backends.base import BackendError
from soniq.cli import dev_session, invocation, scheduler, working
from soniq.cli.failures import CommandFailed, report
from soniq.dashboard import server
from tests.fuzz.command_lines import DATABASE, MODULE, SOUND, every_command, fill, lines
from tests.fuzz.effort import each, efforts

_FOR_PEOPLE: Final = (CommandFailed, SoniqError, ValidationError, BackendError, ConnectionError)


class Ended(NamedTuple):
    """What came of a line."""

    code: Any
    out: str
    err: str
    reported: list[Exception]


class Terminal:
    """Types lines in a folder that holds code and a store."""

    def __init__(
        self,
        ids: Mapping[str, str],
        patch: pytest.MonkeyPatch,
        capture: pytest.CaptureFixture[str],
    ) -> None:
        self._ids = ids
        self._patch = patch
        self._capture = capture

    def types(self, *words: str) -> Ended:
        reported: list[Exception] = []

        def recorded(error: Exception, **more: Any) -> None:
            reported.append(error)
            report(error, **more)

        # Each command is a process of its own, which imports the code anew.
        sys.modules.pop(MODULE, None)
        with self._patch.context() as patch:
            patch.setattr(cli, "report", recorded)
            patch.setattr(invocation, "report", recorded)
            patch.setattr(sys, "argv", ["soniq", *(self._ids.get(word, word) for word in words)])
            with pytest.raises(SystemExit) as ended:
                cli.main()
        return Ended(ended.value.code, *self._capture.readouterr(), reported)


@pytest.fixture
def terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Terminal:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("SONIQ_DATABASE_URL", DATABASE)
    ids = asyncio.run(fill(tmp_path))
    monkeypatch.setenv("SONIQ_DATABASE_TIMEOUT", "0.2")
    _let_end(monkeypatch)
    return Terminal(ids, monkeypatch, capfd)


def _let_end(patch: pytest.MonkeyPatch) -> None:
    """What goes on until it is stopped gets as far as it goes on, and ends there."""

    @contextmanager
    def stopped(stop: asyncio.Event) -> Iterator[None]:
        stop.set()
        yield

    async def at_once(self: Any) -> None: ...

    patch.setattr(scheduler, "stop_signals", stopped)
    patch.setattr(server._Server, "main_loop", at_once)
    patch.setattr(dev_session.DevSession, "run", at_once)
    # It is meant for a process that is a worker and nothing else.
    patch.setattr(working, "spare_the_collector", lambda: None)


def test_each_command_is_typed() -> None:
    assert {" ".join(command.words) for command in every_command()} == SOUND.keys()


@pytest.mark.parametrize("command", SOUND)
def test_sound_lines_get_through(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv("SONIQ_DATABASE_TIMEOUT", "10")
    ended = terminal.types(*command.split(), *SOUND[command])
    # The doctor is right to complain of a store without a worker.
    assert (ended.code, ended.reported) == (int(command == "doctor"), []), ended


@efforts
def test_any_words(effort: int, terminal: Terminal) -> None:
    def check(words: list[str]) -> None:
        ended = terminal.types(*words)
        assert ended.code in (0, 1, 2), words
        # On stdout there may be that of the dead letter.
        assert "Traceback" not in ended.err, words
        for error in ended.reported:
            assert isinstance(error, _FOR_PEOPLE), (words, error)
        if ended.code == 2:
            assert ended.err.strip(), words

    each(lines(), 100 * effort, check)
