"""What was asserted to be enqueued, and what there is instead, in words."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from soniq.app import Soniq
from soniq.records import JobDict
from soniq.redaction import Redaction

_SHOWN: Final = 10


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asserted."""

    name: str
    count: int | None
    queue: str | None
    args: Mapping[str, Any]
    stored: Mapping[str, Any]
    """The arguments as they would be stored."""

    def differences(self, job: JobDict) -> list[str]:
        """In what a job of that name differs: ``queue``, or names of arguments."""
        differs = ["queue"] if self.queue is not None and job["queue"] != self.queue else []
        for name, value in self.stored.items():
            if name not in job["args"] or job["args"][name] != value:
                differs.append(name)
        return differs


class Report:
    """Words an assertion that failed, without the values of secret arguments."""

    def __init__(self, app: Soniq, wanted: Wanted) -> None:
        self._wanted = wanted
        self._redaction = Redaction(app.settings.redact, app._registry)
        self._args = self._redaction.args(wanted.name, wanted.args)

    def text(
        self, found: Sequence[JobDict], namesakes: Sequence[JobDict], others: Collection[str]
    ) -> str:
        """The whole message.

        Args:
            found: the jobs that match.
            namesakes: all jobs of that name.
            others: the names of the other jobs.
        """
        near = [job for job in namesakes if job not in found]
        near.sort(key=lambda job: len(self._wanted.differences(job)))
        lines = [f"expected {self._expectation()} to be enqueued, found {len(found) or 'none'}"]
        lines += [f"  {self._line(job)}" for job in found[:_SHOWN]]
        if near:
            lines.append("Near misses:")
        lines += [f"  {self._line(job)}: {self._difference(job)}" for job in near[:_SHOWN]]
        if len(near) > _SHOWN:
            lines.append(f"  and {len(near) - _SHOWN} more")
        if others:
            lines.append(f"Other jobs that are stored: {', '.join(sorted(others))}")
        return "\n".join(lines if namesakes or others else [*lines, "No job at all is stored."])

    def _expectation(self) -> str:
        wanted = self._wanted
        number = {None: "a job", 0: "no job", 1: "1 job"}.get(wanted.count, f"{wanted.count} jobs")
        queue = "" if wanted.queue is None else f" on queue {wanted.queue!r}"
        args = ", ".join(f"{name}={value!r}" for name, value in self._args.items())
        return f"{number} {wanted.name}{queue}{f' with {args}' if args else ''}"

    def _line(self, job: JobDict) -> str:
        args = self._redaction.args(job["job_name"], job["args"])
        return f"{job['id']} {job['status']}, queue {job['queue']!r}, {args}"

    def _difference(self, job: JobDict) -> str:
        stored = self._redaction.args(job["job_name"], job["args"])
        return "; ".join(self._words(name, job, stored) for name in self._wanted.differences(job))

    def _words(self, name: str, job: JobDict, stored: Mapping[str, Any]) -> str:
        if name not in self._args:
            return f"queue is {job['queue']!r}, not {self._wanted.queue!r}"
        if name not in stored:
            return f"there is no argument {name}"
        return f"{name} is {stored[name]!r}, not {self._args[name]!r}"
