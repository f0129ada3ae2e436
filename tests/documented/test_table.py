"""The table of documented statements names tests that exist, and all of this folder's."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

HERE = Path(__file__).parent
NAMED = re.findall(r"`(\S+\.py)::(test_\w+)`", (HERE / "README.md").read_text())


def written_in(file: Path) -> set[str]:
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    top = ast.parse(file.read_text()).body
    return {
        node.name for node in top if isinstance(node, functions) and node.name.startswith("test_")
    }


@pytest.mark.parametrize(("file", "test"), sorted(set(NAMED)))
def test_every_test_that_the_table_names_exists(file: str, test: str) -> None:
    assert test in written_in(HERE / file)


def test_every_documented_test_is_in_the_table() -> None:
    own = {file.name for file in HERE.glob("test_*.py")} - {Path(__file__).name}
    written = {(name, test) for name in own for test in written_in(HERE / name)}
    assert written - set(NAMED) == set()


def test_every_row_of_the_table_names_a_test() -> None:
    rows = [line for line in (HERE / "README.md").read_text().splitlines() if line[:1] == "|"]
    statements = [row for row in rows if not row.startswith(("| statement", "|---"))]
    assert len(statements) == len(NAMED)
