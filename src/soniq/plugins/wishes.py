"""From what a plugin wishes a run to become to what is stored of it."""

from __future__ import annotations

from datetime import timedelta

from soniq import records
from soniq.arguments import dump_json
from soniq.events import Events, ResultDropped
from soniq.plugins.outcomes import Dead, Done, Retry, Snoozed
from soniq.records import ClaimedJob, DeadLetterReason, Outcome
from soniq.settings import SoniqSettings
from soniq.worker.failures import clamped, storable


class Wishes:
    """Turns wishes into outcomes, within the limits that hold for handlers too.

    Args:
        settings: those limits.
        events: told of a result that cannot be stored.
    """

    def __init__(self, settings: SoniqSettings, events: Events) -> None:
        self._keep = settings.result_ttl > 0
        self._snooze_max = settings.snooze_max_seconds
        self._events = events

    def outcome(self, wish: object, job: ClaimedJob, stands: Outcome, plugin: str) -> Outcome:
        """What to store.

        Args:
            wish: what the plugin returned.
            stands: the outcome that would be stored without it.
            plugin: whose wish it is.

        Raises:
            TypeError, ValueError: it is no outcome.
        """
        error = _error(stands)
        match wish:
            case Done(result):
                return self._done(job, result)
            case Retry(delay):
                text = error or f"Retry wished for by plugin {plugin}"
                return _another_attempt(job, clamped(_seconds(delay)), text)
            case Snoozed(seconds):
                delay = min(clamped(_seconds(seconds)), self._snooze_max)
                return records.Snoozed(delay, f"SNOOZE: plugin {plugin}")
            case Dead(reason):
                return _dead(str(reason), error, plugin)
            case _:
                raise TypeError(
                    "it returns None or one of Done, Retry, Snoozed and Dead of soniq.plugins, "
                    f"and returned {wish!r}"
                )

    def _done(self, job: ClaimedJob, result: object) -> Outcome:
        if result is None:
            return records.Done(None, self._keep)
        try:
            return records.Done(dump_json(result), self._keep)
        except ValueError as error:
            self._events.emit(ResultDropped(job, str(error)))
            return records.Done(None, self._keep)


def _another_attempt(job: ClaimedJob, delay: float, text: str) -> Outcome:
    if job.attempts >= job.max_attempts:
        return records.Dead(DeadLetterReason.MAX_RETRIES_EXCEEDED, text)
    return records.Retry(delay, text)


def _dead(reason: str, error: str | None, plugin: str) -> Outcome:
    try:
        return records.Dead(DeadLetterReason(reason), error or f"Given up by plugin {plugin}")
    except ValueError:
        # Words of its own stand in the first line, which is what lists and logs show.
        text = "\n".join(filter(None, (reason, error)))
        return records.Dead(DeadLetterReason.PERMANENT_FAILURE, storable(text))


def _error(stands: Outcome) -> str | None:
    return stands.error if isinstance(stands, records.Retry | records.Dead) else None


def _seconds(delay: float | timedelta) -> float:
    return delay.total_seconds() if isinstance(delay, timedelta) else float(delay)
