"""Pages that are made from the code, so that they cannot differ from it.

``make docs`` writes them anew (``python -m docs.generated``). They are stored all the same, for
those who read the docs where the code is; a test sees to it that they are current.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page

_MADE = "<!-- Made from the code: change it there, then run `make docs`. -->"
_SETTINGS_INTRODUCTION = """\
# Settings

A setting is taken from the constructor, `Soniq(concurrency=20)`, else from the environment,
`SONIQ_CONCURRENCY=20`, else from a file `.env` in the current directory, else it is the default.
A value out of bounds is refused by name. All times are seconds.

| Setting | Default | Bounds | Meaning |
|---|---|---|---|"""
_SETTINGS_END = """\
Read from the environment only: `SONIQ_SCHEDULER_SUPPRESS_WARNING` (1, true, yes or on: a worker
does not warn of schedules that no scheduler runs), `SONIQ_DASHBOARD_API_KEY`,
`SONIQ_DASHBOARD_WRITE_ENABLED` and `SONIQ_DASHBOARD_ALLOWED_ORIGINS` (see
[the dashboard](../guides/dashboard.md)), `NO_COLOR` and `FORCE_COLOR`.
"""
_COMMANDS_INTRODUCTION = """\
# Commands

`soniq` and `python -m soniq` are the same. Exit codes: 0 is success, 1 failure, 2 wrong usage.
Every command takes `--help`.
"""


def made_pages() -> dict[str, str]:
    """What each of the pages has to hold, by its path in this folder."""
    pages = {"reference/settings.md": settings_page(), "reference/cli.md": cli_page()}
    return {path: f"{text.rstrip()}\n\n{_MADE}\n" for path, text in pages.items()}


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> None:
    """Lay the text of each page beside it: llms.txt points there."""
    copy = Path(config.site_dir, page.file.src_uri)
    copy.parent.mkdir(parents=True, exist_ok=True)
    copy.write_text(markdown)


def settings_page() -> str:
    """Every field of `SoniqSettings`."""
    return "\n".join([_SETTINGS_INTRODUCTION, *_setting_rows(), "", _SETTINGS_END])


def _setting_rows() -> Iterator[str]:
    from soniq.settings import SoniqSettings

    meanings = _meanings(SoniqSettings)
    for name, field in SoniqSettings.model_fields.items():
        default = field.get_default(call_default_factory=True)
        shown = "unset" if default is None else f"`{_plain(default)}`"
        bounds = ", ".join(filter(None, map(_bound, field.metadata))) or "-"
        yield f"| `{name}` | {shown} | {bounds} | {_marked_up(meanings[name])} |"


def _meanings(settings: type) -> dict[str, str]:
    """What is written below each field. Pydantic could tell, at the cost of every start."""
    source = textwrap.dedent(inspect.getsource(settings))
    (definition,) = ast.parse(source).body
    assert isinstance(definition, ast.ClassDef)
    return {
        field.target.id: str(below.value.value)
        for field, below in pairwise(definition.body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(below, ast.Expr)
        and isinstance(below.value, ast.Constant)
    }


def _plain(default: Any) -> str:
    text = ",".join(default) if isinstance(default, tuple) else str(default)
    return text.replace("|", "\\|") or '""'


def _bound(constraint: Any) -> str:
    for sign, key in (("≥", "ge"), (">", "gt"), ("≤", "le"), ("<", "lt")):
        if (limit := getattr(constraint, key, None)) is not None:
            return f"{sign} {limit:g}"
    return ""


def _marked_up(text: str) -> str:
    return " ".join(text.split()).replace("``", "`").replace("|", "\\|")


def cli_page() -> str:
    """Every command with its options, as its own help has them."""
    from typer.main import get_command

    from soniq.cli import _commands

    root = get_command(_commands)
    parts = [_COMMANDS_INTRODUCTION]
    for path, command in _leaves(root, "soniq"):
        parts += [f"## {path}", "", (command.help or "").strip().replace("\b", ""), ""]
        parts += [*_examples(command), *_command_table(command)]
    return "\n".join(parts)


def _leaves(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    subcommands = getattr(command, "commands", None)
    if not subcommands:
        yield path, command
        return
    for name in subcommands:
        yield from _leaves(subcommands[name], f"{path} {name}")


def _command_table(command: Any) -> list[str]:
    shown = [one for one in command.params if not getattr(one, "hidden", False)]
    rows = [_parameter_row(one) for one in shown if one.name != "help"]
    return ["| Option | Default | Meaning |", "|---|---|---|", *rows, ""] if rows else []


def _parameter_row(parameter: Any) -> str:
    default = parameter.default
    untold = default is False or default == ""
    told = f"`{default}`" if isinstance(default, str | int | float) and not untold else ""
    help_text = _marked_up(getattr(parameter, "help", "") or "")
    return f"| {_parameter_name(parameter)} | {told} | {help_text} |"


def _parameter_name(parameter: Any) -> str:
    value = parameter.metavar or ""
    if parameter.param_type_name == "argument":
        return f"`{value or parameter.name.upper()}`"
    options = [*parameter.opts, *parameter.secondary_opts]
    return ", ".join(f"`{option} {value}`".replace(" `", "`") for option in options)


def _examples(command: Any) -> list[str]:
    """The lines that its help ends with."""
    lines = (command.epilog or "").splitlines()[1:]
    return ["```sh", *(line.strip() for line in lines), "```", ""] if lines else []


if __name__ == "__main__":
    for path, text in made_pages().items():
        (Path(__file__).parent / path).write_text(text)
