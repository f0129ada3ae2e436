"""What a schedule says, checked: by ``@app.periodic`` and by ``app.scheduler.add`` alike."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, overload

from soniq.limits import check_seconds, check_text
from soniq.timing import Timing, timing

_log = logging.getLogger("soniq.app")

MAX_NAME_LENGTH: Final = 512


class CatchUp(StrEnum):
    """What becomes of missed runs."""

    SKIP = "skip"
    ONE = "one"
    ALL = "all"


class Overlap(StrEnum):
    """Whether a due time fires while the schedule's last job is unfinished."""

    SKIP = "skip"
    ALLOW = "allow"


@dataclass(frozen=True, slots=True)
class Plan:
    """When and how a schedule fires.

    Attributes:
        jitter: seconds, the most that a run is put off.
        name: of the schedule; None is its job's.
    """

    timing: Timing
    catch_up: CatchUp
    overlap: Overlap
    jitter: float
    name: str | None


@dataclass(frozen=True, slots=True)
class Declared:
    """A schedule that code declares with ``@app.periodic``."""

    name: str
    job_name: str
    function: Callable[..., Any]
    args: dict[str, Any]
    plan: Plan


class Declarations(Sequence[Declared]):
    """The schedules that code declares, by name."""

    def __init__(self) -> None:
        self._by_name: dict[str, Declared] = {}

    def copy(self) -> Declarations:
        """The same schedules, to which others may be added."""
        copied = Declarations()
        copied._by_name = dict(self._by_name)
        return copied

    def add(
        self, job_name: str, function: Callable[..., Any], plan: Plan, args: dict[str, Any]
    ) -> None:
        """Declare a schedule of that job.

        Raises:
            ValueError: the function has a schedule of the same name already.
        """
        name = job_name if plan.name is None else plan.name
        earlier = self._by_name.get(name)
        if earlier is not None and earlier.function is function:
            raise ValueError(
                f"schedule_name: {name!r} is declared twice for {job_name}; give each schedule of "
                "a job a name of its own"
            )
        if earlier is not None:
            _log.warning("Schedule %s is declared twice; the later declaration stands", name)
        self._by_name[name] = Declared(name, job_name, function, args, plan)

    @overload
    def __getitem__(self, index: int) -> Declared: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Declared]: ...

    def __getitem__(self, index: int | slice) -> Declared | Sequence[Declared]:
        return tuple(self._by_name.values())[index]

    def __len__(self) -> int:
        return len(self._by_name)


def plan(
    *,
    cron: Any,
    every: Any,
    timezone: Any,
    catch_up: Any,
    overlap: Any,
    jitter: Any,
    name: Any,
) -> Plan:
    """Check the keywords of a schedule; None is the default of each.

    Raises:
        ValueError: the keyword named at its start has a value that means nothing.
    """
    try:
        return Plan(
            timing(cron, every, timezone),
            _choice(CatchUp, "catch_up", catch_up, CatchUp.ONE),
            _choice(Overlap, "overlap", overlap, Overlap.ALLOW),
            check_seconds("jitter", 0.0 if jitter is None else jitter),
            None if name is None else check_schedule_name(name),
        )
    except TypeError as error:
        raise ValueError(str(error)) from error


def check_schedule_name(name: Any) -> str:
    """Return `name` if it can name a schedule."""
    return check_text("the name of a schedule", name, MAX_NAME_LENGTH)


def _choice(kind: type[Any], label: str, value: Any, default: Any) -> Any:
    if value is None:
        return default
    known = [member.value for member in kind]
    if value not in known:
        raise ValueError(f"{label} must be one of {', '.join(known)}, got {value!r}")
    return kind(value)
