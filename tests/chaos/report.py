"""The report of a run of all faults: one row each, as JSON and as a table."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from tests.chaos.figures import Figures, Recovery
from tests.chaos.scenario import Scenario

Verdict = Literal["kept", "missed", "broken", "not played"]
"""Missed is a figure that was not reached, though every job ended as promised."""

HEADINGS: Final = (
    *("Fault", "Promised", "Kept", "Jobs", "Kills", "Restarts", "Lost"),
    *("Twice, in a million", "Runs again after p50 / p95 / max, s", "Also measured"),
)
BEGIN: Final = "<!-- figures of the last run -->"
END: Final = "<!-- end of the figures -->"


@dataclass(frozen=True, slots=True)
class Row:
    """What became of one scenario.

    Attributes:
        seconds: how long its play took.
        problem: why it is broken, or not played.
        missed: goals that a figure did not reach, and the figures.
    """

    name: str
    fault: str
    goal: str
    verdict: Verdict
    seconds: float
    figures: Figures | None = None
    measured: dict[str, float | str] = field(default_factory=dict)
    problem: str = ""
    missed: Sequence[str] = ()

    @classmethod
    def of(cls, played: Scenario, verdict: Verdict, seconds: float, **more: object) -> Row:
        """The row of a scenario; `more` are the other attributes."""
        return cls(played.name, played.fault, played.goal, verdict, seconds, **more)  # type: ignore[arg-type]


def as_json(rows: Sequence[Row], *, size: str) -> str:
    """The whole report, for programs."""
    return json.dumps(
        {
            "size": size,
            "broken": _names(rows, "broken"),
            "missed": _names(rows, "missed"),
            "not_played": _names(rows, "not played"),
            "totals": _totals(rows),
            "rows": [dataclasses.asdict(row) for row in rows],
        },
        indent=2,
    )


def as_markdown(rows: Sequence[Row]) -> str:
    """The table that the documentation quotes."""
    lines = [_line(HEADINGS), _line(["---"] * len(HEADINGS))]
    lines += [_line(_cells(row)) for row in rows]
    totals = _totals(rows)
    told = ", ".join(f"{totals[name]:,} {name}" for name in ("jobs", "kills", "restarts", "lost"))
    return "\n".join([*lines, "", f"In all: {told}. {in_short(rows)}"])


def in_short(rows: Sequence[Row]) -> str:
    """How many were as promised, and which were not."""
    unplayed = _names(rows, "not played")
    played = f"{len(rows) - len(unplayed)} played"
    told = [
        f"{played}: {len(_names(rows, 'kept'))} as promised",
        _listed("missed a figure", _names(rows, "missed")),
        _listed("broken", _names(rows, "broken")),
    ]
    if unplayed:
        told.append(_listed("not played", unplayed))
    return ", ".join(told) + "."


def _listed(what: str, names: Sequence[str]) -> str:
    return f"{len(names)} {what}" + (f" ({', '.join(names)})" if names else "")


def quoted(text: str, table: str) -> str:
    """A document with the table in the place that its marks leave for it.

    Raises:
        ValueError: it has no such place.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"there is no place between {BEGIN} and {END}")
    return f"{before}{BEGIN}\n\n{table}\n\n{END}{after}"


def write(rows: Sequence[Row], folder: Path, *, size: str) -> None:
    """Write ``report.json`` and ``report.md`` into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.json").write_text(as_json(rows, size=size) + "\n")
    (folder / "report.md").write_text(as_markdown(rows) + "\n")


def _names(rows: Sequence[Row], verdict: Verdict) -> list[str]:
    return [row.name for row in rows if row.verdict == verdict]


def _totals(rows: Sequence[Row]) -> dict[str, int]:
    found = [row.figures for row in rows if row.figures is not None]
    return {
        name: sum(getattr(one, name) for one in found)
        for name in ("jobs", "kills", "restarts", "lost")
    }


def _cells(row: Row) -> list[str]:
    missed = f"missed: {', '.join(row.missed)}"
    verdicts = {"kept": "yes", "missed": missed, "broken": "**no**"}
    kept = verdicts.get(row.verdict, f"not played: {row.problem}")
    cells = [row.fault, row.goal, kept]
    if (found := row.figures) is None:
        cells += [""] * 6
    else:
        cells += [f"{found.jobs:,}", str(found.kills), str(found.restarts), str(found.lost)]
        cells += [f"{found.duplicates_per_million:,.0f}", _recovery(found.recovery)]
    return [*cells, "; ".join(f"{name}: {_number(value)}" for name, value in row.measured.items())]


def _recovery(found: Recovery | None) -> str:
    return "" if found is None else f"{found.p50:.1f} / {found.p95:.1f} / {found.max:.1f}"


def _number(value: float | str) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
