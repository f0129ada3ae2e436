from __future__ import annotations

import logging
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soniq import Soniq, SoniqError
from soniq.backends import PostgresBackend
from soniq.backends.urls import backend_for
from soniq.errors import SONIQ_INVALID_DATABASE_URL


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SONIQ_DATABASE_URL", raising=False)


async def location(*args: Any, **options: Any) -> tuple[str, str]:
    async with Soniq(*args, **options) as app:
        assert app.backend is not None
        return app.backend.name, app.backend.location


@pytest.mark.parametrize(
    "url", ["sqlite:///jobs.db", "jobs.db", "./jobs.sqlite", "jobs.sqlite3", Path("jobs.db")]
)
async def test_forms_of_sqlite(url: Any) -> None:
    name, _ = await location(url)
    assert name == "sqlite"


async def test_an_absolute_sqlite_url_names_that_file(tmp_path: Path) -> None:
    async with Soniq(f"sqlite:///{tmp_path}/absolute.db") as app:
        await app.setup()
    assert (tmp_path / "absolute.db").exists()


async def test_memory_is_private_to_the_instance() -> None:
    from soniq import TaskRef

    async with Soniq("memory://") as one, Soniq("memory://") as other:
        await one.enqueue(TaskRef("a.b"))
        assert (await other.get_queue_stats())["total"] == 0


async def test_nothing_configured_is_a_sqlite_file_and_one_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING):
        async with Soniq() as app:
            await app.setup()
            assert app.backend is not None
            assert app.backend.name == "sqlite"
            assert "soniq.db" in app.backend.location
    warnings = [record.getMessage() for record in caplog.records]
    assert len(warnings) == 1
    assert "SONIQ_DATABASE_URL" in warnings[0]


@pytest.mark.parametrize("where", ["environment", "dotenv"])
async def test_the_environment_takes_every_form(
    where: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    if where == "environment":
        monkeypatch.setenv("SONIQ_DATABASE_URL", "memory://")
    else:
        (tmp_path / ".env").write_text("SONIQ_DATABASE_URL=memory://\n")
    assert await location() == ("memory", "memory://")
    assert (await location("sqlite:///own.db"))[0] == "sqlite"
    assert caplog.records == []


async def test_backends_by_name(tmp_path: Path) -> None:
    assert (await location(backend="memory"))[0] == "memory"
    assert (await location(backend="sqlite"))[0] == "sqlite"
    assert (await location(tmp_path / "no-ending", backend="sqlite"))[0] == "sqlite"


@pytest.mark.parametrize(
    "url",
    [
        "mysql://localhost/x",
        "http://localhost",
        "redis://localhost",
        "sqlite:///:memory:",
        "sqlite://",
        "sqlite:///",
        "sqlite://relative.db",
        "memory://shared",
        "nonsense",
        "postgresql+asyncpg://localhost/x",
    ],
)
def test_other_urls_are_refused_with_the_accepted_forms(url: str) -> None:
    with pytest.raises(SoniqError) as caught:
        Soniq(url)
    assert caught.value.error_code == SONIQ_INVALID_DATABASE_URL
    accepted = " ".join(caught.value.context["accepted"])
    for form in ("postgresql://", "postgres://", "sqlite:///", ".sqlite3", "memory://"):
        assert form in accepted


def test_no_password_is_shown() -> None:
    with pytest.raises(SoniqError) as caught:
        Soniq("mysql://user:hush@localhost/x")
    assert "hush" not in str(caught.value)


def test_an_unknown_backend() -> None:
    with pytest.raises(ValueError, match="Unknown backend 'oracle'"):
        Soniq(backend="oracle")


def test_postgres_without_a_url() -> None:
    with pytest.raises(ValueError, match="SONIQ_DATABASE_URL"):
        Soniq(backend="postgres")


def test_a_name_and_a_url_that_contradict_each_other() -> None:
    with pytest.raises(SoniqError, match="is not a Postgres URL"):
        backend_for("postgres", "sqlite:///x.db")
    with pytest.raises(SoniqError, match="names no SQLite file"):
        backend_for("sqlite", "postgresql://localhost/x")


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
def test_postgres_urls_build_without_connecting(scheme: str) -> None:
    assert backend_for(None, f"{scheme}://nobody@127.0.0.1:1/x")().name == "postgres"


@pytest.mark.parametrize(
    "url, shown",
    [
        ("postgresql://u:it's@h:1/db", "postgresql://u:***@h:1/db"),
        ("postgresql://u:pw@h,i:2/db?a=b", "postgresql://u:***@h,i:2/db?a=b"),
        ("postgresql://u:12/34@h/db", "postgresql://u:***@h/db"),
        ("postgresql://u@h/db?password=it's&a=b", "postgresql://u@h/db?password=***&a=b"),
        ("postgresql://u@h/db?sslpassword=p@w", "postgresql://u@h/db?sslpassword=***"),
        ("postgresql://h/db?pass%77ord=x", "postgresql://h/db?pass%77ord=***"),
        ("postgresql://[::1]:5/db", "postgresql://[::1]:5/db"),
        ("postgresql://%2Ftmp/db", "postgresql://%2Ftmp/db"),
        ("postgresql://", "postgresql://"),
    ],
)
def test_postgres_says_where_it_is_without_its_password(url: str, shown: str) -> None:
    assert backend_for(None, url)().location == shown


@pytest.mark.parametrize(
    "url",
    [
        "postgresql:/u:hunter2@h/d",
        "postgresql//u:hunter2@h/d",
        "postgresql:u:hunter2@h/d",
        "u:hunter2@h/d",
        "u:/hunter2@h/d",
        "postgres://u:hunter2/x@h/d",
        "postgres://u:hunter2?x@h/d",
        "postgres://u:hunter2[@h/d",
        "postgres://u:hunter2\u2100@h/d",
        "postgres://u:hunter2",
        "mysql://u:it's-hunter2@h/d",
        "mysql://h:3306/d?password=p@hunter2",
    ],
)
def test_a_url_that_cannot_be_used_is_told_without_its_password(url: str) -> None:
    with pytest.raises(SoniqError) as caught:
        Soniq(url)
    assert caught.value.error_code == SONIQ_INVALID_DATABASE_URL
    assert "hunter2" not in f"{caught.value}{caught.value!r}{caught.value.__cause__!r}"
    assert "***" in str(caught.value)


def test_a_backend_by_itself_refuses_a_url_that_cannot_be_read() -> None:
    with pytest.raises(ValueError, match="%2F") as caught:
        PostgresBackend("postgresql://u:hunter2/x@h/d")
    assert "hunter2" not in str(caught.value)


_TYPED = st.text(st.characters(codec="utf-8"), min_size=1).map("s3cret{}".format)


@given(
    password=st.one_of(_TYPED, _TYPED.map(partial(quote, safe=""))),
    form=st.sampled_from(
        [
            "postgresql://u:{}@h:1/db?x=y",
            "postgres://u@h/db?password={}",
            "postgresql:/u:{}@h/d",
            "u:{}@h/d",
            "mysql://u:{}@h/d?x=y",
        ]
    ),
)
def test_no_password_whatever_is_shown(password: str, form: str) -> None:
    url = form.format(password)
    try:
        told = backend_for(None, url)().location
    except SoniqError as error:
        told = str(error)
    assert "s3cret" not in told
