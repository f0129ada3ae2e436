"""What the API takes. Numbers are brought within their bounds; an empty text asks for nothing."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from soniq.records import DeadLetterReason, JobStatus

_LONGEST: Final = 1000


def _within(low: int, high: int) -> AfterValidator:
    return AfterValidator(lambda value: min(max(value, low), high))


Text = Annotated[str, Field(max_length=_LONGEST)] | None
Offset = Annotated[int, _within(0, 10_000)]
Hours = Annotated[int, _within(1, 24 * 90)]


class Question(BaseModel):
    """A query string; what it says besides is passed over."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _without_blanks(cls, given: dict[str, str]) -> dict[str, str]:
        return {name: value for name, value in given.items() if value.strip()}


class Page(Question):
    """A part of a list.

    Attributes:
        limit: rows at most.
        offset: rows to pass over; a cursor is cheaper.
        cursor: the `next_cursor` of the page before.
    """

    limit: Annotated[int, _within(1, 500)] = 50
    offset: Offset = 0
    cursor: Text = None


class JobsQuestion(Page):
    queue: Text = None
    status: JobStatus | None = None


class SearchQuestion(JobsQuestion):
    """A search in names, ids, queues and arguments; `q` is short for `query`."""

    limit: Annotated[int, _within(1, 500)] = 100
    query: Text = None
    q: Text = None
    job_name: Text = None


class DeadLettersQuestion(Page):
    job_name: Text = None
    reason: DeadLetterReason | None = None
    queue: Text = None


class HoursQuestion(Question):
    hours: Hours = 24


class QueuesQuestion(Question):
    """Which queues; "busy" puts those with the most to do first."""

    limit: Annotated[int, _within(1, 10_000)] = 10_000
    offset: Offset = 0
    query: Text = None
    order: Literal["name", "busy"] = "name"


class DriftQuestion(Question):
    window_minutes: Annotated[int, _within(1, 60 * 24 * 90)] = 60


class SeriesQuestion(Question):
    prefix: Annotated[str, Field(max_length=_LONGEST)] = ""
    resolution: Annotated[str, Field(max_length=32)] = "5min"
    worker_id: Text = None


class HistoryQuestion(Question):
    window: Literal["1h", "24h", "7d", "90d"] = "24h"


class AuditQuestion(Page):
    pass


class Order(BaseModel):
    """What is sent along; anything it does not know is refused, lest it was meant as a limit."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


Condition = Annotated[str, Field(min_length=1, max_length=_LONGEST)]


class LetterFilter(Order):
    """Which dead letters are meant: those that fulfil every condition given.

    An empty text is no condition left out but one got wrong: it would mean all of them.

    Attributes:
        ids: these.
        job_names: names or globs, one of which must match.
        job_name: one name or glob.
        queues: in one of these queues.
        reasons: given up for one of these reasons.
    """

    ids: Annotated[list[str], Field(max_length=1000)] | None = None
    job_names: Annotated[list[str], Field(max_length=100)] | None = None
    job_name: Condition | None = None
    queues: Annotated[list[str], Field(max_length=100)] | None = None
    queue: Condition | None = None
    reasons: list[DeadLetterReason] | None = None
    reason: DeadLetterReason | None = None


class BulkOrder(Order):
    """What to do to many dead letters; an empty filter means all of them.

    Attributes:
        filter: which; a text is a glob on the job name.
        dry_run: change nothing, and say what would be changed.
    """

    filter: LetterFilter | Condition
    dry_run: bool = False
