"""The docs leave nothing out: every public name, code, setting, command and page is in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
import yaml

import soniq.dashboard
import soniq.errors
import soniq.logs
import soniq.metrics
import soniq.plugins.metrics
from docs.generated import cli_page, made_pages, settings_page
from soniq.settings import SoniqSettings
from tests.docs.blocks import REPOSITORY
from tests.test_public_names import PROMISED

DOCS = REPOSITORY / "docs"
_MORE: list[tuple[ModuleType, str]] = [
    (soniq.metrics, " ".join(soniq.metrics.__all__)),
    (soniq.dashboard, " ".join(soniq.dashboard.__all__)),
    (soniq.plugins, " ".join(soniq.plugins.__all__)),
    (soniq.plugins.metrics, " ".join(soniq.plugins.metrics.__all__)),
    (soniq.testing, " ".join(soniq.testing.__all__)),
    (soniq.logs, "JobFilter"),
]
NAMES = sorted(
    {(module.__name__, name) for module, names in [*PROMISED, *_MORE] for name in names.split()}
)
CODES = sorted(
    name for name, value in vars(soniq.errors).items() if name.isupper() and value == name
)
_FROM_THE_ENVIRONMENT = (
    "SONIQ_DASHBOARD_API_KEY",
    "SONIQ_DASHBOARD_WRITE_ENABLED",
    "SONIQ_DASHBOARD_ALLOWED_ORIGINS",
    "NO_COLOR",
    "FORCE_COLOR",
)


@pytest.mark.parametrize(("module", "name"), NAMES)
def test_every_public_name_is_in_the_api(module: str, name: str) -> None:
    page = (DOCS / "reference/api.md").read_text()
    described = re.search(rf"^::: {re.escape(module)}[\w.]*\.{name}$", page, re.MULTILINE)
    described = described or re.search(rf"^::: soniq[\w.]*\.{name}$", page, re.MULTILINE)
    assert described or f"`{module}.{name}`" in page, f"{module}.{name}"


@pytest.mark.parametrize("code", CODES)
def test_every_code_has_its_meaning(code: str) -> None:
    page = (DOCS / "reference/errors.md").read_text()
    section = re.search(rf"^### `{code}`\n+(.+?)(?=^#|\Z)", page, re.MULTILINE | re.DOTALL)
    assert section is not None
    assert len(section[1]) > 80, "say what it means and what to do"


def test_no_code_is_made_up() -> None:
    page = (DOCS / "reference/errors.md").read_text()
    assert set(re.findall(r"^### `(\w+)`", page, re.MULTILINE)) == set(CODES)


@pytest.mark.parametrize("name", list(SoniqSettings.model_fields))
def test_every_setting_is_explained(name: str) -> None:
    rows = [line for line in settings_page().splitlines() if line.startswith(f"| `{name}` |")]
    assert len(rows) == 1
    assert len(rows[0].split(" | ")[-1]) > 10, "a setting without a docstring"


@pytest.mark.parametrize("name", _FROM_THE_ENVIRONMENT)
def test_every_variable_is_explained(name: str) -> None:
    assert f"`{name}`" in settings_page()


def test_every_command_is_explained() -> None:
    page = cli_page()
    for command in ("worker", "setup", "dev", "jobs enqueue", "dead-letter replay", "doctor"):
        assert re.search(rf"^## soniq {command}\n\n\w", page, re.MULTILINE), command
    assert page.count("\n## soniq ") == len(list(_commands()))
    unexplained = [
        line for line in page.splitlines() if line.startswith("| `") and "|  |" in line[-5:]
    ]
    assert unexplained == []


def _commands() -> Iterator[str]:
    from soniq.cli import _commands as registered

    yield from (str(command.name) for command in registered.registered_commands)
    for group in registered.registered_groups:
        assert group.typer_instance is not None
        yield from (str(each.name) for each in group.typer_instance.registered_commands)


def _nav(part: Any) -> Iterator[str]:
    match part:
        case str():
            yield part
        case dict():
            for below in part.values():
                yield from _nav(below)
        case _:
            for below in part:
                yield from _nav(below)


def _pages() -> list[str]:
    text = (REPOSITORY / "mkdocs.yml").read_text()
    return list(_nav(yaml.safe_load(text[text.index("\nnav:") :])["nav"]))


def test_the_nav_lists_every_page_once() -> None:
    written = {str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md")}
    assert sorted(_pages()) == sorted(written)


@pytest.mark.parametrize("path", sorted(made_pages()))
def test_the_pages_made_from_the_code_are_current(path: str) -> None:
    assert (DOCS / path).read_text() == made_pages()[path], "run `make docs` and commit the page"


def test_the_list_for_language_models_has_every_page_in_its_order() -> None:
    text = (DOCS / "llms.txt").read_text()
    assert re.match(r"# Soniq\n\n> .+\n", text), "a title, then what it is"
    entries = re.findall(r"^- \[.+?\]\((.+?)\): \S.+$", text, re.MULTILINE)
    assert entries == _pages()


def test_the_readme_points_to_files_that_exist() -> None:
    targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", (REPOSITORY / "README.md").read_text())
    assert len(targets) > 20
    assert [target for target in targets if not (REPOSITORY / target).exists()] == []
