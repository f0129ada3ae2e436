"""What a store must do with dead letters. These docstrings are the specification of every backend.

The rules of `soniq.backends.base` hold here too. The order of dead letters is newest first: by the
time they were moved, then by id, both descending. A bulk operation walks that order with `pick` and
changes what it picked batch by batch, so no call is larger than its caller makes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple, Protocol

from soniq.jsontext import document
from soniq.limits import can_be_stored
from soniq.records import DeadLetterReason


@dataclass(frozen=True, slots=True)
class DeadLetterJob:
    """A job that was given up, as it was then, and what became of it since.

    Attributes:
        args: its arguments, as JSON gives them.
        attempts: those it had spent.
        crashes: how many workers had died holding it.
        dead_letter_reason: why; a text where a later version of Soniq has one unknown here.
        original_created_at: when it was enqueued.
        resurrection_count: how many jobs were made of it since.
        tags: what people noted on it.
        last_resurrection_job_id: the job made of it last.
    """

    id: str
    job_name: str
    args: dict[str, Any]
    queue: str
    priority: int
    max_attempts: int
    attempts: int
    crashes: int
    last_error: str | None
    dead_letter_reason: DeadLetterReason | str
    original_created_at: datetime
    moved_to_dead_letter_at: datetime
    resurrection_count: int = 0
    last_resurrection_at: datetime | None = None
    tags: list[str] = field(default_factory=list)
    dedup_key: str | None = None
    last_resurrection_job_id: str | None = None


def tags_of(text: str | None) -> list[str]:
    """The stored tags of a dead letter; what somebody has edited into no list is one tag."""
    tags = document(text or "[]")
    return [str(tag) for tag in tags] if isinstance(tags, list) else [str(tags)]


@dataclass(frozen=True, slots=True)
class Selection:
    """Which dead letters are meant; a condition that is None asks for nothing.

    Texts that no store can hold are left out of the alternatives: no dead letter has them.

    Attributes:
        job_names: globs, one of which must match the name; see `soniq.globs`.
        queues: the queue is one of these.
        reasons: the reason is one of these.
        date_from: moved then or later.
        date_to: moved then or earlier.
        tags: at least one of these is among its tags.
        resurrected: whether it has been replayed.
        min_age: seconds, moved at least so long ago by the store's clock.
        max_age: seconds, moved at most so long ago; both may be longer than any clock goes back.
    """

    job_names: tuple[str, ...] | None = None
    queues: tuple[str, ...] | None = None
    reasons: tuple[str, ...] | None = None
    date_from: datetime | None = None
    date_to: datetime | None = None
    tags: tuple[str, ...] | None = None
    resurrected: bool | None = None
    min_age: float | None = None
    max_age: float | None = None

    def __post_init__(self) -> None:
        for name in ("job_names", "queues", "reasons", "tags"):
            texts = getattr(self, name)
            if texts is not None and not all(map(can_be_stored, texts)):
                object.__setattr__(self, name, tuple(filter(can_be_stored, texts)))


class Picked(NamedTuple):
    """A dead letter on a walk; the walk goes on after it."""

    id: str
    job_name: str
    moved_at: datetime
    resurrection_count: int


class Replay(NamedTuple):
    """A job to be made of a dead letter."""

    dead_id: str
    job_id: str
    """The id of the new job, made by the caller so that the call may be repeated."""
    replayed_before: int | None = None
    """Replay it only if it has been replayed exactly so often; None whatever happened before."""


class Changes(NamedTuple):
    """What is different about the new job; None keeps what the dead letter had."""

    reset_attempts: bool = True
    max_attempts: int | None = None
    priority: int | None = None
    queue: str | None = None
    producer_id: str | None = None


class Replayed(NamedTuple):
    """What became of a `Replay`."""

    dead_id: str
    job_id: str
    """The new job, or the live job that holds the dedup key."""
    is_new: bool


class Tally(NamedTuple):
    """The number of dead letters that agree in name, queue, reason and day (in UTC)."""

    job_name: str
    queue: str
    reason: str
    day: date
    jobs: int
    oldest_age: float
    """Seconds since the first of them was moved."""
    resurrected: int
    """How many have been replayed."""
    revived: int
    """How many have been replayed, and the job made of them last is no dead letter."""


class DeadLetterStore(Protocol):
    """The dead letters of a store."""

    async def pick(
        self, selection: Selection, *, after: Picked | None, limit: int, offset: int
    ) -> list[Picked]:
        """At most `limit` of the selection, newest first, those after `after` if it is given.

        The first `offset` of them are passed over.
        """
        ...

    async def show(self, ids: Sequence[str]) -> list[DeadLetterJob]:
        """The dead letters of these ids, in their order; unknown ids are left out."""
        ...

    async def count(self, selection: Selection) -> int:
        """How many the selection has."""
        ...

    async def tally(self, selection: Selection) -> list[Tally]:
        """The selection, counted by name, queue, reason and day."""
        ...

    async def replay(self, replays: Sequence[Replay], changes: Changes) -> list[Replayed]:
        """Store a new job for each, in one transaction, and wake workers.

        The new job has the arguments and the dedup key of the dead letter, no crashes, and no
        attempts; without `reset_attempts` it keeps their number, one run fewer than its maximum at
        most. It is due now. The dead letter stays: `resurrection_count`, `last_resurrection_at` and
        `last_resurrection_job_id` tell of it.

        Where a queued or processing job holds the dedup key, nothing is stored or counted and that
        job's id is returned. Ids that are unknown, and those replayed more often than said, are
        missing from the answer. A replay that an earlier call has stored counts as stored.

        Raises:
            Contended: a dedup key or a row was not free in time.
        """
        ...

    async def delete(self, ids: Sequence[str]) -> list[str]:
        """Delete these, in one transaction, and return the ids that were there."""
        ...

    async def tag(self, dead_id: str, tags: Sequence[str]) -> bool:
        """Add tags to a dead letter, each once. False for an unknown id."""
        ...

    async def bury(self, job_id: str, note: str | None) -> bool:
        """Move a queued or processing job to the dead letters, reason manual.

        Its `last_error` stays, below the note; of both the first `LONGEST_ERROR` characters are
        kept. A processing job is lost to its worker. False for any other job.
        """
        ...
