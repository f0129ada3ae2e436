"""The examples in the docstrings, run as they stand."""

from __future__ import annotations

import ast
import importlib.util
import inspect
import textwrap
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from soniq import Soniq
from soniq.testing import Clock, assert_enqueued, drain, make_app, wait_until

pytest_plugins = ["pytester"]


def example(thing: object) -> str:
    """The first literal block of a docstring."""
    lines = (inspect.getdoc(thing) or "").split("::\n", 1)[1].splitlines()[1:]
    block = []
    for line in lines:
        if line and not line.startswith("    "):
            break
        block.append(line)
    return textwrap.dedent("\n".join(block))


async def run(source: str, names: dict[str, Any]) -> dict[str, Any]:
    body = textwrap.indent(source, "    ")
    exec(f"async def example():\n{body}\n    return locals()", names)  # the project's own text
    found: dict[str, Any] = await names["example"]()
    return found


async def test_draining() -> None:
    app = Soniq(backend="memory")

    @app.job
    async def add(a: int, b: int) -> int:
        return a + b

    await run(example(drain), {"app": app, "add": add, "drain": drain})
    assert (await app.get_queue_stats())["done"] == 1


async def test_asserting() -> None:
    app = Soniq(backend="memory")

    @app.job(queue="mail")
    async def send_email(to: str) -> None: ...

    await app.enqueue(send_email, to="ann@example.com")
    names = {"app": app, "send_email": send_email, "assert_enqueued": assert_enqueued}
    assert (await run(example(assert_enqueued), names))["job"]["queue"] == "mail"


async def test_waiting() -> None:
    await run(example(wait_until), {"sent": ["ann@example.com"], "wait_until": wait_until})


async def test_making() -> None:
    found = await run(example(make_app), {"Clock": Clock, "make_app": make_app})
    assert found["app"].settings.max_retries == 1


async def test_the_clock() -> None:
    made: list[Soniq] = []
    ran: list[datetime] = []

    def make(clock: Clock) -> Soniq:
        made.append(make_app(clock=clock, enqueue_validation="none"))
        made[0].job(name=f"{__name__}.remind".replace("-", "_"))(lambda: ran.append(clock.now()))
        return made[0]

    def remind() -> None: ...

    names = {
        "Clock": Clock,
        "UTC": UTC,
        "datetime": datetime,
        "timedelta": timedelta,
        "make_app": make,
        "remind": remind,
    }
    await run(example(Clock), names)
    assert ran == [datetime(2030, 1, 3, tzinfo=UTC)]


def test_the_plugin(pytester: pytest.Pytester) -> None:
    conftest, test = examples_of_the_plugin()
    pytester.makeini("[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function")
    pytester.makeconftest(conftest)
    jobs = """
        from soniq import Soniq

        app = Soniq("sqlite:///never.db")

        @app.job
        async def send_mail(to): ...

        async def place_order(customer):
            await send_mail.enqueue(to=customer)
    """
    folder = pytester.mkpydir("shop")
    (folder / "jobs.py").write_text(textwrap.dedent(jobs))
    pytester.syspathinsert()
    imports = (
        "import pytest\nfrom shop.jobs import place_order, send_mail\n"
        "from soniq.testing import assert_enqueued, drain\n\n"
    )
    pytester.makepyfile(test_it=imports + test)
    pytester.runpytest("-p", "no:cacheprovider").assert_outcomes(passed=1)


def examples_of_the_plugin() -> list[str]:
    """The literal blocks of its docstring, not imported: pytest is to be the first to do that."""
    found = importlib.util.find_spec("soniq.testing.pytest_plugin")
    assert found is not None
    assert found.origin is not None
    text = ast.get_docstring(ast.parse(Path(found.origin).read_text())) or ""
    return [textwrap.dedent(_indented(block)) for block in text.split("::\n")[1:]]


def _indented(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if line.startswith("    ") or not line)
