"""What is in the packages, and what they say about themselves."""

from __future__ import annotations

import gzip
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

import soniq
from tests.packaging.packages import ROOT, Packages, metadata_of

pytestmark = pytest.mark.long

FIRST_VISIT = 150_000  # bytes, compressed


def test_the_wheel_is_the_package_and_nothing_else(packages: Packages) -> None:
    package = ROOT / "src" / "soniq"
    files = {
        str(path.relative_to(package.parent))
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    contents = _contents(packages.wheel)
    information = {name for name in contents if name.startswith(f"soniq-{soniq.__version__}.dist")}
    assert set(contents) - information == files
    assert {Path(name).name for name in information} == {
        "METADATA",
        "RECORD",
        "WHEEL",
        "LICENSE",
        "entry_points.txt",
    }


@pytest.mark.parametrize(
    "pattern",
    [
        "soniq/py.typed",
        "soniq/backends/postgres/migrations/0001_*.sql",
        "soniq/backends/postgres/sql/claim.sql",
        "soniq/backends/sqlite/migrations/0001_*.sql",
        "soniq/backends/sqlite/sql/claim.sql",
        "soniq/plugins/metrics/migrations/postgres/*.sql",
        "soniq/dashboard/static/index.html",
        "soniq/dashboard/static/app-*.js",
        "soniq/dashboard/static/licences.txt",
    ],
)
def test_the_wheel_has_what_no_module_imports(packages: Packages, pattern: str) -> None:
    assert [name for name in _contents(packages.wheel) if Path(name).match(pattern)]


def test_a_first_visit_of_the_dashboard_costs_little(packages: Packages) -> None:
    static = {
        name: content
        for name, content in _contents(packages.wheel).items()
        if "/dashboard/static/" in name and not name.endswith("licences.txt")
    }
    sent = sum(min(len(content), len(gzip.compress(content))) for content in static.values())
    assert 0 < sent < FIRST_VISIT


def test_the_source_distribution_makes_the_same_wheel(packages: Packages) -> None:
    assert _contents(packages.wheel_of_source) == _contents(packages.wheel)


def test_the_source_distribution_is_the_checkout_without_what_is_made(packages: Packages) -> None:
    with tarfile.open(packages.source) as archive:
        names = [Path(name).relative_to(Path(name).parts[0]) for name in archive.getnames()]
    needed = (
        "src tests examples docs deploy bench ui pyproject.toml hatch_build.py LICENSE Makefile"
    )
    assert {name.parts[0] for name in names} >= {*needed.split(), "requirements-dev.lock"}
    made = {"node_modules", "__pycache__", ".venv", ".git", ".bench", ".chaos", ".demo", "build"}
    assert [str(name) for name in names if made.intersection(name.parts)] == []
    assert [str(name) for name in names if name.suffix in {".db", ".pyc", ".whl"}] == []


def test_the_version_is_stated_once(packages: Packages) -> None:
    assert metadata_of(packages.wheel)["Version"] == soniq.__version__
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert "version" not in project
    stated = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "src").rglob("*.py")
        if f'"{soniq.__version__}"' in path.read_text()
    ]
    assert stated == ["src/soniq/version.py"]


def test_the_metadata_tell_what_an_index_shows(packages: Packages) -> None:
    metadata = metadata_of(packages.wheel)
    assert metadata["Name"] == "soniq"
    assert metadata["License-Expression"] == "MIT"
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["Description-Content-Type"] == "text/markdown"
    # Newer ones are refused by installers and indexes that do not know them yet.
    assert metadata["Metadata-Version"] == "2.4"
    assert {*metadata.get_all("Provides-Extra", [])} == {
        "dashboard",
        "dev",
        "embedded",
        "otel",
        "uvloop",
    }
    assert {"Typing :: Typed", "Framework :: AsyncIO"} <= {*metadata.get_all("Classifier", [])}


def test_the_base_install_asks_for_no_extra(packages: Packages) -> None:
    required = metadata_of(packages.wheel).get_all("Requires-Dist", [])
    always = {entry.split(">=")[0] for entry in required if "extra ==" not in entry}
    assert always == {
        "aiosqlite",
        "asyncpg",
        "cronsim",
        "ddsketch",
        "prometheus-client",
        "pydantic",
        "pydantic-settings",
        "rich",
        "typer",
        "uuid-utils",
    }


def _contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}
