"""What ``@app.job`` registers."""

from __future__ import annotations

import functools
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from soniq import Soniq
from soniq.registry import JobDefinition


@pytest.fixture
def app() -> Soniq:
    return Soniq(backend="memory")


def only(app: Soniq) -> JobDefinition:
    [name] = app._get_job_registry().names()
    definition = app._get_job_registry().get(name)
    assert definition is not None
    return definition


def send_email(to: str) -> str:
    return to


def test_the_name_is_module_and_function(app: Soniq) -> None:
    app.job(send_email)
    assert only(app).name == f"{__name__}.send_email"


def test_with_and_without_parentheses(app: Soniq) -> None:
    assert app.job(send_email) is send_email
    assert app.job()(send_email) is send_email


def test_defaults(app: Soniq) -> None:
    app.job(send_email)
    definition = only(app)
    assert dict(definition.meta) == {
        "name": f"{__name__}.send_email",
        "queue": "default",
        "priority": None,
        "max_retries": 3,
        "retry_delay": 0,
        "retry_backoff": False,
        "retry_max_delay": None,
        "retry_jitter": True,
        "unique": False,
        "timeout": None,
    }
    assert not definition.is_async


def test_max_retries_wins_over_retries_and_both_over_the_setting() -> None:
    app = Soniq(backend="memory", max_retries=7)
    app.job(name="a")(send_email)
    app.job(name="b", retries=1)(send_email)
    app.job(name="c", retries=1, max_retries=2)(send_email)
    app.job(name="d", retries=0)(send_email)
    registry = app._get_job_registry()
    found = [(registry.get_job(name) or {})["max_retries"] for name in "abcd"]
    assert found == [7, 1, 2, 0]


def test_the_registry_answers_by_name(app: Soniq) -> None:
    app.job(name="mail.send")(send_email)
    registry = app._get_job_registry()
    assert registry.get_job("mail.send")
    assert registry.get_job("mail.other") is None


@pytest.mark.parametrize("is_async", [True, False])
def test_async_handlers_are_recognised_through_what_wraps_them(app: Soniq, is_async: bool) -> None:
    async def coroutine(a: int, b: int) -> None: ...

    def function(a: int, b: int) -> None: ...

    class Callable:
        async def __call__(self, b: int) -> None: ...

    class SyncCallable:
        def __call__(self, b: int) -> None: ...

    app.job(name="a")(functools.partial(coroutine if is_async else function, 1))
    app.job(name="b")(Callable() if is_async else SyncCallable())
    registry = app._get_job_registry()
    definitions = [registry.get(name) for name in ("a", "b")]
    assert [one.is_async for one in definitions if one] == [is_async, is_async]


def test_bound_methods_can_be_jobs(app: Soniq) -> None:
    class Mailer:
        def send(self, to: str) -> str:
            return to

    mailer = Mailer()
    app.job(name="mail.send")(mailer.send)
    found = app._get_job_registry().of(mailer.send)
    assert found is not None
    assert found.name == "mail.send"


def test_another_function_under_the_same_name_replaces_it_with_a_warning(
    app: Soniq, caplog: pytest.LogCaptureFixture
) -> None:
    def other(to: str) -> str:
        return to

    with caplog.at_level(logging.WARNING, "soniq.app"):
        app.job(name="mail.send")(send_email)
        app.job(name="mail.send", queue="mail")(send_email)
        assert caplog.records == []
        app.job(name="mail.send")(other)
    [warning] = caplog.messages
    assert "mail.send" in warning
    assert "send_email" in warning
    assert "other" in warning
    assert only(app).function is other
    assert app._get_job_registry().of(send_email) is None


def test_positional_only_parameters_are_refused(app: Soniq) -> None:
    def handler(to: str, /) -> str:
        return to

    with pytest.raises(TypeError, match="'to' by position only"):
        app.job(handler)


SCRIPT = """
from soniq import Soniq

app = Soniq(backend="memory")

@app.job
def work() -> None: ...

print(*app._get_job_registry().names())
"""


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (["script.py"], "script.work"),
        (["-m", "package.tool"], "package.tool.work"),
        (["-m", "package"], "package.__main__.work"),
        (["-c", SCRIPT], "main.work"),
    ],
)
def test_a_script_goes_by_the_name_others_import_it_by(
    tmp_path: Path, arguments: list[str], name: str
) -> None:
    package = tmp_path / "package"
    package.mkdir()
    for path in ("script.py", "package/tool.py", "package/__main__.py"):
        (tmp_path / path).write_text(SCRIPT)
    (package / "__init__.py").touch()
    found = run_python(arguments, tmp_path)
    assert found.stdout.split() == [name]


def run_python(arguments: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )


async def test_a_decorator_outside_of_the_job_still_finds_it(app: Soniq) -> None:
    def loud(function: Any) -> Any:
        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            return function(*args, **kwargs)

        return wrapper

    wrapped = loud(app.job(name="mail.send")(send_email))
    job = await app.get_job(await app.enqueue(wrapped, to="a"))
    assert job is not None
    assert job["job_name"] == "mail.send"
    await app.close()
