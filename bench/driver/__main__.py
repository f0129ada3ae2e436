"""One measured process: ``python -m bench.driver SUBJECT ACTION --url URL ...``.

The subject is the dotted name of a module that offers the names of ``bench.driver.subject``. The
last line printed is the result as JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import json
import logging
from collections.abc import Coroutine
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

from bench.driver import loops
from bench.driver.probe import Probe
from bench.driver.subject import Subject


def main() -> None:
    arguments = _arguments()
    logging.basicConfig(level=logging.WARNING)
    subject = cast(Subject, importlib.import_module(arguments.subject))
    with_uvloop = arguments.options.get("uvloop", subject.UVLOOP)
    print(json.dumps(_run(_act(subject, arguments), with_uvloop)))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.driver")
    parser.add_argument("subject")
    parser.add_argument("action", choices=["setup", "singles", "bulk", "fill", "timed", "work"])
    parser.add_argument("--url", required=True)
    parser.add_argument("--options", type=json.loads, default={})
    parser.add_argument("--probe", type=Path)
    parser.add_argument("--count", type=int, default=0)
    parser.add_argument("--producers", type=int, default=1)
    parser.add_argument("--chunk", type=int, default=0)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--gap", type=float, default=0.02)
    return parser.parse_args()


def _run(main: Coroutine[Any, Any, object], with_uvloop: bool) -> object:
    if not with_uvloop:
        return asyncio.run(main)
    import uvloop

    return uvloop.run(main)


async def _act(subject: Subject, arguments: argparse.Namespace) -> object:
    if arguments.action == "setup":
        await subject.setup(arguments.url)
        return {}
    if arguments.action == "work":
        probe = Probe(arguments.probe)
        probe.wait_for_gate()
        await subject.work(arguments.url, arguments.options, probe.hit)
        return {}
    return await _produce(subject, arguments)


async def _produce(subject: Subject, arguments: argparse.Namespace) -> object:
    producer = await subject.producer(arguments.url, arguments.options)
    count, chunk = arguments.count, arguments.chunk or arguments.count
    try:
        if arguments.action == "singles":
            return asdict(await loops.singles(producer, count, arguments.producers))
        if arguments.action == "bulk":
            return asdict(await loops.bulk(producer, count, chunk))
        if arguments.action == "fill":
            await loops.fill(producer, count, chunk, arguments.first)
            return {}
        return await loops.timed(producer, count, arguments.gap)
    finally:
        await producer.close()


if __name__ == "__main__":
    main()
