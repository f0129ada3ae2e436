"""Where a fault is played: a store, workers, a load, a history, and at the end the checker."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Self

from soniq import Soniq
from tests.chaos.checker import MOST_CONNECTIONS, check
from tests.chaos.facts import Facts, tables
from tests.chaos.figures import Figures, figures
from tests.chaos.fleet import Fleet
from tests.chaos.history import Event, History, Kind
from tests.chaos.load import Load, client
from tests.chaos.unseen import errors_of_loops, unseen
from tests.chaos.waiting import Breach, broken, until

__all__ = ["Breach", "Stage", "until"]

QUIET = 120.0
"""Seconds until everything must have ended after a fault."""


class Stage:
    """One play of one fault.

    Attributes:
        url: of the store.
        folder: for files of the play.
        app: enqueues; set up and open.
        figures: set by `settle`, also where it finds a breach.
        measured: numbers the scenario itself has taken, for the report, by what they say.
        missed: goals that a figure did not reach, for the report.
        long_seconds: how long the long jobs of a load take; short plays have shorter ones.
    """

    def __init__(self, url: str, folder: Path, app: Soniq, history: History) -> None:
        self.url = url
        self.folder = folder
        self.app = app
        self.history = history
        self.fleet = Fleet(url, history, folder)
        self.facts = Facts()
        self.figures: Figures | None = None
        self.measured: dict[str, float | str] = {}
        self.long_seconds = 5.0
        self.missed: list[str] = []
        self._occupations = 0
        self._unseen: list[str] = []

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str, folder: Path, **settings: Any) -> AsyncIterator[Self]:
        """A stage on the store at `url`, which is set up; everything started on it ends with it.

        Args:
            settings: of the enqueueing app.
        """
        history, app = History(folder / "history"), client(url, **settings)
        stage = cls(url, folder, app, history)
        try:
            with errors_of_loops(stage._unseen):
                await app.setup()
                yield stage
        except BaseException as error:
            error.add_note(stage.fleet.output()[-6000:])
            raise
        finally:
            await asyncio.to_thread(stage.fleet.close)
            if not app.is_closed:
                await app.close()
            history.close()

    # --- acts ----------------------------------------------------------------------------------

    def load(self, **options: Any) -> Load:
        """A steady load; options of `Load`. Where the store is Postgres, with transactions."""
        if self.url.startswith("postgres"):
            options.setdefault("transactions", self.url)
        options.setdefault("long_seconds", self.long_seconds)
        return Load(self.app, self.history, **options)

    async def workers(
        self, number: int, *options: str, **settings: Any
    ) -> list[subprocess.Popen[bytes]]:
        """Start so many workers, see `Fleet.worker`, and wait until all of them work."""
        started = [self.fleet.worker(*options, **settings) for _ in range(number)]
        await self.working(started)
        return started

    async def working(self, processes: Sequence[subprocess.Popen[bytes]]) -> None:
        """Wait until these have joined."""
        wanted = {process.pid for process in processes}

        async def joined() -> bool:
            for process in processes:
                if process.poll() is not None:
                    raise Breach(f"worker {process.pid} has exited: {process.returncode}")
            active = {w["pid"] for w in await self.app.list_workers() if _active(w)}
            return wanted <= active

        await until(joined, f"{len(wanted)} workers at work")

    def runs_of(self, process: subprocess.Popen[bytes]) -> list[Event]:
        """The starts of runs in this process whose ends are not written down yet."""
        starts = self.history.of(Kind.START, pid=process.pid)
        ended = {event["run"] for event in self.history.of(Kind.END, pid=process.pid)}
        return [event for event in starts if event["run"] not in ended]

    async def busy(self, process: subprocess.Popen[bytes], runs: int = 1) -> list[Event]:
        """Wait until so many handlers run in this process; their starts."""
        await self.history.until(
            lambda: len(self.runs_of(process)) >= runs, f"{runs} runs in {process.pid}"
        )
        return self.runs_of(process)

    async def occupied(self, load: Load, *processes: subprocess.Popen[bytes]) -> None:
        """Return at a moment when each of these runs jobs that take a third of a second.

        Whichever worker takes them, the next ones go to those that still have room.
        """

        async def all_are() -> bool:
            self._occupations += 1
            key = f"occupation-{self._occupations}"
            await load.enqueue("chaos.pause", key, {"seconds": 0.3}, priority=50)
            runs = [[e["name"] for e in self.runs_of(process)] for process in processes]
            return all("chaos.pause" in names for names in runs)

        await until(all_are, "occupation of the workers")

    @asynccontextmanager
    async def fault(self, name: str, **detail: Any) -> AsyncIterator[None]:
        """Mark when a fault begins and ends."""
        self.history.note(Kind.FAULT_BEGAN, name=name, **detail)
        try:
            yield
        finally:
            self.history.note(Kind.FAULT_ENDED, name=name, **detail)

    # --- the end -------------------------------------------------------------------------------

    async def quiet(self, *, within: float = QUIET) -> None:
        """Wait until nothing is queued or processing.

        Raises:
            Breach: something is, after so many seconds.
        """

        async def nothing_left() -> bool:
            stats = await self.app.get_queue_stats()
            return bool(stats["queued"] == stats["processing"] == 0)

        await until(nothing_left, "quiet", patience=within)

    async def settle(
        self,
        *,
        within: float = QUIET,
        poison: Collection[str] = (),
        slots: int | None = None,
        max_crashes: int = 3,
    ) -> Figures:
        """End the play: wait for quiet, let the workers leave, and judge.

        Args:
            within: seconds until everything must have ended.
            poison: names of jobs that may become dead letters, and of whose runs workers may die.
            slots: how many jobs the workers together must still run at a time, None for as many
                as they say, 0 to leave the question out.

        Raises:
            Breach: promises that were not kept, all of them. The figures are there all the same.
        """
        breaches = await broken(
            lambda: self.quiet(within=within), lambda: self._try_slots(slots), self._dead_noticed
        )
        connections = await self._connections()
        await self.fleet.leave()
        # The pool of the app that enqueues would look like connections left behind.
        await self.app.close()
        self.facts = await self._gathered(connections, max_crashes, frozenset(poison))
        self.figures = figures(self.facts)
        if breaches := [*breaches, *check(self.facts)]:
            raise Breach("\n".join(breaches[:30]))
        return self.figures

    async def _connections(self) -> dict[int, int]:
        """How many each living worker has, once those it gives up are closed, by process."""

        async def few() -> bool:
            return max(self.fleet.connections().values(), default=0) <= MOST_CONNECTIONS

        with suppress(Breach):  # the checker tells who has more
            await until(few, "few connections", patience=10)
        return self.fleet.connections()

    async def _dead_noticed(self) -> None:
        """The living know that the dead are dead."""
        alive = {process.pid for process in self.fleet.alive}

        async def only_the_living() -> bool:
            workers = await self.app.list_workers()
            return {w["pid"] for w in workers if w["status"] != "stopped"} <= alive

        if alive:
            await until(only_the_living, "notice of dead workers", patience=30)

    async def _try_slots(self, wanted: int | None) -> None:
        """No slot may have been lost to a fault: so many jobs run at the same time."""
        number = await self._slots() if wanted is None else wanted
        if not number:
            return
        gate = self.folder / "slots"
        gate.unlink(missing_ok=True)
        args = [{"key": f"slot-{n}", "gate": str(gate)} for n in range(number)]
        ids = set(await self.app.enqueue_many("chaos.hold", args))

        def all_run() -> bool:
            return ids <= {event.job for event in self.history.of(Kind.START, name="chaos.hold")}

        await self.history.until(all_run, f"{number} jobs at a time", patience=30)
        gate.touch()
        await self.quiet()

    async def _slots(self) -> int:
        """How many jobs at a time the living workers say they run."""
        alive = {process.pid for process in self.fleet.alive}
        workers = await self.app.list_workers()
        return sum(w["concurrency"] for w in workers if w["pid"] in alive and _active(w))

    async def _gathered(
        self, connections: dict[int, int], max_crashes: int, poison: frozenset[str]
    ) -> Facts:
        """The facts, once the server has taken notice of closed connections."""
        found = await tables(self.url)

        async def no_session_left() -> bool:
            found.update(await tables(self.url))
            return not found["sessions"]

        with suppress(Breach):  # the checker tells which are left
            await until(no_session_left, "the end of all sessions", patience=10)
        return Facts(
            events=self.history.events(),
            connections=connections,
            max_crashes=max_crashes,
            poison=poison,
            unseen=unseen(self._unseen, self._records()),
            **found,
        )

    def aim(self, what: str, seconds: float, *, goal: float, told: bool = True) -> None:
        """Compare a figure with its goal; one that was missed is the verdict of the play.

        It is no breach: a machine that is busy with something else makes everybody late.

        Args:
            told: whether the report has the figure among what else was measured.
        """
        if told:
            self.measured[f"{what} (s)"] = seconds
        if seconds > goal:
            self.missed.append(f"{what} {seconds:.1f} s instead of {goal:g} s")

    def logged(self, event: str) -> list[dict[str, Any]]:
        """The log records of an event (``claim_lost``, ``workers_recovered``) of all workers."""
        return [record for record in self._records() if record.get("event") == event]

    def _records(self) -> Iterator[dict[str, Any]]:
        for line in self.fleet.output().splitlines():
            if line.startswith("{"):
                yield json.loads(line)


def _active(worker: dict[str, Any]) -> bool:
    return bool(worker["status"] == "active")
