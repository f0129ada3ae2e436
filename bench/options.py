"""The command line of ``python -m bench`` and ``python -m bench.peers``."""

from __future__ import annotations

import argparse
import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

from bench.processes import ROOT
from bench.sizes import FULL, QUICK, Sizes

QUICK_REPS = 2
RESULTS = ROOT / ".bench"


def parser(program: str, purpose: str, *, reps: int, file: str) -> argparse.ArgumentParser:
    """The options both have."""
    made = argparse.ArgumentParser(prog=program, description=purpose)
    made.add_argument("--reps", type=_positive, help=f"runs of every measurement ({reps})")
    made.add_argument("--quick", action="store_true", help="fewer runs and jobs: a look, no result")
    made.add_argument(
        "--json",
        type=Path,
        default=RESULTS / file,
        metavar="FILE",
        help=f"where every sample is written ({RESULTS.name}/{file})",
    )
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


def write(to: Path, found: dict[str, Any]) -> None:
    """Write what was found as JSON, in a folder that is made if need be."""
    to.parent.mkdir(parents=True, exist_ok=True)
    to.write_text(json.dumps(found, indent=1) + "\n")


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return value
