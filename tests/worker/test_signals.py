"""Processes that a handler forks are no workers: a signal ends them."""

from __future__ import annotations

import sys

from tests.programs import Program

_PROGRAM = """
import asyncio, multiprocessing, time
from soniq import Soniq

app = Soniq(backend="memory")

@app.job(name="forking")
def forking() -> None:
    forking = multiprocessing.get_context("fork")
    began = forking.Event()
    child = forking.Process(target=lambda: (began.set(), time.sleep(60)))
    child.start()
    began.wait()
    child.terminate()
    child.join(10)
    print("the child ended by", child.exitcode, flush=True)
    child.kill()

async def main() -> None:
    await app.enqueue(forking)
    await app.run_worker(run_once=True)

asyncio.run(main())
"""


def test_what_a_handler_forks_ends_on_sigterm() -> None:
    with Program([sys.executable, "-W", "ignore", "-c", _PROGRAM]) as program:
        assert program.line("the child ended by (.*)")[1] == "-15"
