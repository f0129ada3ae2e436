"""Middleware wraps the handler; the first registered is outermost."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from soniq.job import JobContext
from soniq.middleware import Handler, checked, composed
from tests.test_hooks import CTX


async def handler(ctx: JobContext) -> Any:
    return f"ran {ctx.job_name}"


async def test_the_first_is_outermost() -> None:
    order: list[str] = []

    async def outer(ctx: JobContext, call_next: Handler) -> Any:
        order.append("outer in")
        result = await call_next(ctx)
        order.append("outer out")
        return f"<{result}>"

    async def inner(ctx: JobContext, call_next: Handler) -> Any:
        order.append("inner")
        return f"({await call_next(ctx)})"

    assert await composed([outer, inner], handler)(CTX) == "<(ran the.name)>"
    assert order == ["outer in", "inner", "outer out"]


async def test_it_may_leave_the_handler_out() -> None:
    async def stop(ctx: JobContext, call_next: Handler) -> Any:
        return "cached"

    assert await composed([stop], handler)(CTX) == "cached"


async def test_a_partial_is_what_it_is_made_of() -> None:
    async def greet(greeting: str, ctx: JobContext, call_next: Handler) -> Any:
        return f"{greeting}, {await call_next(ctx)}"

    class Greeter:
        async def __call__(self, ctx: JobContext, call_next: Handler, *, word: str) -> Any:
            return f"{word}, {await call_next(ctx)}"

    def plain(greeting: str, ctx: JobContext, call_next: Handler) -> Any: ...

    for stack in ([partial(greet, "hello")], [partial(partial(Greeter(), word="x"), word="hello")]):
        assert await composed([checked(each) for each in stack], handler)(CTX) == (
            "hello, ran the.name"
        )
    with pytest.raises(TypeError, match="async def middleware"):
        checked(partial(plain, "hello"))
    with pytest.raises(TypeError, match=r"must take \(ctx"):
        checked(partial(greet, "hello", CTX))


def test_only_a_coroutine_function_of_two_parameters_can_be_one() -> None:
    class Good:
        async def __call__(self, ctx: JobContext, call_next: Handler) -> Any:
            return await call_next(ctx)

    def plain(ctx: JobContext, call_next: Handler) -> Any: ...

    async def lonely(ctx: JobContext) -> Any: ...

    good = Good()
    assert checked(good) is good
    with pytest.raises(TypeError, match="async def middleware"):
        checked(plain)
    with pytest.raises(TypeError, match="must take"):
        checked(lonely)  # type: ignore[type-var]
