"""The code blocks of a page, and what the page says about them.

A fence may carry ``title="shop.py"``: then the block is that file. An HTML comment right before
a fence is not shown to readers: ``<!-- given: ... -->`` is Python that runs before the block, for
what a fragment takes for granted, and ``<!-- not run: ... -->`` says why a block is not run here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from docs.generated import made_pages

REPOSITORY = Path(__file__).parents[2]

_BLOCK = re.compile(
    r"(?:<!--\s*(?P<word>given|not run):(?P<remark>.*?)-->\s*)?"
    r"^(?P<indent> *)```(?P<language>\w+)(?P<info>[^\n]*)\n(?P<text>.*?)^(?P=indent)```",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block."""

    language: str
    text: str
    line: int
    title: str | None
    given: str | None
    not_run: str | None


def pages() -> list[Path]:
    """Every page that was written by hand, the README first."""
    docs = REPOSITORY / "docs"
    made = {docs / path for path in made_pages()}
    return [REPOSITORY / "README.md", *sorted(set(docs.rglob("*.md")) - made)]


def blocks(page: Path) -> list[Block]:
    """The blocks of a page in their order."""
    text = page.read_text()
    return [_block(text, found) for found in _BLOCK.finditer(text)]


def _block(page: str, found: re.Match[str]) -> Block:
    indent = found["indent"]
    lines = found["text"].splitlines(keepends=True)
    title = re.search(r'title="([^"]+)"', found["info"])
    remark = found["remark"]
    return Block(
        language=found["language"],
        text="".join(line.removeprefix(indent) for line in lines),
        line=page.count("\n", 0, found.start("language")) + 2,
        title=title[1] if title else None,
        given=remark if found["word"] == "given" else None,
        not_run=remark.strip() if found["word"] == "not run" else None,
    )
