"""The names, texts, labels and buckets of the metrics about runs."""

from __future__ import annotations

from typing import Final, NamedTuple

RUN: Final = ("queue", "job_name")
ENDED: Final = ("queue", "job_name", "status")

BUCKETS: Final = (
    *(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5),
    *(1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0),
)
"""Seconds; from a quick query to a long report. +Inf comes after them."""


class Names(NamedTuple):
    """The name and the text of each metric."""

    started: tuple[str, str]
    completed: tuple[str, str]
    duration: tuple[str, str]
    in_progress: tuple[str, str]


def names(prefix: str) -> Names:
    """The metrics of this prefix."""
    return Names(
        (f"{prefix}_jobs_started", "Runs begun."),
        (f"{prefix}_jobs_completed", "Runs ended."),
        (f"{prefix}_job_duration_seconds", "How long runs took."),
        (f"{prefix}_jobs_in_progress", "Runs under way."),
    )
