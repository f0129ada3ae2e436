"""The register of all faults: each is written once, and played short, long or in full.

A module of scenarios registers them as it is imported::

    @scenario(
        "reset",
        fault="connections reset by the network",
        goal="0 lost",
        sizes=Sizes(short=1, long=5, full=20),
        place=behind_a_proxy,
    )
    async def connections_are_reset(stage: ProxyStage, times: int) -> None:
        await stage.workers(2)
        async with stage.load():
            for _ in range(times):
                ...
        await stage.settle()

It raises where a promise is not kept: through `stage.settle`, which runs the checker, or by an
assertion of its own. What it has measured beyond `stage.figures` it leaves in ``stage.measured``,
or gives it to `stage.aim` where there is a goal.

A test plays it by name, and `python -m tests.chaos` plays all of those in `MODULES`::

    async def test_...(play: Play) -> None:
        await play("reset", "short")
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

from tests.chaos.stage import Stage

Size = Literal["short", "long", "full"]
Place = Callable[[str, Path], AbstractAsyncContextManager[Any]]

MODULES: Final = (
    "tests.chaos.scenarios.kills",
    "tests.chaos.scenarios.pauses",
    "tests.chaos.scenarios.shutdown",
    "tests.chaos.scenarios.clocks",
    "tests.chaos.scenarios.poison",
    "tests.chaos.scenarios.servers",
    "tests.chaos.scenarios.network",
    "tests.chaos.scenarios.connections",
    "tests.chaos.scenarios.refusals",
    "tests.chaos.scenarios.locks",
)
"""Modules that register scenarios when they are imported, in the order in which they are played."""

PlayT = TypeVar("PlayT", bound=Callable[..., Awaitable[None]])


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much of a fault each size is: kills, restarts, seconds, whatever the scenario counts.

    A None says that it is not played at that size.
    """

    short: int | None
    long: int | None
    full: int | None


@dataclass(frozen=True, slots=True)
class Scenario:
    """A fault that can be played.

    Attributes:
        name: words joined by dashes.
        fault: what happens, for the report's table.
        goal: what is promised then, for the table.
        sizes: how much of it.
        play: the scenario itself, given a stage and how much.
        place: opens the stage; given the URL of an empty database on a server that scenarios share,
            and a folder. It may use another store.
        minutes: after which a play of any size has failed.
    """

    name: str
    fault: str
    goal: str
    sizes: Sizes
    play: Callable[[Any, int], Awaitable[None]]
    place: Place
    minutes: float


SCENARIOS: Final[dict[str, Scenario]] = {}


def scenario(
    name: str,
    *,
    fault: str,
    goal: str,
    sizes: Sizes,
    place: Place = Stage.open,
    minutes: float = 5.0,
) -> Callable[[PlayT], PlayT]:
    """Register the decorated coroutine function; the arguments are those of `Scenario`."""

    def register(play: PlayT) -> PlayT:
        if name in SCENARIOS:
            raise ValueError(f"There are two scenarios of the name {name!r}")
        SCENARIOS[name] = Scenario(name, fault, goal, sizes, play, place, minutes)
        return play

    return register


def load_all() -> dict[str, Scenario]:
    """Import all modules of scenarios; those that are there."""
    for module in MODULES:
        importlib.import_module(module)
    return SCENARIOS


async def play(
    chosen: Scenario,
    size: Size,
    url: str,
    folder: Path,
    *,
    opened: Callable[[Stage], None] = lambda _: None,
) -> Stage:
    """Play a scenario in one size on an empty database; the stage as it was left.

    Args:
        opened: is given the stage before the play, for those who want to see it however that ends.

    Raises:
        ValueError: it has no such size.
        AssertionError: a promise was not kept.
        TimeoutError: it did not come to its end.
    """
    amount = getattr(chosen.sizes, size)
    if amount is None:
        raise ValueError(f"The scenario {chosen.name} is not played {size}")
    stage: Stage
    async with chosen.place(url, folder) as stage:
        opened(stage)
        stage.long_seconds = 0.5 if size == "short" else 5.0
        async with asyncio.timeout(chosen.minutes * 60):
            await chosen.play(stage, amount)
    return stage
