"""What `app.dead_letter` offers."""

from __future__ import annotations

import math
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Final, NamedTuple, TextIO, TypeAlias

from soniq.backends.dead_letters import Changes, DeadLetterJob, Replayed, Selection
from soniq.backends.opening import Opening
from soniq.dead_letter.export import as_shown, check_format, export, name_of, new_file
from soniq.dead_letter.filters import DeadLetterFilter, check_tags, selection_of
from soniq.dead_letter.letters import Letters
from soniq.dead_letter.replays import ReplayedBatch, Replays
from soniq.dead_letter.stats import DeadLetterStats, stats_of
from soniq.limits import check_text, stored_id
from soniq.redaction import Redaction
from soniq.registry import JobRegistry
from soniq.settings import SoniqSettings
from soniq.worker.failures import storable

Ids: TypeAlias = list[str]

_LISTED: Final = 1000
_DAY: Final = 86400.0
_HOUR: Final = 3600.0
_LONGEST: Final = 1e15
"""Days or hours; no clock goes back so far."""
_EVERY: Final = DeadLetterFilter()


class DeletedBatch(NamedTuple):
    """What became of some dead letters that were to be deleted."""

    asked: int
    deleted: Sequence[str]
    """Ids of those that are gone now."""


class DeadLetterService:
    """The jobs that were given up, as `Soniq.dead_letter`.

    Every coroutine waits for a store that is away, like those of `Soniq`. What changes very many
    does so in batches, each of them one transaction, in bounded memory.
    """

    def __init__(self, opening: Opening, settings: SoniqSettings, registry: JobRegistry) -> None:
        self._letters = Letters(opening)
        self._replays = Replays(self._letters, registry, settings)
        self._redaction = Redaction(settings.redact, registry)

    # --- looking -------------------------------------------------------------------------------

    async def list_dead_letter_jobs(
        self, filter: DeadLetterFilter | None = None
    ) -> list[DeadLetterJob]:
        """Dead letters, the one given up last first; 1000 at most unless the filter has a limit.

        Raises:
            TypeError, ValueError: a filter that means nothing.
        """
        chosen = filter or _EVERY
        limit = _LISTED if chosen.limit is None else chosen.limit
        pages = self._letters.pages(selection_of(chosen), limit, chosen.offset)
        return [job async for page in pages for job in page]

    list = list_jobs = list_dead_letter_jobs

    async def get_dead_letter_job(self, id: str) -> DeadLetterJob | None:
        """The dead letter of that id; None for an unknown or malformed one."""
        return await self._letters.get(id)

    async def count(self, filter: DeadLetterFilter | None = None) -> int:
        """How many dead letters the filter means."""
        chosen = filter or _EVERY
        return await self._letters.count(selection_of(chosen), chosen.limit, chosen.offset)

    async def get_dead_letter_stats(self, hours: float | None = None) -> DeadLetterStats:
        """Dead letters in figures.

        Args:
            hours: only those given up within the last so many; None for all.
        """
        age = None if hours is None else _span("hours", hours) * _HOUR
        tallies = await self._letters.ask(lambda letters: letters.tally(Selection(max_age=age)))
        return stats_of(tallies)

    # --- replaying -----------------------------------------------------------------------------

    async def replay(
        self,
        id: str,
        reset_attempts: bool = True,
        new_max_attempts: int | None = None,
        new_priority: int | None = None,
        new_queue: str | None = None,
    ) -> str | None:
        """Make a new job of a dead letter, which stays and counts it.

        Args:
            id: the dead letter.
            reset_attempts: begin with none spent; else their number is kept, so far that a run is
                left.
            new_max_attempts, new_priority, new_queue: in place of what the job had.

        Returns:
            The id of the new job, or that of the live job that holds its dedup key; None for an
            unknown id, and under strict validation for a job that is not registered here.
        """
        changes = self._replays.changes(reset_attempts, new_max_attempts, new_priority, new_queue)
        replayed = await self.replay_one(id, changes)
        return None if replayed is None else replayed.job_id

    async def replay_one(self, id: str, changes: Changes | None = None) -> Replayed | None:
        """`replay` that also tells whether the job is new."""
        return await self._replays.one(id, changes or self._replays.changes())

    async def bulk_replay(
        self,
        filter: DeadLetterFilter,
        reset_attempts: bool = True,
        new_max_attempts: int | None = None,
        new_priority: int | None = None,
        new_queue: str | None = None,
    ) -> Ids:
        """`replay` all that the filter means; returns the ids of the new jobs."""
        changes = self._replays.changes(reset_attempts, new_max_attempts, new_priority, new_queue)
        batches = self.replaying(filter, changes)
        return [one.job_id async for batch in batches for one in batch.replayed]

    async def replaying(
        self, filter: DeadLetterFilter, changes: Changes | None = None
    ) -> AsyncIterator[ReplayedBatch]:
        """`bulk_replay` batch by batch; each is stored when it is given."""
        changes = changes or self._replays.changes()
        async for batch in self._walk(filter):
            yield await self._replays.batch(batch, changes)

    # --- deleting ------------------------------------------------------------------------------

    async def delete_dead_letter_job(self, id: str) -> bool:
        """Delete a dead letter; False for an unknown id."""
        there = await self._letters.get(id)
        return there is not None and len(await self._delete([there.id])) == 1

    async def bulk_delete(self, filter: DeadLetterFilter) -> int:
        """Delete all that the filter means; returns how many that were."""
        return sum([len(batch.deleted) async for batch in self.deleting(filter)])

    async def purge(self, which: str | DeadLetterFilter) -> bool | int:
        """`bulk_delete` for a filter, `delete_dead_letter_job` for an id."""
        if isinstance(which, DeadLetterFilter):
            return await self.bulk_delete(which)
        return await self.delete_dead_letter_job(which)

    async def deleting(self, filter: DeadLetterFilter) -> AsyncIterator[DeletedBatch]:
        """`bulk_delete` batch by batch; each is gone when it is given."""
        async for batch in self._walk(filter):
            yield DeletedBatch(len(batch), await self._delete([one.id for one in batch]))

    async def cleanup_old_dead_letter_jobs(self, days: float = 30, dry_run: bool = False) -> int:
        """Delete what was given up more than `days` ago, and return how many that were.

        Args:
            days: how long they are kept.
            dry_run: only count them.
        """
        old = Selection(min_age=_span("days", days) * _DAY)
        if dry_run:
            return await self._letters.count(old, None, 0)
        batches = self._letters.walk(old, None, 0)
        return sum([len(await self._delete([one.id for one in batch])) async for batch in batches])

    async def _delete(self, ids: Sequence[str]) -> Sequence[str]:
        gone, repeated = await self._letters.change(lambda letters: letters.delete(ids))
        # A try whose answer was lost may have done it: these ids were all there a moment ago.
        return ids if repeated else gone

    # --- by hand -------------------------------------------------------------------------------

    async def move(self, job_id: str, note: str | None = None) -> bool:
        """Make a queued or running job a dead letter, reason manual; False for any other.

        Args:
            job_id: the job.
            note: why; it stands above the job's last error.
        """
        text = None if note is None else storable(check_text("note", note))
        wanted = stored_id(job_id)
        if wanted is None:
            return False
        moved, repeated = await self._letters.change(lambda letters: letters.bury(wanted, text))
        return moved or (repeated and await self._letters.get(wanted) is not None)

    async def add_tags_to_job(self, id: str, tags: Sequence[str]) -> bool:
        """Note tags on a dead letter, each once; False for an unknown id."""
        checked = check_tags(tags)
        wanted = stored_id(id)
        if wanted is None:
            return False
        return await self._letters.ask(lambda letters: letters.tag(wanted, checked))

    # --- taking along --------------------------------------------------------------------------

    async def export_dead_letter_jobs(
        self,
        filter: DeadLetterFilter | None = None,
        format: str = "json",
        path: str | os.PathLike[str] | TextIO | None = None,
    ) -> str:
        """Write dead letters to a file, page by page; secret arguments are shown as ``***``.

        Args:
            filter: which; None for all.
            format: ``json`` (a list), ``jsonl`` (one object a line) or ``csv``.
            path: a file, or a text stream; None for a new file in the current directory, named
                after the time.

        Returns:
            The name of the file.

        Raises:
            ValueError: another format, or a filter that means nothing.
            OSError: the file cannot be written.
        """
        check_format(format)
        with _place(path, format) as place:
            async for _ in self.exporting(filter or _EVERY, format, place):
                pass
            return name_of(place)

    async def exporting(
        self, filter: DeadLetterFilter, format: str, place: Path | TextIO
    ) -> AsyncIterator[int]:
        """`export_dead_letter_jobs` page by page: the number of dead letters of each."""
        pages = self._letters.pages(selection_of(filter), filter.limit, filter.offset)
        async for number in export(pages, format, place, self._redaction):
            yield number

    def shown(self, job: DeadLetterJob) -> dict[str, Any]:
        """A dead letter by its keys as people may see it: secret arguments are ``***``."""
        return as_shown(job, self._redaction)

    def _walk(self, filter: DeadLetterFilter) -> Any:
        if not isinstance(filter, DeadLetterFilter):
            raise TypeError(f"filter must be a DeadLetterFilter, got {type(filter).__name__}")
        return self._letters.walk(selection_of(filter), filter.limit, filter.offset)


def _place(path: Any, format: str) -> AbstractContextManager[Path | TextIO]:
    if path is None:
        return new_file(format)
    return nullcontext(path if hasattr(path, "write") else Path(path))


def _span(label: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{label} must be a number, got {type(value).__name__}")
    if not 0 <= value < math.inf:
        raise ValueError(f"{label} must be a number from 0 up, got {value!r}")
    return float(min(value, _LONGEST))
