"""Builds the dashboard's page when a package is made from a checkout that has none, or an old one.

A source distribution carries the built page, so that nothing is built from it and no Node needed.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

sys.path.insert(0, str(Path(__file__).resolve().parent / "ui"))

from build_page import NODE_PACKAGE, PAGE, build_page, find_node, is_fresh

_CHECKOUT = Path(__file__).resolve().parent / ".git"


class PageHook(BuildHookInterface[Any]):
    """Sees to it that the page is there before files are collected."""

    def dependencies(self) -> list[str]:
        """Node, where it has to be brought along.

        An installation to work on asks for none: its page is built by ``make ui``. That it is one
        shows only in the name of the question, which front ends give as an argument.
        """
        is_editable = "get_requires_for_build_editable" in sys.argv
        return [NODE_PACKAGE] if not is_editable and _lacks_page() and not find_node() else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the page if it is lacking; an installation to work on goes without."""
        if version != "editable" and _lacks_page():
            build_page()


def _lacks_page() -> bool:
    """Whether the page has to be built; outside a checkout the times of files say nothing."""
    return not PAGE.exists() or (_CHECKOUT.exists() and not is_fresh())
