"""A clock that stands still until a test moves it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Final

from soniq.app import Soniq
from soniq.testing.attendant import Attendant, Began
from soniq.testing.durations import duration
from soniq.testing.hand import hired

PATIENCE: Final = 2.0


class Clock:
    """The time of the apps that were made with it: ``make_app(clock=clock)``.

    ::

        clock = Clock(datetime(2030, 1, 1, tzinfo=UTC))
        app = make_app(clock=clock)
        await app.enqueue(remind, delay=timedelta(days=2))
        await clock.advance("3 days")  # it ran on 3 January at 00:00

    It rules what is stored: when jobs, retries and schedules are due, and what the times of a job
    say. Python's own clocks, and what handlers wait for, go on as ever.

    Args:
        start: an aware datetime; None is the time of now.
        patience: real seconds that a handler may take while the clock stands still. One that takes
            longer is taken to hang, and the clock goes on to its timeout. If that lies beyond the
            time to go, its job is put back, and called again by the next `advance`.

    Raises:
        ValueError: a naive datetime.
    """

    def __init__(self, start: datetime | None = None, *, patience: float = PATIENCE) -> None:
        if start is not None and start.utcoffset() is None:
            raise ValueError(f"start must have a time zone, got the naive {start.isoformat()}")
        self._now = datetime.now(UTC) if start is None else start.astimezone(UTC)
        self._patience = patience
        self._apps: list[Soniq] = []
        self._began: Began = {}
        self._moving = False

    def now(self) -> datetime:
        """What time it is, in UTC."""
        return self._now

    def follow(self, app: Soniq) -> None:
        """Run what falls due in `app` too, whose memory store goes by this clock."""
        self._apps.append(app)

    async def advance(self, by: float | timedelta | str) -> None:
        """Let time pass, and run all that falls due on the way, in the order of its time.

        That is what a worker and a scheduler would have done: jobs that are due already, delayed
        ones and retries, each at its own time; schedules, those declared with ``@app.periodic``
        included; the end of the grace for jobs without a handler, and of the time that results are
        kept for. A handler that hangs is ended by its timeout.

        Args:
            by: seconds, a timedelta, or text like ``"3 days"`` or ``"1 hour 30 minutes"``.

        Raises:
            TypeError, ValueError: `by` is no length of time, a negative one, or one that no
                calendar has.
            RuntimeError: the clock is moving already, perhaps because a handler moves it.
        """
        target = self._after(by)
        with self._going():
            async with AsyncExitStack() as stack:
                attendants = [
                    await self._attendant(app, stack) for app in self._apps if not app.is_closed
                ]
                await self._walk(attendants, target)

    def _after(self, by: float | timedelta | str) -> datetime:
        try:
            return self._now + duration(by)
        except OverflowError as error:
            raise ValueError(f"{by!r} leads beyond the year 9999, where time ends") from error

    async def _attendant(self, app: Soniq, stack: AsyncExitStack) -> Attendant:
        hand = await stack.enter_async_context(hired(app))
        return Attendant(hand, self, self._patience, self._began)

    @contextmanager
    def _going(self) -> Iterator[None]:
        if self._moving:
            raise RuntimeError("this clock is being advanced already; do that from one task")
        self._moving = True
        try:
            yield
        finally:
            self._moving = False

    async def _walk(self, attendants: Sequence[Attendant], target: datetime) -> None:
        for attendant in attendants:
            await attendant.begin()
        while True:
            await self._quiet(attendants, target)
            ahead = [moment for one in attendants if (moment := one.next_moment()) is not None]
            moment = min(ahead, default=None)
            if moment is None or moment > target:
                break
            self.move_to(moment)
        self.move_to(target)

    async def _quiet(self, attendants: Sequence[Attendant], target: datetime) -> None:
        """Until nothing is due: what one app runs may enqueue jobs of another."""
        while any([await attendant.see_to_it(target) for attendant in attendants]):
            pass

    def move_to(self, moment: datetime) -> None:
        """Make it `moment`, unless it is later already. Nothing is run."""
        self._now = max(self._now, moment)
