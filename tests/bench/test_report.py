"""The report sets a figure beside the right reference and judges it by the right number."""

from __future__ import annotations

import json

import pytest
from rich.console import Console

from bench.errors import CountMismatch, require_equal
from bench.measurement import Results
from bench.report import as_json, lines, table, tell_what_is_missing
from bench.rows import ROWS, Goal, Row
from bench.scenarios import GROUPS
from bench.sizes import FULL, QUICK, Sizes

ROW = Row("fast", "fast", "own:rate", "raw", ("raw:100", "raw:500"), Goal(0.5))


def _results(**samples: list[float]) -> Results:
    results = Results()
    for name, values in samples.items():
        results.samples[name.replace("__", ":")] = values
    return results


def test_the_best_median_of_the_references_is_the_one_compared_with() -> None:
    found = _results(own__rate=[60.0, 50.0, 40.0], raw__100=[80.0], raw__500=[100.0, 90.0, 500.0])
    [line] = lines([ROW], found)
    assert line.ratio == 0.5
    assert line.verdict == "ok"


def test_a_figure_under_its_goal_is_short() -> None:
    [line] = lines([ROW], _results(own__rate=[40.0], raw__100=[100.0]))
    assert line.verdict == "short"


def test_a_goal_without_reference_is_on_the_figure() -> None:
    row = Row("memory", "memory", "drain:memory", goal=Goal(80, at_most=True))
    assert lines([row], _results(drain__memory=[79.0]))[0].verdict == "ok"
    assert lines([row], _results(drain__memory=[81.0]))[0].verdict == "short"


def test_a_goal_on_the_figure_holds_beside_a_reference_too() -> None:
    row = Row("r", "r", "own:rate", "raw", ("raw:100",), Goal(10, figure=True))
    assert lines([row], _results(own__rate=[20.0], raw__100=[100.0]))[0].verdict == "ok"


def test_what_was_not_measured_stays_in_the_report_with_its_reason() -> None:
    results = _results(own__rate=[40.0])
    results.missing["raw"] = "it cannot be installed"
    found = lines([ROW], results)
    assert found[0].verdict == "not measured"
    assert found[0].reason == "it cannot be installed"
    console = Console(width=160)
    with console.capture() as printed:
        console.print(table(found, FULL, title="t"))
    assert "not measured" in printed.get()


def test_a_failed_measurement_takes_its_earlier_samples_along() -> None:
    results = _results(own__rate=[40.0], raw__100=[100.0])
    results.fail("own", "the counts differ")
    [line] = lines([ROW], results)
    assert (line.verdict, line.reason) == ("failed", "the counts differ")
    assert tell_what_is_missing(results) == 1


def test_the_report_is_json_with_every_sample() -> None:
    results = _results(own__rate=[60.0, 50.0], raw__100=[100.0])
    written = json.loads(json.dumps(as_json(lines([ROW], results), FULL, results, {"reps": 2})))
    assert written["samples"]["own:rate"] == [60.0, 50.0]
    assert written["rows"][0]["figure"] == {"median": 55.0, "least": 50.0, "greatest": 60.0}
    assert written["sizes"]["drain"] == 20_000


def test_every_figure_of_the_report_is_given_by_some_measurement() -> None:
    measured = {name for group in GROUPS for name in group}
    for row in ROWS:
        assert {figure.partition(":")[0] for figure in row.figures} <= measured


@pytest.mark.parametrize(("sizes", "said"), [(FULL, "1,000,000"), (QUICK, "50,000")])
def test_titles_tell_the_sizes_of_the_run(sizes: Sizes, said: str) -> None:
    console = Console(width=200)
    with console.capture() as printed:
        console.print(table(lines(ROWS, Results()), sizes, title="t"))
    assert f"drain, {said} waiting" in printed.get()


def test_counts_that_differ_are_told_by_name() -> None:
    require_equal("drain", jobs=3, handler_calls=3)
    with pytest.raises(CountMismatch, match=r"drain: .*jobs 3, handler calls 2"):
        require_equal("drain", jobs=3, handler_calls=2)
