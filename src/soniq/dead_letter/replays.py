"""New jobs of dead letters."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from uuid_utils import uuid7

from soniq.backends.dead_letters import Changes, Picked, Replay, Replayed
from soniq.dead_letter.letters import Letters
from soniq.enqueue.resolver import producer_of
from soniq.limits import check_attempts, check_priority, check_queue
from soniq.registry import JobRegistry
from soniq.settings import SoniqSettings

_log = logging.getLogger("soniq.app")

_TOLD: Final = {
    "strict": "Not replayed, for they are not registered here: jobs named %s",
    "warn": "Replayed, though they are not registered locally: jobs named %s",
}


@dataclass(frozen=True, slots=True)
class ReplayedBatch:
    """What became of some dead letters that were to be replayed.

    Attributes:
        asked: how many they were.
        replayed: those of which there is a new job.
        held: those whose dedup key a live job holds.
        unknown: names among them that are not registered here, and so were left alone.
    """

    asked: int
    replayed: list[Replayed]
    held: list[Replayed]
    unknown: frozenset[str]


class Replays:
    """Replays dead letters, those of jobs that may be enqueued from here."""

    def __init__(self, letters: Letters, registry: JobRegistry, settings: SoniqSettings) -> None:
        self._letters = letters
        self._registry = registry
        self._settings = settings
        self._warned: set[str] = set()

    def changes(
        self,
        reset_attempts: bool = True,
        max_attempts: Any = None,
        priority: Any = None,
        queue: Any = None,
    ) -> Changes:
        """What is to be different about the new jobs, checked.

        Raises:
            TypeError, ValueError: a value no job can have.
        """
        return Changes(
            bool(reset_attempts),
            None if max_attempts is None else check_attempts("new_max_attempts", max_attempts),
            None if priority is None else check_priority(priority),
            None if queue is None else check_queue(queue),
            producer_of(self._settings),
        )

    async def one(self, dead_id: object, changes: Changes) -> Replayed | None:
        """Replay a dead letter; None if it is unknown or must not be."""
        letter = await self._letters.get(dead_id)
        if letter is None or self._unknown([letter.job_name]):
            return None
        replay = Replay(letter.id, str(uuid7()))
        answers = await self._letters.ask(lambda letters: letters.replay([replay], changes))
        return answers[0] if answers else None

    async def batch(self, batch: Sequence[Picked], changes: Changes) -> ReplayedBatch:
        """Replay some dead letters in one transaction, the oldest to run first."""
        unknown = self._unknown({one.job_name for one in batch})
        replays = [
            Replay(one.id, str(uuid7()), one.resurrection_count)
            for one in reversed(batch)
            if one.job_name not in unknown
        ]
        answers = await self._letters.ask(lambda letters: letters.replay(replays, changes))
        return ReplayedBatch(
            len(batch),
            [answer for answer in answers if answer.is_new],
            [answer for answer in answers if not answer.is_new],
            unknown,
        )

    def _unknown(self, names: Any) -> frozenset[str]:
        """Those of `names` that must not be enqueued from here."""
        validation = self._settings.enqueue_validation
        unregistered = frozenset(name for name in names if self._registry.get(name) is None)
        if validation == "none":
            return frozenset()
        if new := unregistered - self._warned:
            self._warned |= new
            told = ", ".join(sorted(new)[:3]) + (" and others" if len(new) > 3 else "")
            _log.warning(_TOLD[validation], told)
        return unregistered if validation == "strict" else frozenset()
