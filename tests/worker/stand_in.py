"""Stands in for a worker process, or supervises such: the tests of the supervisor run this file.

stand_in.py supervise PROCESSES KIND    supervise PROCESSES stand-ins of that kind
stand_in.py KIND LIFELINE REPLACES      be one
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import threading
from collections.abc import Collection
from pathlib import Path

from soniq.worker.lifeline import Lifeline
from soniq.worker.supervisor import RestartPauses, Supervisor


def main() -> None:
    if sys.argv[1] == "supervise":
        sys.exit(asyncio.run(_supervise(int(sys.argv[2]), sys.argv[3])))
    sys.exit(_stand_in(sys.argv[1], Lifeline(int(sys.argv[2])), sys.argv[3]))


async def _supervise(processes: int, kind: str) -> int:
    logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(message)s")

    def command(lifeline: int, replaces: Collection[int]) -> list[str]:
        told = ",".join(map(str, sorted(replaces)))
        return [sys.executable, __file__, kind, str(lifeline), told]

    pauses = RestartPauses(shortest=0.05, longest=0.1)
    supervisor = Supervisor(command, processes, run_once=kind == "once", pauses=pauses)
    return await supervisor.run()


def _stand_in(kind: str, lifeline: Lifeline, replaces: str) -> int:
    if kind == "refuse" or (kind == "weak" and replaces and "," not in replaces):
        _say("refuses")
        return 1
    stop = threading.Event()
    lifeline.when_cut(stop.set)
    lifeline.ready()
    _say(f"works replaces={replaces}")
    if kind == "once":
        return 0
    if kind == "crashing" and _first_time():
        os.kill(os.getpid(), signal.SIGKILL)
    stop.wait()
    _say("drains")
    if kind == "stubborn":
        threading.Event().wait()
    return 0


def _first_time() -> bool:
    marker = Path("crashed")
    if marker.exists():
        return False
    marker.touch()
    return True


def _say(what: str) -> None:
    # One write a line: several processes share the stream.
    os.write(1, f"{os.getpid()} {what}\n".encode())


if __name__ == "__main__":
    main()
