"""How hard a test tries: a little each time, much harder among the long tests."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from traceback import extract_tb
from typing import Any, Final, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

import soniq
from soniq import SoniqError

Value = TypeVar("Value")

REFUSALS: Final = (SoniqError, ValueError, TypeError)
"""What may be raised over what was given."""

_OURS: Final = Path(soniq.__file__).parent

LONGER: Final = 10
"""So many times the examples of the short test."""

efforts = pytest.mark.parametrize(
    "effort",
    [
        pytest.param(1, id="short"),
        pytest.param(LONGER, id="long", marks=[pytest.mark.long, pytest.mark.timeout(600)]),
    ],
)


def each(values: st.SearchStrategy[Value], examples: int, check: Callable[[Value], Any]) -> None:
    """Call `check` with so many values."""

    @settings(
        max_examples=examples,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        # A failure may cost the patience of a wait: it is shown as it was met.
        phases=[Phase.explicit, Phase.reuse, Phase.generate],
        print_blob=True,
    )
    @given(values)
    def run(value: Value) -> None:
        check(value)

    run()


async def each_awaited(
    values: st.SearchStrategy[Value], examples: int, check: Callable[[Value], Awaitable[Any]]
) -> None:
    """Await `check` with so many values, on the loop of the test."""
    loop = asyncio.get_running_loop()

    def wait_for(value: Value) -> None:
        asyncio.run_coroutine_threadsafe(_awaited(check, value), loop).result()

    await asyncio.to_thread(each, values, examples, wait_for)


async def _awaited(check: Callable[[Value], Awaitable[Any]], value: Value) -> None:
    await check(value)


def check_clear(error: Exception, *words: str) -> None:
    """Soniq raises it on purpose, and it says something: one of `words` at least, if any are given.

    Something that merely went wrong inside is raised by no statement that says so.
    """
    text = str(error)
    assert text
    assert any(word in text for word in words or ("",)), (text, words)
    if not isinstance(error, ValidationError):
        last = extract_tb(error.__traceback__)[-1]
        assert Path(last.filename).is_relative_to(_OURS), (error, last)
        assert (last.line or "").startswith("raise"), (error, last)
