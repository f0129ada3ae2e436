"""Builds the dashboard's page when a package is made from a checkout that lacks it.

A source distribution carries the built page, so that nothing is built from it and no Node needed.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

sys.path.insert(0, str(Path(__file__).resolve().parent / "ui"))

from build_page import NODE_PACKAGE, PAGE, build_page, find_node


class PageHook(BuildHookInterface[Any]):
    """Sees to it that the page is there before files are collected."""

    def dependencies(self) -> list[str]:
        """Node, where it has to be brought along.

        An installation to work on asks for none: its page is built by ``make ui``. That it is one
        shows only in the name of the question, which front ends give as an argument.
        """
        is_editable = "get_requires_for_build_editable" in sys.argv
        return [] if is_editable or PAGE.exists() or find_node() else [NODE_PACKAGE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the page if it is missing; an installation to work on goes without."""
        if version != "editable" and not PAGE.exists():
            build_page()
