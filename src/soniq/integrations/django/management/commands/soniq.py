"""``manage.py soniq``: the command ``soniq`` on the project's own instance."""

from __future__ import annotations

import sys
from typing import Any, Final

from django.core.management.base import BaseCommand

from soniq.cli import main

_APP: Final = "soniq.integrations.django:app"


class Command(BaseCommand):
    help = "Soniq's commands (worker, scheduler, setup, status, ...) on the jobs of this project."

    def run_from_argv(self, argv: list[str]) -> None:
        """Hand everything after ``manage.py soniq`` to Soniq's own command line."""
        main_arguments = _without_djangos(argv[2:])
        named = any(one == "--app" or one.startswith("--app=") for one in main_arguments)
        asks = not main_arguments or main_arguments[0].startswith("-")
        sys.argv = ["soniq", *main_arguments, *([] if asks or named else ["--app", _APP])]
        main()

    def handle(self, *args: Any, **options: Any) -> None:
        """For ``call_command("soniq", "setup")``."""
        self.run_from_argv(["manage.py", "soniq", *args])


def _without_djangos(arguments: list[str]) -> list[str]:
    """Without what ``manage.py`` itself has taken up already."""
    kept: list[str] = []
    rest = iter(arguments)
    for one in rest:
        if one in ("--settings", "--pythonpath"):
            next(rest, None)
        elif not one.startswith(("--settings=", "--pythonpath=")):
            kept.append(one)
    return kept
