"""The report says what happened, for programs and for people."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.chaos.figures import Figures, Recovery
from tests.chaos.report import BEGIN, END, Row, as_json, as_markdown, in_short, quoted

KEPT = Row(
    "kill-one",
    "SIGKILL",
    "p95 ≤ 10 s",
    "kept",
    12.5,
    Figures(1200, 3, 3, 0, 833.3, Recovery(7, 4.0, 8.25, 9.0)),
    {"exit after (s)": 5.12345},
)
LOST = Figures(100, 1, 1, 2, 0.0, None)
MISSED = replace(KEPT, name="slow", verdict="missed", missed=["p95 12.0 s instead of 10 s"])
BROKEN = Row("pause", "SIGSTOP", "nothing twice", "broken", 3.0, problem="it ran twice")
SKIPPED = Row("clocks", "clocks", "as ever", "not played", 0.0, problem="no libfaketime")


def test_the_table_has_the_figures_of_each_fault() -> None:
    lines = as_markdown([KEPT, BROKEN, SKIPPED]).splitlines()
    assert lines[2] == (
        "| SIGKILL | p95 ≤ 10 s | yes | 1,200 | 3 | 3 | 0 | 833 | 4.0 / 8.2 / 9.0 "
        "| exit after (s): 5.12 |"
    )
    assert "**no**" in lines[3]
    assert "not played: no libfaketime" in lines[4]
    assert lines[-1].startswith("In all: 1,200 jobs, 3 kills, 3 restarts, 0 lost. 2 played: ")


def test_what_a_broken_play_has_lost_is_told() -> None:
    lines = as_markdown([KEPT, replace(BROKEN, figures=LOST)]).splitlines()
    assert lines[3] == "| SIGSTOP | nothing twice | **no** | 100 | 1 | 1 | 2 | 0 |  |  |"
    assert "2 lost" in lines[-1]


def test_the_last_line_tells_what_was_not_as_promised() -> None:
    assert in_short([KEPT, KEPT]) == "2 played: 2 as promised, 0 missed a figure, 0 broken."
    assert in_short([KEPT, MISSED, BROKEN, SKIPPED]) == (
        "3 played: 1 as promised, 1 missed a figure (slow), 1 broken (pause), "
        "1 not played (clocks)."
    )


def test_every_row_has_a_cell_for_each_heading() -> None:
    table = [line for line in as_markdown([KEPT, BROKEN]).splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in table}) == 1


def test_a_goal_that_was_missed_is_told() -> None:
    assert "| missed: p95 12.0 s instead of 10 s |" in as_markdown([MISSED])


def test_programs_learn_what_is_broken_and_why() -> None:
    report = json.loads(as_json([KEPT, BROKEN], size="full"))
    assert report["broken"] == ["pause"]
    assert report["rows"][1]["problem"] == "it ran twice"
    assert report["rows"][0]["figures"]["recovery"]["p95"] == 8.25


def test_a_document_takes_the_table_in_its_place() -> None:
    text = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    assert quoted(text, "new") == f"before\n{BEGIN}\n\nnew\n\n{END}\nafter\n"
    assert quoted(quoted(text, "new"), "new") == quoted(text, "new")


def test_a_document_without_a_place_is_refused() -> None:
    with pytest.raises(ValueError, match="no place"):
        quoted("nothing here", "new")


def test_the_page_on_reliability_has_a_place_for_the_table() -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "reliability.md"
    assert "| new |" in quoted(page.read_text(), "| new |")
