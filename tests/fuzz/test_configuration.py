"""URLs, environment and schedules of any kind: each is taken, or refused with a clear error."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import strategies as st
from pydantic_settings import BaseSettings

from soniq import Soniq, SoniqError, cron, daily, every, monthly, weekly
from soniq.cli.failures import CommandFailed
from soniq.cli.invocation import find_app
from soniq.dashboard.settings import DashboardSettings
from soniq.settings import SchedulerSettings, SoniqSettings
from tests.fuzz.effort import REFUSALS, check_clear, each, each_awaited, efforts
from tests.fuzz.values import anything, numbers, texts

_urls = st.one_of(
    texts,
    st.builds(
        "{}{}{}{}".format,
        st.sampled_from(
            ["postgresql://", "postgres://", "sqlite:///", "memory://", "mysql://", ""]
        ),
        texts,
        st.sampled_from(["@127.0.0.1:1/", ":99999/", "[::1/", "/nowhere/x.db", "?sslmode=no", ""]),
        texts,
    ),
)


@efforts
def test_any_url_and_backend(effort: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    def check(given: tuple[Any, Any]) -> None:
        url, backend = given
        try:
            app = Soniq(url, backend=backend)
        except REFUSALS as error:
            check_clear(error)
        else:
            assert not app.is_initialized

    names = st.sampled_from([None, None, "postgres", "sqlite", "memory"]) | texts
    each(st.tuples(_urls | st.none(), names), 100 * effort, check)


_closed = st.builds(
    "postgresql://{}:{}@127.0.0.1:{}/{}?{}".format,
    st.sampled_from(["me", "", "%zz", "a b"]),
    st.sampled_from(["geheim", "p%40", "%", "\x00"]),
    st.sampled_from([1, "", "x", 70000, -1]),
    st.sampled_from(["db", "", "%2e", "a/b"]),
    st.sampled_from(
        ["", "sslmode=nonsense", "sslmode=disable", "connect_timeout=x", "a", "host=%"]
    ),
)


@efforts
async def test_no_database_at_a_url_is_one_clear_error(effort: int) -> None:
    async def check(url: str) -> None:
        with pytest.raises(SoniqError) as caught:
            await Soniq(url, database_timeout=0.1).ensure_initialized()
        assert "geheim" not in str(caught.value)

    await each_awaited(_closed, 20 * effort, check)


_ENVIRONMENTS: Final[dict[type[BaseSettings], list[str]]] = {
    kind: sorted(f"{kind.model_config['env_prefix']}{name.upper()}" for name in kind.model_fields)
    for kind in (SoniqSettings, SchedulerSettings, DashboardSettings)
}
_in_environment = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20),
    st.sampled_from(["nan", "inf", "-1", "1e999", "[]", "{}", "true", "[[", '{"a": 1}', ","]),
)


@pytest.mark.parametrize("kind", _ENVIRONMENTS)
@efforts
def test_any_environment(
    kind: type[BaseSettings], effort: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def check(values: dict[str, str]) -> None:
        with monkeypatch.context() as patch:
            for name, value in values.items():
                patch.setenv(name, value)
            try:
                with warnings.catch_warnings():
                    # What `re` says of odd patterns for names is for whoever wrote them.
                    warnings.simplefilter("ignore", FutureWarning)
                    kind()
            except ValueError as error:
                text = str(error).lower()
                prefix = str(kind.model_config["env_prefix"])
                assert any(name.removeprefix(prefix).lower() in text for name in values)

    names = st.sampled_from(_ENVIRONMENTS[kind])
    given = st.dictionaries(names, _in_environment, min_size=1, max_size=2)
    each(given, 100 * effort, check)


_places = st.sampled_from(["soniq.plugins.metrics:Metrics", "builtins:object", "soniq:Soniq"]) | (
    st.sampled_from(["os", "os:path", "os:sep", "os:", ":", "no.such:thing", "..", "a b", ".os:x"])
)


@efforts
def test_any_plugins(effort: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def check(named: list[str]) -> None:
        with monkeypatch.context() as patch:
            patch.setenv("SONIQ_PLUGINS", ",".join(named))
            try:
                app = Soniq(backend="memory")
            except REFUSALS as error:
                check_clear(error, "SONIQ_PLUGINS", *filter(None, map(str.strip, named)))
            else:
                assert not app.is_initialized

    each(st.lists(_places | _in_environment, min_size=1, max_size=2), 20 * effort, check)


@efforts
def test_any_modules_of_jobs(effort: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)

    def check(named: list[str]) -> None:
        with monkeypatch.context() as patch:
            patch.setenv("SONIQ_JOBS_MODULES", ",".join(named))
            patch.setenv("SONIQ_DATABASE_URL", "memory://")
            try:
                find_app(None, None, None, None)
            except CommandFailed as error:
                check_clear(error)

    each(st.lists(_places | _in_environment, min_size=1, max_size=3), 60 * effort, check)


_fields = st.lists(
    st.sampled_from(
        ["*", "*/5", "0", "59", "60", "1-5", "5-1", "L", "MON", "1,2", "*/0", "-", "?", "31", "1/2"]
    )
    | st.text(max_size=4),
    min_size=4,
    max_size=7,
).map(" ".join)


@efforts
async def test_any_schedule(effort: int) -> None:
    async with Soniq(backend="memory") as app:

        async def check(options: dict[str, Any]) -> None:
            try:
                name = await app.scheduler.add("jobs.one", **options)
            except REFUSALS as error:
                check_clear(error)
                assert await app.scheduler.list() == []
                return
            (stored,) = await app.scheduler.list()
            assert stored["next_run"] > datetime.now(UTC) - timedelta(minutes=1)
            assert await app.scheduler.remove(name)

        options = st.fixed_dictionaries(
            {},
            optional={
                "cron": _fields | st.sampled_from(["@daily", "@never"]) | anything,
                "every": numbers | st.timedeltas() | anything,
                "timezone": st.sampled_from(["UTC", "Europe/Berlin", "../etc", "", "X/Y"]) | texts,
                "catch_up": st.sampled_from(["one", "all", "skip"]) | anything,
                "overlap": st.sampled_from(["allow", "skip"]) | anything,
                "jitter": numbers,
                "name": texts,
                "queue": texts,
                "priority": numbers,
                "max_attempts": numbers,
            },
        )
        just_timed = st.fixed_dictionaries({"cron": _fields})
        await each_awaited(just_timed | options, 60 * effort, check)


_CALLS: Final[tuple[Callable[[Any], Any], ...]] = (
    lambda value: every(value).minutes(),
    lambda value: every(value).hours(),
    lambda value: every(value).days(),
    lambda value: every(value).seconds(),
    lambda value: daily().at(value),
    lambda value: weekly().on(value),
    lambda value: weekly().on(1).at(value),
    lambda value: monthly().on_day(value),
    cron,
)


@efforts
def test_any_schedule_in_words(effort: int) -> None:
    def check(given: tuple[Callable[[Any], Any], Any]) -> None:
        call, value = given
        try:
            made = call(value)
        except REFUSALS as error:
            check_clear(error)
        else:
            assert isinstance(made, str | timedelta)

    clocks = st.sampled_from(["24:00", "23:59", "1:1", "-1:00", "12:00 ", "12"])
    each(st.tuples(st.sampled_from(_CALLS), clocks | anything), 100 * effort, check)
