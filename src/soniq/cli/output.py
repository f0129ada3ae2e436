"""What the commands print: status lines, tables and JSON documents.

A terminal shows coloured signs, a pipe the words [OK], [ERROR], [WARNING] and [INFO]. rich honours
NO_COLOR and FORCE_COLOR; nothing here is read as markup, for much of it comes from users.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from pydantic_core import to_json
from rich.console import Console
from rich.table import Table
from rich.text import Text

from soniq.errors import masked

# A pipe has no width: lines there are never folded.
_UNBOUNDED: Final = 100_000


@dataclass(frozen=True, slots=True)
class Mark:
    """How a status line begins: a sign on terminals, a word elsewhere."""

    sign: str
    word: str
    style: str


_OK: Final = Mark("✓", "[OK]", "green")
_ERROR: Final = Mark("✗", "[ERROR]", "bold red")
_WARNING: Final = Mark("!", "[WARNING]", "yellow")
_INFO: Final = Mark("•", "[INFO]", "cyan")


def ok(text: str, *, stderr: bool = False) -> None:
    """Print a status line that tells of success."""
    _status(_OK, text, stderr=stderr)


def info(text: str, *, stderr: bool = False) -> None:
    """Print a status line that is good to know, on stderr if it is not part of the answer."""
    _status(_INFO, text, stderr=stderr)


def warning(text: str, *, stderr: bool = True) -> None:
    """Print a status line that asks for attention, on stderr unless it is the answer itself."""
    _status(_WARNING, text, stderr=stderr)


def error(text: str, *details: str, stderr: bool = True) -> None:
    """Print what went wrong: one line, and one more for each of `details`.

    On stderr, unless it is the answer itself.
    """
    _status(_ERROR, text, stderr=stderr)
    for detail in details:
        _console(stderr=stderr).print(_plain(f"  {detail}"), soft_wrap=True)


def line(text: str, *, style: str = "") -> None:
    """Print a line that is no status."""
    _console().print(_plain(text, style), soft_wrap=True)


def lines(texts: Iterable[str]) -> None:
    """Print very many lines."""
    sys.stdout.writelines(f"{masked(text)}\n" for text in texts)
    sys.stdout.flush()


def record(values: Mapping[str, object]) -> None:
    """Print names and values, one a line; what has several lines follows further in."""
    width = max(map(len, values)) + 2
    for name, value in values.items():
        first, *rest = _told(value).splitlines() or [""]
        label = Text(f"{name + ':':<{width}}", style="bold")
        _console().print(Text.assemble(label, masked(first)), soft_wrap=True)
        for more in rest:
            line(" " * width + more)


def counted(number: int, thing: str) -> str:
    """ "1 dead letter", "2 dead letters"."""
    return f"{number} {thing}{'' if number == 1 else 's'}"


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows under their headings; numbers are aligned to the right."""
    rows = [list(row) for row in rows]
    grid = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for position, heading in enumerate(columns):
        numeric = bool(rows) and all(isinstance(row[position], int) for row in rows)
        grid.add_column(heading, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        grid.add_row(*(_plain(_cell(value)) for value in row))
    # A row stays one line, which a narrow terminal folds better than a column could be.
    _console(width=_UNBOUNDED).print(grid)


def document(value: Any, *, in_one_line: bool = False) -> None:
    """Print `value` as the one JSON document of this run, or in one line as one of several."""
    sys.stdout.write(to_json(value, indent=None if in_one_line else 2).decode() + "\n")
    sys.stdout.flush()


def raw(text: str) -> None:
    """Print text in a format of its own, as it is."""
    sys.stdout.write(text)
    sys.stdout.flush()


def clear() -> None:
    """Begin a terminal's page anew; a pipe goes on."""
    _console().clear()


def free_width(taken: int) -> int:
    """How many characters of a terminal's line are left beside `taken`; 0 where there is none."""
    console = _console()
    return max(0, console.width - taken) if console.is_terminal else 0


def _status(mark: Mark, text: str, *, stderr: bool = False) -> None:
    console = _console(stderr=stderr)
    pictures = console.is_terminal and console.encoding.lower().startswith("utf")
    start = mark.sign if pictures else mark.word
    console.print(Text.assemble((start, mark.style), " ", masked(text)), soft_wrap=True)


def _plain(text: str, style: str = "") -> Text:
    return Text(masked(text), style=style)


def _told(value: object) -> str:
    if isinstance(value, dict | list):
        return to_json(value).decode()
    return value.isoformat() if isinstance(value, datetime) else _cell(value)


def _cell(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    return "-" if value is None else str(value)


def _console(*, stderr: bool = False, width: int | None = None) -> Console:
    console = Console(stderr=stderr, highlight=False, markup=False, emoji=False, width=width)
    if console.is_terminal or width is not None:
        return console
    return _console(stderr=stderr, width=_UNBOUNDED)
