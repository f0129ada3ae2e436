"""Commands as a person meets them on a terminal: questions, bars, colours and Ctrl+C."""

from __future__ import annotations

import sys

import pytest

from tests.cli.databases import Database
from tests.terminals import CTRL_C, Terminal

MANY = 40_000
UNENDING = """
import asyncio
from itertools import count
from soniq.dead_letter.letters import Letters

pick, picks = Letters._pick, count(1)

async def pick_some(self, *asked):
    if next(picks) > 10:
        await asyncio.sleep(60)
    return await pick(self, *asked)

Letters._pick = pick_some
"""
"""For a module of jobs: half of `MANY` is walked through, and the rest is not come to."""


def terminal(database: Database, *arguments: str, jobs: str = "", **env: str) -> Terminal:
    database.write_jobs(jobs)
    command = [sys.executable, "-m", "soniq", "dead-letter", *arguments]
    return Terminal(command, cwd=database.project.folder, env=env)


def test_a_yes_is_asked_for_and_a_bar_shows_the_work(database: Database) -> None:
    database.give_up(6)

    with terminal(database, "replay", "jobs:app", "--all") as shown:
        shown.until(r"Replay 6 dead letters\? \[y/N\]")
        assert database.counts() == {"dead_letter": 6}
        shown.press("y\n")
        assert shown.exit_code() == 0

    assert "6/6" in shown.text
    assert "✓ Replayed 6 of 6 dead letters" in shown.text
    assert shown.colourful
    assert database.counts() == {"queued": 6, "dead_letter": 6}


@pytest.mark.parametrize("keys", ["n\n", "\n", CTRL_C])
def test_anything_but_a_yes_changes_nothing(database: Database, keys: str) -> None:
    database.give_up(5)

    with terminal(database, "delete", "jobs:app", "--all") as shown:
        shown.until(r"\[y/N\]")
        shown.press(keys)
        assert shown.exit_code() == 1

    assert "Nothing was changed" in shown.text
    assert "Traceback" not in shown.text
    assert database.counts() == {"dead_letter": 5}


def test_no_color_is_honoured(database: Database) -> None:
    database.give_up(6)

    with terminal(database, "delete", "--all", "--yes", "--app", "jobs:app", NO_COLOR="1") as shown:
        assert shown.exit_code() == 0

    assert "6/6" in shown.text
    assert not shown.colourful
    assert database.counts() == {}


@pytest.mark.parametrize("verb,past", [("replay", "Replayed"), ("delete", "Deleted")])
def test_ctrl_c_leaves_nothing_half_done(database: Database, verb: str, past: str) -> None:
    database.fill_graveyard(MANY)

    with terminal(database, verb, "jobs:app", "--all", "--yes", jobs=UNENDING) as shown:
        shown.until(rf"\b[1-9]\d*/{MANY}\b")
        shown.press(CTRL_C)
        code = shown.exit_code()

    told = shown.until(rf"Interrupted: {past} (\d+) of {MANY} dead letters")
    done = int(told.group(1))
    assert code == 1
    assert 0 < done < MANY
    assert "Traceback" not in shown.text
    if verb == "replay":
        assert database.counts() == {"queued": done, "dead_letter": MANY}
        assert database.replayed() == done
    else:
        assert database.counts() == {"dead_letter": MANY - done}


def test_ctrl_c_leaves_no_part_of_an_export(database: Database) -> None:
    database.fill_graveyard(MANY)

    export = ("export", "jobs:app", "--output", "letters.csv")
    with terminal(database, *export, jobs=UNENDING) as shown:
        shown.until(rf"\b[1-9]\d*/{MANY}\b")
        shown.press(CTRL_C)
        assert shown.exit_code() == 1

    assert not list(database.project.folder.glob("letters*"))
    assert "Traceback" not in shown.text
