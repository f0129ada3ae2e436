"""What workers tell each other through NOTIFY: which lanes have jobs, and from when on.

A payload is a JSON object: ``schema`` (whose tables), ``origin`` (the process that has woken its
own workers already), ``lanes`` (queue, priority, earliest due time, smallest delay, whether a
suspect) and ``now``. Times are microseconds since 1970. The statement that sends it adds the time,
for only the database knows it; so a client can name lanes before anything is stored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from pydantic_core import PydanticSerializationError, from_json, to_json

from soniq.backends.postgres.lanes import LaneKey, News
from soniq.limits import check_priority, check_queue
from soniq.records import NewJob

CHANNEL: Final = "soniq_new_job"

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_MAX_PAYLOAD: Final = 7900
_TIME_ROOM: Final = 20


class Arrival(NamedTuple):
    """Jobs that arrive in a lane, as far as it can be said before the database tells the time."""

    lane: LaneKey
    due: datetime | None = None
    """The earliest explicit due time."""
    delay: float | None = None
    """The smallest delay of those without one."""
    suspect: bool = False

    def resolved(self, now: datetime) -> News:
        delayed = None if self.delay is None else now + timedelta(seconds=self.delay)
        due = min(time for time in (self.due, delayed, _FAR) if time is not None)
        return News(self.lane, min(now, due), (due - now).total_seconds())


_FAR: Final = datetime(9999, 1, 1, tzinfo=UTC)


class Announcement(NamedTuple):
    """What a worker learns: lanes with jobs, and the same for suspects."""

    news: list[News]
    suspects: list[News]

    @property
    def best_priority(self) -> int | None:
        return min((news.lane.priority for news in (*self.news, *self.suspects)), default=None)

    def served(self, serves: Callable[[str], bool]) -> Announcement:
        """The part of it that concerns the queues of one worker."""
        return Announcement(
            [one for one in self.news if serves(one.lane.queue)],
            [one for one in self.suspects if serves(one.lane.queue)],
        )


def arrivals(jobs: Iterable[NewJob]) -> list[Arrival]:
    """One arrival for each lane of `jobs`."""
    lanes: dict[LaneKey, Arrival] = {}
    kinds = {(job.queue, job.priority, job.scheduled_at, job.delay) for job in jobs}
    for queue, priority, due, delay in kinds:
        one = Arrival(LaneKey(queue, priority), due, delay if due is None else None)
        lanes[one.lane] = earlier(lanes.get(one.lane), one)
    return list(lanes.values())


def earlier(one: Arrival | None, other: Arrival) -> Arrival:
    """Both in one, for the same lane."""
    if one is None:
        return other
    due = min((due for due in (one.due, other.due) if due), default=None)
    delay = min((delay for delay in (one.delay, other.delay) if delay is not None), default=None)
    return Arrival(one.lane, due, delay, one.suspect or other.suspect)


def announcement(arrived: Iterable[Arrival], now: datetime) -> Announcement:
    """What `arrived` means at the database's time `now`."""
    told = Announcement([], [])
    for one in arrived:
        (told.suspects if one.suspect else told.news).append(one.resolved(now))
    return told


def payload_head(schema: str, origin: str) -> str:
    """A payload up to the lanes, which the statement that stores them adds with the time."""
    return f'{to_json({"schema": schema, "origin": origin})[:-1].decode()},"lanes":'


def unfinished_payload(schema: str, origin: str | None, arrived: Sequence[Arrival]) -> str:
    """A payload up to the time, which the statement adds.

    More lanes than fit are announced as no lane in particular: then all are looked at.
    """
    head = {"schema": schema, "origin": origin, "lanes": [_spelled(one) for one in arrived]}
    try:
        text = to_json(head)
    except PydanticSerializationError:
        # A queue that is no text: the statement will say so.
        text = b""
    if not 0 < len(text) <= _MAX_PAYLOAD - _TIME_ROOM:
        text = to_json({"schema": schema, "origin": None, "lanes": None})
    return f'{text[:-1].decode()},"now":'


def _spelled(arrival: Arrival) -> list[Any]:
    (queue, priority), due, delay, suspect = arrival
    return [queue, priority, None if due is None else _micros(due), delay, suspect]


def _micros(time: datetime) -> int:
    return (time - _EPOCH) // _MICROSECOND


def _time(micros: int) -> datetime:
    return _EPOCH + timedelta(microseconds=micros)


def heard(payload: str, schema: str, origin: str) -> Announcement | None:
    """What a payload tells the workers of this process; None when it cannot be read.

    A payload of another schema, or of this process, tells nothing.
    """
    try:
        told = from_json(payload)
        if told["schema"] != schema or told["origin"] == origin:
            return Announcement([], [])
        now = _time(told["now"])
        return announcement([_read(lane) for lane in told["lanes"]], now)
    except (ValueError, TypeError, KeyError, OverflowError):
        return None


def _read(lane: Sequence[Any]) -> Arrival:
    queue, priority, due, delay, suspect = lane
    # Whoever may connect may notify: a lane that no claim could ask for would fail them all.
    key = LaneKey(check_queue(queue), check_priority(priority))
    return Arrival(key, None if due is None else _time(due), delay, bool(suspect))
