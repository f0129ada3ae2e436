"""What a run found, as a table and as JSON."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.measurement import Results, measurement_of
from bench.rows import Row
from bench.sizes import Sizes

PIPE_WIDTH = 160
COLOURS = {"ok": "green", "short": "bold red", "failed": "bold red", "not measured": "yellow"}


@dataclass(frozen=True, slots=True)
class Line:
    """A row with what was found for it.

    Attributes:
        figure, reference: samples; empty where it was not measured.
        ratio: of the medians.
        verdict: ok, short, failed, not measured, or empty for a row without a goal.
        reason: why something was not measured.
    """

    row: Row
    figure: Sequence[float]
    reference: Sequence[float]
    ratio: float | None
    verdict: str
    reason: str


def lines(rows: Sequence[Row], results: Results) -> list[Line]:
    """Put the samples beside each other."""
    return [_line(row, results) for row in rows]


def _line(row: Row, results: Results) -> Line:
    value = results.median(row.figure)
    beside = _best(row.references, results)
    reference = results.median(beside) if beside else None
    ratio = value / reference if value is not None and reference else None
    missing = [name for name in row.figures if results.median(name) is None]
    failed = [name for name in missing if measurement_of(name) in results.failed]
    return Line(
        row,
        results.samples.get(row.figure, []),
        results.samples.get(beside, []) if beside else [],
        ratio,
        _verdict(row, value, ratio, failed=bool(failed)),
        results.why_not(missing[0]) if missing else "",
    )


def _best(figures: Sequence[str], results: Results) -> str | None:
    measured = {name: value for name in figures if (value := results.median(name)) is not None}
    return max(measured, key=measured.__getitem__) if measured else None


def _verdict(row: Row, value: float | None, ratio: float | None, *, failed: bool) -> str:
    if failed:
        return "failed"
    judged = ratio if row.references and not (row.goal and row.goal.figure) else value
    if judged is None:
        return "not measured"
    if row.goal is None:
        return ""
    return "ok" if row.goal.met_by(judged) else "short"


def said() -> Console:
    """Where reports are printed; a pipe gets them as wide as they need."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=PIPE_WIDTH)


def tell_what_is_missing(results: Results) -> int:
    """Say what could not be measured, and what failed; return the exit code."""
    for name, reason in results.missing.items():
        print(f"not measured: {name}: {reason}")
    for name, reason in results.failed.items():
        print(f"FAILED, no result: {name}: {reason}", file=sys.stderr)
    return 1 if results.failed else 0


def title_of(context: dict[str, Any], *, quick: bool) -> str:
    """The circumstances in a line."""
    machine, postgres = context["machine"], context["postgres"]
    warning = "QUICK LOOK, fewer jobs and runs, NOT A RESULT. " if quick else ""
    return (
        f"{warning}Postgres {postgres['server_version']}, fsync {postgres['fsync']},"
        f" synchronous_commit {postgres['synchronous_commit']};"
        f" Python {machine['python']}, {machine['processors']} processors,"
        f" load {context['load']:.1f} at the start; {context['seconds']} s"
    )


def table(found: Sequence[Line], sizes: Sizes, *, title: str) -> Table:
    """The report for people; each figure is a median, with the least and the greatest sample."""
    made = Table(title=title, title_justify="left", pad_edge=False)
    for heading in ("row", "Soniq", "beside it", "that", "ratio", "goal", ""):
        made.add_column(heading, justify="left" if heading in ("row", "beside it", "") else "right")
    filled_in = asdict(sizes)
    for line in found:
        row = line.row
        made.add_row(
            row.title.format_map(filled_in),
            _spread(line.figure, row.unit),
            row.beside.format_map(filled_in),
            _spread(line.reference, row.unit) if row.references else "",
            f"{line.ratio:.2f}" if line.ratio is not None else "",
            _goal(row),
            f"[{COLOURS[line.verdict]}]{line.verdict}[/]" if line.verdict else "",
        )
    return made


def _goal(row: Row) -> str:
    if row.goal is None:
        return ""
    is_ratio = row.references and not row.goal.figure
    sign = "≤" if row.goal.at_most else "≥"
    return f"{sign} {row.goal.bound:g}" if is_ratio else f"{sign} {row.unit(row.goal.bound)}"


def _spread(samples: Sequence[float], unit: Callable[[float], str]) -> str:
    if not samples:
        return "not measured"
    ordered = sorted(samples)
    middle = unit(median(ordered))
    if len(ordered) == 1:
        return middle
    return f"{middle} [dim]({unit(ordered[0])} - {unit(ordered[-1])})[/]"


def as_json(
    found: Sequence[Line], sizes: Sizes, results: Results, context: dict[str, Any]
) -> dict[str, Any]:
    """Everything in numbers: the lines, every sample behind them, and what was not measured."""
    return {
        **context,
        "sizes": asdict(sizes),
        "rows": [_json_line(line) for line in found],
        "samples": results.samples,
        "not_measured": results.missing,
        "failed": results.failed,
    }


def _json_line(line: Line) -> dict[str, Any]:
    row, goal = line.row, line.row.goal
    return {
        "row": row.key,
        "figure": _numbers(line.figure),
        "reference": _numbers(line.reference),
        "ratio": line.ratio,
        "goal": {"bound": goal.bound, "at_most": goal.at_most} if goal else None,
        "verdict": line.verdict or None,
        "reason": line.reason or None,
    }


def _numbers(samples: Sequence[float]) -> dict[str, float] | None:
    if not samples:
        return None
    return {"median": median(samples), "least": min(samples), "greatest": max(samples)}
