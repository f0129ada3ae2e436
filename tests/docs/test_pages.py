"""Every code block of the README and the docs works as it stands there."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

import pytest

from tests.docs.blocks import REPOSITORY, blocks, pages
from tests.docs.running import PageRun

# Installing, fetching, and what needs another machine; other tests see to those.
_NEEDS_MORE = (
    "curl",
    "docker",
    "git clone",
    "helm",
    "kubectl",
    "make",
    "pip install",
    "psql",
    "sudo",
    "supervisorctl",
    "systemctl",
    "uvicorn",
    "flask",
    "python manage.py",
)


@pytest.mark.long
@pytest.mark.timeout(300)  # a page may have twenty commands, each a process
@pytest.mark.postgres
@pytest.mark.parametrize("page", [str(page.relative_to(REPOSITORY)) for page in pages()])
async def test_the_code_of_a_page_runs(
    page: str, tmp_path: Path, pg_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SONIQ_DATABASE_URL", "PYTHONPATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SONIQ_DATABASE_URL", f"sqlite:///{tmp_path / 'soniq.db'}")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    known = set(sys.modules)
    run = PageRun(tmp_path, pg_url)
    try:
        for block in blocks(REPOSITORY / page):
            if block.not_run is None:
                await run.run(block, REPOSITORY / page)
    finally:
        await run.close()
        for name in set(sys.modules) - known:
            if str(getattr(sys.modules[name], "__file__", None) or "").startswith(str(tmp_path)):
                del sys.modules[name]


@pytest.mark.parametrize("page", [str(page.relative_to(REPOSITORY)) for page in pages()])
def test_what_is_not_run_could_not_be(page: str) -> None:
    for block in blocks(REPOSITORY / page):
        if block.not_run is not None:
            assert block.language == "sh", f"{page}:{block.line}: only commands may be left out"
            lines = [line for line in block.text.splitlines() if line and not line.startswith("#")]
            assert all(line.startswith(_NEEDS_MORE) for line in lines), f"{page}:{block.line}"
            assert len(block.not_run) > 10, f"{page}:{block.line}: say why"


@pytest.mark.parametrize("page", [str(page.relative_to(REPOSITORY)) for page in pages()])
def test_before_a_release_soniq_is_installed_from_a_clone(page: str) -> None:
    if re.search(r"^## \d", (REPOSITORY / "CHANGELOG.md").read_text(), re.MULTILINE):
        return  # there is a release: its name leads to it
    installs = re.findall(r"pip install [^\n`|#]+", (REPOSITORY / page).read_text())
    named = [line for line in installs if re.search(r"[\s'\"]soniq(?![\w/.-])", line)]
    assert named == [], "the package index has another program of that name"


def test_the_extras_that_the_docs_install_exist() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    texts = [page.read_text() for page in pages()]
    named = {name for text in texts for name in re.findall(r"pip install '\.\[(\w+)\]'", text)}
    assert {"dashboard", "otel", "uvloop"} <= named <= set(project["optional-dependencies"])
