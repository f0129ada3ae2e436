"""The command line of ``python -m bench`` and ``python -m bench.peers``."""

from __future__ import annotations

import argparse
from collections.abc import Collection
from pathlib import Path

from bench.sizes import FULL, QUICK, Sizes

QUICK_REPS = 2


def parser(program: str, purpose: str, *, reps: int) -> argparse.ArgumentParser:
    """The options both have."""
    made = argparse.ArgumentParser(prog=program, description=purpose)
    made.add_argument("--reps", type=_positive, help=f"runs of every measurement ({reps})")
    made.add_argument("--quick", action="store_true", help="fewer runs and jobs: a look, no result")
    made.add_argument("--json", type=Path, metavar="FILE", help="write every sample there, too")
    made.set_defaults(usual_reps=reps)
    return made


def add_only(to: argparse.ArgumentParser, metavar: str, known: Collection[str]) -> None:
    """Let the user name some of `known`."""
    to.add_argument(
        "--only",
        nargs="+",
        choices=sorted(known),
        metavar=metavar,
        help=f"only these of: {', '.join(sorted(known))}",
    )


def sizes_of(chosen: argparse.Namespace) -> Sizes:
    return QUICK if chosen.quick else FULL


def reps_of(chosen: argparse.Namespace) -> int:
    usual = QUICK_REPS if chosen.quick else chosen.usual_reps
    return int(chosen.reps or usual)


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return value
