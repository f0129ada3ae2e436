"""The tables of plugins: created, recorded, upgraded and rolled back like the engine's own."""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from soniq import Soniq
from soniq.doctor import Finding, Level, examine
from soniq.errors import (
    SONIQ_SCHEMA_MISSING,
    SONIQ_SCHEMA_TOO_NEW,
    MigrationError,
    SoniqError,
)
from tests.plugins.conftest import Diary

FIRST = "CREATE TABLE stamps (name text NOT NULL);\nINSERT INTO stamps VALUES ('first');\n"
SECOND = "ALTER TABLE stamps ADD COLUMN colour text;\n"
BROKEN = "INSERT INTO stamps VALUES ('broken', 'red');\nINSERT INTO no_such_table VALUES (1);\n"
KINDS = ("postgres", "sqlite")


class Package:
    """A package with migrations, which a test writes as it goes."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self._folder = folder / name
        for kind in KINDS:
            (self._folder / kind).mkdir(parents=True)
        (self._folder / "__init__.py").touch()

    def write(self, name: str, text: str) -> None:
        for kind in KINDS:
            (self._folder / kind / f"{name}.sql").write_text(text)

    def remove(self, name: str) -> None:
        for kind in KINDS:
            (self._folder / kind / f"{name}.sql").unlink()


class Stamps(Diary):
    """Keeps stamps in a table."""

    def __init__(self, package: str, key: str = "stamps") -> None:
        super().__init__(f"tests.{key}")
        self.package = package
        self.key = key

    def get_tables(self) -> list[str]:
        return ["stamps"]

    def migrate_key(self) -> str:
        return self.key

    def migrate_package(self) -> str:
        return self.package


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Package]:
    monkeypatch.syspath_prepend(str(tmp_path))
    package = Package(tmp_path, f"stamps_{tmp_path.name}")
    package.write("0001_stamps", FIRST)
    yield package
    sys.modules.pop(package.name, None)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A store that has tables, and has none yet."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'jobs.db'}"
    return str(request.getfixturevalue("pg_url"))


async def ask(url: str, question: str) -> list[tuple[Any, ...]]:
    """Look into the store behind Soniq's back."""
    if url.startswith("sqlite"):
        with sqlite3.connect(url.removeprefix("sqlite:///")) as database:
            rows = database.execute(question).fetchall()
        database.close()
        return rows
    connection = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await connection.fetch(question)]
    finally:
        await connection.close()


async def set_up(url: str, package: Package, **settings: Any) -> int:
    app = Soniq(url, plugins=[Stamps(package.name)], **settings)
    try:
        return await app.setup()
    finally:
        await app.close()


# --- setup --------------------------------------------------------------------------------------


async def test_setup_applies_a_plugins_migrations_once(url: str, package: Package) -> None:
    async with Soniq(url) as plain:
        await plain.setup()
    assert await set_up(url, package) == 1
    assert await ask(url, "SELECT name FROM stamps") == [("first",)]
    assert await set_up(url, package) == 0


async def test_a_file_has_its_plugins_tables_by_first_use(tmp_path: Path, package: Package) -> None:
    url, plugin = f"sqlite:///{tmp_path / 'jobs.db'}", Stamps(package.name)
    async with Soniq(url, plugins=[plugin]) as app:
        assert ("tests.stamps", "startup") in plugin.pages
        assert await app.setup() == 0
    assert await ask(url, "SELECT name FROM stamps") == [("first",)]


async def test_the_first_setup_counts_all_migrations(url: str, package: Package) -> None:
    package.write("0002_colours", SECOND)
    names = await ask_migrations(url, package)
    assert all(not applied for _, applied in names)
    assert await set_up(url, package) == len(names)
    assert [name for name, _ in names][-2:] == ["stamps/0001_stamps", "stamps/0002_colours"]
    assert all(applied for _, applied in await ask_migrations(url, package))


async def ask_migrations(url: str, package: Package) -> list[tuple[str, bool]]:
    app = Soniq(url, plugins=[Stamps(package.name)])
    try:
        return await app._migrations()
    finally:
        await app.close()


async def test_plugins_migrations_are_recorded_apart_from_each_other_and_the_engines(
    url: str, package: Package
) -> None:
    await set_up(url, package)
    package.write("0001_stamps", "CREATE TABLE others (name text);\n")
    async with Soniq(url, plugins=[Stamps(package.name, "other")]) as app:
        await app.setup()
    rows = await ask(
        url, "SELECT version, name, checksum FROM soniq_migrations WHERE version < 0 ORDER BY 1"
    )
    checksum = hashlib.sha256(FIRST.encode()).hexdigest()
    assert [row[:2] for row in rows] == [(-2, "other/0001_stamps"), (-1, "stamps/0001_stamps")]
    assert rows[1][2] == checksum


async def test_an_app_without_the_plugin_works_on_its_tables(url: str, package: Package) -> None:
    package.write("0009_colours", SECOND)
    await set_up(url, package)
    async with Soniq(url) as plain:
        assert await plain.setup() == 0
        assert (await plain.get_queue_stats())["total"] == 0
        assert all(name.partition("/")[0] != "stamps" for name, _ in await plain._migrations())


async def test_an_upgrade_applies_what_is_new(url: str, package: Package) -> None:
    await set_up(url, package)
    package.write("0002_colours", SECOND)
    assert [name for name, applied in await ask_migrations(url, package) if not applied] == [
        "stamps/0002_colours"
    ]
    assert await set_up(url, package) == 1
    assert await ask(url, "SELECT name, colour FROM stamps") == [("first", None)]


async def test_a_migration_that_fails_leaves_nothing_behind(url: str, package: Package) -> None:
    await set_up(url, package)
    package.write("0002_colours", SECOND)
    package.write("0003_broken", BROKEN)
    with pytest.raises(MigrationError, match="stamps/0003_broken"):
        await set_up(url, package)
    with pytest.raises((asyncpg.UndefinedColumnError, sqlite3.OperationalError)):
        await ask(url, "SELECT colour FROM stamps")
    package.write("0003_broken", "UPDATE stamps SET colour = 'red';\n")
    assert await set_up(url, package) == 2
    assert await ask(url, "SELECT colour FROM stamps") == [("red",)]


async def test_of_several_setups_at_once_one_applies_everything(url: str, package: Package) -> None:
    applied = await asyncio.gather(*(set_up(url, package) for _ in range(4)))
    assert sum(applied) == len(await ask_migrations(url, package))
    assert await ask(url, "SELECT name FROM stamps") == [("first",)]


async def test_a_schema_of_its_own_holds_the_plugins_tables_too(
    pg_url: str, package: Package
) -> None:
    await set_up(pg_url, package, schema="Jobs")
    tables = await ask(pg_url, "SELECT schemaname::text FROM pg_tables WHERE tablename = 'stamps'")
    assert tables == [("Jobs",)]


# --- what does not fit --------------------------------------------------------------------------


async def test_a_worker_refuses_tables_that_are_behind_and_enqueues_go_on(
    pg_url: str, package: Package
) -> None:
    async with Soniq(pg_url) as plain:
        await plain.setup()
    plugin = Stamps(package.name)
    async with Soniq(pg_url, plugins=[plugin], enqueue_validation="none") as app:
        with pytest.raises(SoniqError, match=r"lack the migration stamps/0001_stamps") as refused:
            await app.run_worker(run_once=True)
        assert refused.value.error_code == SONIQ_SCHEMA_MISSING
        assert "soniq setup" in refused.value.suggestions[0]
        await app.enqueue("some.job")
        assert ("tests.stamps", "startup") not in plugin.pages
        await app.setup()
        assert ("tests.stamps", "startup") in plugin.pages
        await app.run_worker(run_once=True)


@pytest.mark.parametrize("compatible", [True, False])
async def test_newer_tables_are_used_only_while_they_are_compatible(
    url: str, package: Package, compatible: bool
) -> None:
    head = "-- compatible_with: 1\n" if compatible else ""
    package.write("0002_colours", head + SECOND)
    await set_up(url, package)
    package.remove("0002_colours")
    plugin = Stamps(package.name)
    async with Soniq(url, plugins=[plugin]) as app:
        if compatible:
            await app.run_worker(run_once=True)
            assert ("tests.stamps", "startup") in plugin.pages
            return
        with pytest.raises(SoniqError, match="plugin stamps are at version 2") as refused:
            await app.run_worker(run_once=True)
        assert refused.value.error_code == SONIQ_SCHEMA_TOO_NEW
        assert refused.value.context == {"found": 2, "known": 1}
        assert ("tests.stamps", "startup") not in plugin.pages


async def test_a_plugin_that_knows_nothing_of_the_store_says_so(tmp_path: Path) -> None:
    app = Soniq(tmp_path / "jobs.db", plugins=[Stamps("soniq.cli")])
    with pytest.raises(MigrationError, match=r"soniq\.cli has no folder sqlite"):
        await app.setup()
    await app.close()


async def test_a_file_that_bears_no_number_is_refused(url: str, package: Package) -> None:
    package.write("colours", SECOND)
    with pytest.raises(MigrationError, match=r"0001_what_it_does\.sql"):
        await set_up(url, package)


async def test_in_memory_there_is_nothing_to_create(package: Package) -> None:
    plugin = Stamps(package.name)
    async with Soniq(backend="memory", plugins=[plugin]) as app:
        assert await app.setup() == 0
        assert await app._migrations() == []
        assert ("tests.stamps", "startup") in plugin.pages


# --- doctor -------------------------------------------------------------------------------------


async def diagnosis(url: str, package: Package) -> list[Finding]:
    app = Soniq(url, plugins=[Stamps(package.name)])
    try:
        return [each.finding for each in await examine(app) if each.check == "schema"]
    finally:
        await app.close()


async def test_doctor_tells_of_a_plugins_tables_that_do_not_fit(url: str, package: Package) -> None:
    await set_up(url, package)
    assert [found.level for found in await diagnosis(url, package)] == [Level.OK]
    package.write("0002_colours", SECOND)
    [behind] = await diagnosis(url, package)
    assert (behind.level, behind.message) == (Level.ERROR, "The tables lack stamps/0002_colours")
    await set_up(url, package)
    package.remove("0002_colours")
    [ahead] = await diagnosis(url, package)
    assert ahead.level is Level.ERROR
    assert "plugin stamps are at version 2" in ahead.message


async def test_doctor_looks_at_the_tables_of_plugins_too(pg_url: str, package: Package) -> None:
    await set_up(pg_url, package, schema="Jobs")
    await ask(pg_url, 'ALTER TABLE "Jobs".stamps SET (autovacuum_enabled = false)')
    app = Soniq(pg_url, plugins=[Stamps(package.name)], schema="Jobs")
    told = [each.finding.message for each in await examine(app) if each.check == "tables"]
    await app.close()
    assert told == ["Autovacuum is off for stamps"]
