"""The form of a hook is decided once, by its parameters' names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from soniq.hooks import HookEvent, Hooks, Moment, adapted
from soniq.job import JobContext
from tests.factories import EPOCH

CTX = JobContext(
    job_id="the id",
    job_name="the.name",
    queue="q",
    attempt=2,
    max_attempts=4,
    worker_id="w",
    scheduled_at=EPOCH,
    created_at=EPOCH,
)
ENDED = replace(CTX, duration_ms=12.5)
ERROR = ValueError("boom")

BEFORE = Moment(CTX)
AFTER = Moment(ENDED)
FAILED = Moment(ENDED, ERROR)

MOMENTS = {
    HookEvent.BEFORE_JOB: BEFORE,
    HookEvent.AFTER_JOB: AFTER,
    HookEvent.ON_ERROR: FAILED,
}


def heard(event: HookEvent, hook: Callable[..., Any]) -> Any:
    return adapted(event, hook)(MOMENTS[event])


B, A, E = HookEvent.BEFORE_JOB, HookEvent.AFTER_JOB, HookEvent.ON_ERROR


@pytest.mark.parametrize(
    ("event", "hook", "told"),
    [
        (
            B,
            lambda job_name, job_id, attempt: (job_name, job_id, attempt),
            ("the.name", "the id", 2),
        ),
        (B, lambda attempt: attempt, 2),
        (B, lambda attempt, job_id: (attempt, job_id), (2, "the id")),
        (B, lambda *, job_id: job_id, "the id"),
        (B, lambda job_id, extra=7: (job_id, extra), ("the id", 7)),
        (B, lambda *args: args, ("the.name", "the id", 2)),
        (B, lambda **fields: fields, {"job_name": "the.name", "job_id": "the id", "attempt": 2}),
        (
            B,
            lambda job_id, **rest: (job_id, rest),
            ("the id", {"job_name": "the.name", "attempt": 2}),
        ),
        (B, lambda attempt, *rest: (attempt, rest), (2, ("the.name", "the id"))),
        (B, lambda ctx: ctx, CTX),
        (B, lambda anything: anything, CTX),
        (B, lambda: "nothing", "nothing"),
        (A, lambda job_name, job_id, duration_ms: (job_name, duration_ms), ("the.name", 12.5)),
        (A, lambda attempt, duration_ms: (attempt, duration_ms), (2, 12.5)),
        (A, lambda *args: args, ("the.name", "the id", 12.5)),
        (A, lambda ctx: ctx.duration_ms, 12.5),
        (E, lambda job_name, job_id, error, attempt: (error, attempt), ("boom", 2)),
        (E, lambda error: error, "boom"),
        (E, lambda *args: args, ("the.name", "the id", "boom", 2)),
        (E, lambda error, duration_ms: (error, duration_ms), ("boom", 12.5)),
        (E, lambda ctx, error: (ctx, error), (ENDED, ERROR)),
        (E, lambda one, two: (one, two), (ENDED, ERROR)),
    ],
)
def test_a_hook_is_told_what_its_parameters_name(
    event: HookEvent, hook: Callable[..., Any], told: Any
) -> None:
    assert heard(event, hook) == told


def test_positional_only_fields_are_filled_by_name_too() -> None:
    def hook(job_id: str, attempt: int, /) -> tuple[str, int]:
        return job_id, attempt

    assert heard(B, hook) == ("the id", 2)


def test_a_partial_is_told_what_it_still_takes() -> None:
    def hook(where: str, job_id: str, *, more: int = 0) -> tuple[str, str, int]:
        return where, job_id, more

    assert heard(B, partial(hook, "here", more=2)) == ("here", "the id", 2)


async def test_an_async_partial_may_be_awaited() -> None:
    async def hook(where: str, ctx: JobContext, error: BaseException) -> tuple[str, BaseException]:
        return where, error

    assert await heard(E, partial(hook, "here")) == ("here", ERROR)


@pytest.mark.parametrize(
    ("event", "hook"),
    [
        (B, lambda ctx, more: None),
        (B, lambda job_id, ctx: None),
        (B, lambda job_id, error: None),
        (A, lambda ctx, error: None),
        (E, lambda ctx: None),
        (E, lambda ctx, error, more: None),
        (B, lambda *, ctx: None),
    ],
)
def test_a_signature_that_fits_neither_form_is_refused(
    event: HookEvent, hook: Callable[..., Any]
) -> None:
    with pytest.raises(TypeError, match=r"fits neither form.*job_name.*\(ctx"):
        adapted(event, hook)


def test_what_is_not_callable_is_refused() -> None:
    with pytest.raises(TypeError, match="before_job"):
        Hooks().add(B, "not a function")  # type: ignore[type-var]


def test_hooks_are_returned_unchanged_and_kept_in_order() -> None:
    hooks = Hooks()
    assert not hooks

    def first(ctx: JobContext) -> str:
        return "first"

    def second(ctx: JobContext) -> str:
        return "second"

    assert hooks.add(B, first) is first
    hooks.add(B, second)
    assert hooks
    assert [call(BEFORE) for call in hooks.of(B)] == ["first", "second"]
    assert list(hooks.of(A)) == []
