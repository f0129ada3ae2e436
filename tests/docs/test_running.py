"""The runner of pages notices what is wrong on a page."""

from __future__ import annotations

from pathlib import Path

import pytest

from soniq import SoniqError
from tests.docs.blocks import Block, blocks
from tests.docs.running import PageRun

NOWHERE = "postgresql://127.0.0.1:1/nothing"


async def _play(text: str, folder: Path) -> None:
    page = folder / "page.md"
    page.write_text(text)
    run = PageRun(folder, NOWHERE)
    try:
        for block in blocks(page):
            await run.run(block, page)
    finally:
        await run.close()


def _fence(language: str, text: str, info: str = "") -> str:
    return f"```{language}{info}\n{text}\n```\n"


async def test_blocks_share_their_names_and_may_await(tmp_path: Path) -> None:
    first = "import asyncio\nanswer = await asyncio.sleep(0, 42)"
    await _play(_fence("python", first) + _fence("python", "assert answer == 42"), tmp_path)


async def test_what_is_given_runs_first_and_a_title_is_a_file(tmp_path: Path) -> None:
    given = "<!-- given:\nimport only_here\n-->\n" + _fence(
        "python", "assert only_here.NAME == 'only_here'"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(tmp_path))
        title = ' title="only_here.py"'
        await _play(_fence("python", "NAME = __name__", title) + given, tmp_path)


@pytest.mark.parametrize(
    ("fence", "error"),
    [
        (_fence("python", "assert 1 == 2"), AssertionError),
        (_fence("python", "await missing()"), NameError),
        (_fence("json", "{"), ValueError),
        (_fence("text", "anything"), None),
        (_fence("sh", 'python -c "raise SystemExit(3)"'), AssertionError),
        (_fence("sh", "soniq worker missing:app"), AssertionError),
    ],
    ids=["assertion", "name", "json", "text", "exit-code", "command"],
)
async def test_mistakes_are_found(
    fence: str, error: type[Exception] | None, tmp_path: Path
) -> None:
    if error is None:
        await _play(fence, tmp_path)
        return
    with pytest.raises(error):
        await _play(fence, tmp_path)


async def test_what_is_exported_is_there_for_the_commands_that_follow(tmp_path: Path) -> None:
    exits = "python -c \"import os; raise SystemExit(os.environ['SHOP'] != 'open=1')\""
    await _play(_fence("sh", "export SHOP=open=1") + _fence("sh", exits), tmp_path)


async def test_annotations_are_those_of_the_page_and_not_of_the_runner(tmp_path: Path) -> None:
    text = "def f(a: int) -> None: ...\nassert f.__annotations__['a'] is int"
    await _play(_fence("python", text), tmp_path)


async def test_wrong_arguments_of_a_page_are_refused_as_elsewhere(tmp_path: Path) -> None:
    text = (
        "from soniq import Soniq\n"
        'app = Soniq("memory://")\n'
        "@app.job()\n"
        "async def add(a: int) -> None: ...\n"
        'await add.enqueue(a="many")'
    )
    with pytest.raises(SoniqError):
        await _play(_fence("python", text), tmp_path)


def test_a_remark_belongs_to_the_fence_right_after_it(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    remark = "<!-- not run: needs a server -->\n"
    page.write_text(remark + _fence("sh", "uvicorn shop:web") + _fence("sh", "soniq status"))
    remarks: list[Block] = blocks(page)
    assert [block.not_run for block in remarks] == ["needs a server", None]
