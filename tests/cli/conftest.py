"""A project folder of a user's, and the command line run in it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from tests.programs import Program, environment
from tests.warm import warm


@dataclass(frozen=True, slots=True)
class Ran:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """Its stdout, which must be one JSON document."""
        return json.loads(self.out)


@dataclass(frozen=True, slots=True)
class Project:
    """A folder with a user's modules in which commands are run."""

    folder: Path

    def write(self, path: str, source: str) -> None:
        """Write a module, or any other file."""
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(source))

    def run(self, *arguments: str, env: Mapping[str, str | None] | None = None) -> Ran:
        """Run `soniq` to its end."""
        ended = self._ended("-m", "soniq", *arguments, env=env or {})
        return Ran(ended.returncode, ended.stdout, ended.stderr)

    def start(self, *arguments: str, env: Mapping[str, str | None] | None = None) -> Program:
        """Start `soniq` and watch it."""
        return Program([sys.executable, "-m", "soniq", *arguments], cwd=self.folder, env=env)

    def python(self, source: str, env: Mapping[str, str | None] | None = None) -> str:
        """Run a piece of the user's own program; returns what it prints."""
        ended = self._ended("-c", dedent(source), env=env or {})
        assert ended.returncode == 0, ended.stderr
        return ended.stdout.strip()

    def _ended(
        self, *arguments: str, env: Mapping[str, str | None]
    ) -> subprocess.CompletedProcess[str]:
        # A worker may start others as it was started itself.
        if "worker" not in arguments and not any(name.startswith("PYTHON") for name in env):
            known = warm("soniq.cli")
            return known.run(*arguments, cwd=self.folder, env=environment(env))
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env=environment(env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=50,
            check=False,
        )


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """An empty folder to run commands in."""
    return Project(tmp_path)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest, project: Project) -> Any:
    """A database that is set up, on each store that outlives its process."""
    from tests.cli.databases import Database

    url = f"sqlite:///{project.folder / 'jobs.db'}"
    if request.param == "postgres":
        url = request.getfixturevalue("pg_url")
    database = Database(project, url)
    database.counts()
    return database
