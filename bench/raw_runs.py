"""Starts the raw measurements, each in a process like those it is compared with."""

from __future__ import annotations

import sys

from bench.processes import run_json


async def raw(what: str, url: str, **arguments: object) -> float:
    """Run ``python -m bench.raw`` and return its jobs a second."""
    options = [text for name, value in arguments.items() for text in (f"--{name}", str(value))]
    command = [sys.executable, "-m", "bench.raw", what, "--url", url, *options]
    return float(await run_json(command))
