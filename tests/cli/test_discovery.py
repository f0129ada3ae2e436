"""Which instance a command is about, and what it imports for it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from soniq.cli.discovery import Source, locate, source_from
from soniq.cli.failures import CommandFailed
from tests.cli.conftest import Project

ONE_APP = """
    from soniq import Soniq

    app = Soniq(backend="memory")

    @app.job
    async def greet() -> None: ...
"""
EMPTY_APP = """
    from soniq import Soniq

    app = Soniq(backend="memory")
"""


@pytest.fixture(autouse=True)
def _in_the_project(project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(project.folder)
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        del sys.modules[name]


def from_modules(*modules: str, database_url: str | None = None) -> Source:
    return Source(None, modules, database_url)


def test_the_current_directory_is_importable(project: Project) -> None:
    project.write("shop/__init__.py", "")
    project.write("shop/jobs.py", ONE_APP)

    located = locate(Source("shop.jobs:app", (), None))

    assert located.app is sys.modules["shop.jobs"].app
    assert located.modules == ("shop.jobs",)


def test_a_module_is_searched_for_its_instance(project: Project) -> None:
    project.write("jobs.py", ONE_APP)

    assert locate(Source("jobs", (), None)).app is sys.modules["jobs"].app


def test_app_and_modules_are_all_imported(project: Project) -> None:
    project.write("main.py", EMPTY_APP)
    project.write("mail.py", "from main import app\n\n@app.job\nasync def send() -> None: ...\n")

    located = locate(Source("main:app", ("mail",), None))

    assert located.modules == ("main", "mail")
    assert located.app._get_job_registry().names() == ("mail.send",)


def test_without_app_the_instance_of_the_modules_is_used(project: Project) -> None:
    project.write("jobs.py", ONE_APP)

    located = locate(from_modules("jobs"))

    assert located.found
    assert located.app is sys.modules["jobs"].app


def test_an_instance_imported_by_several_modules_is_one(project: Project) -> None:
    project.write("main.py", EMPTY_APP)
    project.write("one.py", "from main import app")
    project.write("two.py", "from main import app as queue")

    assert locate(from_modules("one", "two")).app is sys.modules["main"].app


def test_of_several_instances_the_one_with_jobs_is_used(project: Project) -> None:
    project.write("empty.py", EMPTY_APP)
    project.write("full.py", ONE_APP)

    assert locate(from_modules("empty", "full")).app is sys.modules["full"].app


def test_several_instances_with_jobs_are_named_with_the_way_to_choose(project: Project) -> None:
    project.write("mail.py", ONE_APP)
    project.write("shop.py", ONE_APP)

    with pytest.raises(CommandFailed) as failed:
        locate(from_modules("mail", "shop"))

    assert "mail:app" in failed.value.summary
    assert "shop:app" in failed.value.summary
    assert "--app" in failed.value.summary


def test_without_any_instance_a_fresh_one_is_on_the_given_database(project: Project) -> None:
    project.write("empty.py", "")

    located = locate(from_modules("empty", database_url="memory://"))

    assert not located.found
    assert located.app.settings.database_url == "memory://"


def test_every_failed_import_is_listed_with_a_hint(project: Project) -> None:
    project.write("fine.py", "")
    project.write("broken.py", "import nowhere_to_be_found")
    project.write("leaving.py", "raise SystemExit(3)")

    with pytest.raises(CommandFailed) as failed:
        locate(from_modules("fine", "broken", "leaving", "missing"))

    *listed, hint = failed.value.details
    assert failed.value.summary.startswith("3 of 4 modules")
    assert [line.partition(":")[0] for line in listed] == ["broken", "leaving", "missing"]
    assert "No module named 'nowhere_to_be_found'" in listed[0]
    assert "PYTHONPATH" in hint


def test_a_path_is_told_how_its_module_is_named(project: Project) -> None:
    project.write("shop/jobs.py", ONE_APP)

    with pytest.raises(CommandFailed) as failed:
        locate(from_modules("./shop/jobs.py"))

    assert "shop.jobs" in failed.value.details[0]


def test_an_import_error_shows_no_password(project: Project) -> None:
    project.write("jobs.py", "raise RuntimeError('no postgresql://me:hunter2@host/app')")

    with pytest.raises(CommandFailed) as failed:
        locate(from_modules("jobs"))

    assert "hunter2" not in "".join(failed.value.details)


@pytest.mark.parametrize(
    "app, said",
    [
        ("jobs:nothing", "did you mean jobs:app?"),
        ("jobs:greet", "not a Soniq instance"),
        ("empty", "holds no Soniq instance"),
        ("empty:app", "holds no Soniq instance"),
        ("jobs:", "module:attribute"),
        (":app", "module:attribute"),
    ],
)
def test_an_app_that_is_none_is_refused(project: Project, app: str, said: str) -> None:
    project.write("jobs.py", ONE_APP)
    project.write("empty.py", "")

    with pytest.raises(CommandFailed, match=said):
        locate(Source(app, (), None))


@pytest.mark.parametrize("app", ["jobs:app", "jobs"])
def test_with_app_another_database_wins(project: Project, app: str) -> None:
    project.write(
        "jobs.py", "from soniq import Soniq\n\napp = Soniq(database_url='sqlite:///own.db')\n"
    )

    located = locate(Source(app, (), "sqlite:///other.db"))

    assert located.app.settings.database_url == "sqlite:///other.db"


def test_against_a_found_instance_another_database_conflicts(project: Project) -> None:
    project.write(
        "jobs.py",
        "from soniq import Soniq\n\napp = Soniq(database_url='postgresql://me:hunter2@host/one')\n",
    )

    with pytest.raises(CommandFailed, match="conflicts") as failed:
        locate(from_modules("jobs", database_url="postgresql://me:hunter2@host/two"))

    assert "hunter2" not in failed.value.summary


@pytest.mark.parametrize("backend", ["'memory'", "MemoryBackend()"])
def test_a_found_instance_in_memory_conflicts_with_any_database(
    project: Project, backend: str
) -> None:
    project.write(
        "jobs.py",
        f"""
        from soniq import Soniq
        from soniq.backends.memory import MemoryBackend

        app = Soniq(backend={backend})
        """,
    )

    with pytest.raises(CommandFailed, match="conflicts"):
        locate(from_modules("jobs", database_url="sqlite:///other.db"))


def test_the_same_database_spelled_otherwise_is_no_conflict(project: Project) -> None:
    project.write(
        "jobs.py", "from soniq import Soniq\n\napp = Soniq(database_url='sqlite:///own.db')\n"
    )

    located = locate(from_modules("jobs", database_url=f"sqlite:///{Path.cwd() / 'own.db'}"))

    assert located.app is sys.modules["jobs"].app


def test_a_found_instance_without_a_database_takes_the_given_one(project: Project) -> None:
    project.write("jobs.py", "from soniq import Soniq\n\napp = Soniq()\n")

    located = locate(from_modules("jobs", database_url="sqlite:///given.db"))

    assert located.app.settings.database_url == "sqlite:///given.db"


def test_modules_of_the_command_line_are_joined_to_the_configured_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SONIQ_JOBS_MODULES", "shop.jobs, mail.jobs")

    source = source_from(None, ("mail.jobs", "extra"), None)

    assert source.modules == ("mail.jobs", "extra", "shop.jobs")


def test_a_conflict_is_told_without_passwords(project: Project) -> None:
    project.write(
        "jobs.py", 'from soniq import Soniq\n\napp = Soniq("postgresql://me:it\'s@here/app")\n'
    )

    with pytest.raises(CommandFailed, match="conflicts") as caught:
        locate(from_modules("jobs", database_url='postgresql://me:say "so"@there/app'))

    assert "it's" not in caught.value.summary
    assert "so" not in caught.value.summary.replace("Soniq", "")


APP_WITH_MODULES = """
    from soniq import Soniq

    app = Soniq(backend="memory", jobs_modules=["mail"])
"""
MAIL = """
    from main import app

    @app.job
    async def send() -> None: ...
"""


@pytest.mark.parametrize("source", [Source("main:app", (), None), from_modules("main")])
def test_the_modules_that_an_instance_names_are_imported(project: Project, source: Source) -> None:
    project.write("main.py", APP_WITH_MODULES)
    project.write("mail.py", MAIL)

    located = locate(source)

    assert located.modules == ("main", "mail")
    assert located.app._get_job_registry().names() == ("mail.send",)


def test_a_module_that_an_instance_names_in_vain_is_an_error(project: Project) -> None:
    project.write("main.py", APP_WITH_MODULES)

    with pytest.raises(CommandFailed, match="could not be imported") as caught:
        locate(Source("main:app", (), None))

    assert "mail" in caught.value.details[0]
    assert "PYTHONPATH" in caught.value.details[-1]


def test_what_a_module_prints_is_no_part_of_a_json_document(project: Project) -> None:
    project.write("jobs.py", 'print("loading")\n' + dedent(ONE_APP))

    as_json = project.run("status", "jobs:app", "--json")
    plain = project.run("status", "jobs:app")

    assert as_json.document["database"]["status"] == "ok"
    assert "loading" in as_json.err
    assert "loading" in plain.out
