"""Whatever is typed after `soniq`: an exit code of 0, 1 or 2, and never a traceback."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import pytest
from hypothesis import strategies as st

from soniq.cli import main
from tests.fuzz.effort import each, efforts

# Not those that run until they are stopped.
_COMMANDS: Final = (
    *("setup", "migrate-status", "status", "inspect", "health", "doctor", "bogus", "worker"),
    *("jobs", "jobs list", "jobs show", "jobs cancel", "jobs enqueue"),
    *("dead-letter", "dead-letter list", "dead-letter replay", "dead-letter delete"),
    *("dead-letter export", "dead-letter cleanup", "schedules", "schedules list"),
    *("schedules pause", "schedules remove"),
)
_OPTIONS: Final = (
    *("--json", "--queue", "--status", "--limit", "--offset", "--args", "--priority", "--delay"),
    *("--dedup-key", "--app", "--jobs-modules", "--jobs", "--verbose", "--stale", "--cleanup"),
    *("--format", "--days", "--yes", "--help", "--all", "--reason", "--worker", "--nonsense"),
)
_words = st.one_of(
    st.sampled_from(_OPTIONS),
    st.sampled_from(
        ["{}", "{", "[1]", "-1", "0", "999999999999999999999", "nan", "inf", "a.b", "a:b", ""]
    ),
    st.sampled_from(["os:path", "json", "tests.none", "00000000-0000-0000-0000-000000000000"]),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12),
)


@efforts
def test_any_words(
    effort: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SONIQ_DATABASE_URL", "sqlite:///jobs.db")
    monkeypatch.setenv("SONIQ_DATABASE_TIMEOUT", "0.2")

    def check(given: tuple[str, list[str]]) -> None:
        command, words = given
        arguments = [*command.split(), *words]
        if command == "worker":
            # It must end by itself: a word that nobody knows sees to that.
            arguments.append("--nonsense")
        with monkeypatch.context() as patch:
            patch.setattr(sys, "argv", ["soniq", *arguments])
            with pytest.raises(SystemExit) as ended:
                main()
        said = capfd.readouterr()
        assert ended.value.code in (0, 1, 2), arguments
        assert "Traceback" not in said.err + said.out, arguments
        if ended.value.code == 2:
            assert said.err.strip(), arguments

    each(st.tuples(st.sampled_from(_COMMANDS), st.lists(_words, max_size=5)), 60 * effort, check)
