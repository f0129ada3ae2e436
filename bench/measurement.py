"""A measurement, and the runs that alternate between several of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from bench.errors import NotMeasured
from bench.server import Databases
from bench.sizes import Sizes


@dataclass(frozen=True, slots=True)
class Bench:
    """What every measurement needs.

    Attributes:
        scratch: a folder on a disk, for SQLite files.
    """

    databases: Databases
    scratch: Path
    sizes: Sizes


Figures = Mapping[str, float]
Measure = Callable[[Bench], Awaitable[Figures]]
"""One run; its figures by part (``rate``, ``p99``), so that ``drain`` gives ``drain:rate``."""
Progress = Callable[[str, int, str], None]


@dataclass(slots=True)
class Results:
    """The samples of every figure, and why measurements are missing."""

    samples: dict[str, list[float]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)

    def add(self, measurement: str, figures: Figures) -> None:
        for part, value in figures.items():
            self.samples.setdefault(f"{measurement}:{part}", []).append(value)

    def median(self, figure: str) -> float | None:
        samples = self.samples.get(figure)
        return median(samples) if samples else None

    def why_missing(self, figure: str) -> str:
        return self.missing.get(measurement_of(figure), "it was not run")


def measurement_of(figure: str) -> str:
    """The name of the measurement that gives `figure`."""
    return figure.partition(":")[0]


async def alternate(
    bench: Bench,
    measurements: Mapping[str, Measure],
    *,
    reps: int,
    results: Results,
    progress: Progress,
) -> None:
    """Run `measurements` in turn `reps` times, every other time in reverse.

    Whatever drifts on the machine meanwhile then falls on all of them alike.
    """
    for rep in range(reps):
        names: Sequence[str] = list(measurements)
        for name in names if rep % 2 == 0 else reversed(names):
            if name in results.missing:
                continue
            try:
                figures = await measurements[name](bench)
            except NotMeasured as reason:
                results.missing[name] = str(reason)
                progress(name, rep, f"not measured: {reason}")
                continue
            results.add(name, figures)
            progress(name, rep, _said(figures))


def _said(figures: Figures) -> str:
    return "  ".join(f"{part} {value:,.4g}" for part, value in figures.items())
