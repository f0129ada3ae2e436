"""Programs forked from a process that has done their imports, which is most of what they cost.

Each runs in a process of its own, with its own folder, environment, arguments and streams, as
``python -m`` or ``python -c`` would run it. What Python itself reads at its start is that of the
process it is forked from: give variables like ``PYTHONPATH`` and ``LC_ALL`` to a program that is
started the usual way instead.
"""

from __future__ import annotations

import functools
import gc
import importlib
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

_ROOT: Final = Path(__file__).parents[1]
_LARGEST: Final = 200_000
_PATIENCE: Final = 50.0


class Warm:
    """A Python process that has imported some modules, and forks programs on request.

    It ends with the process that made it, or when it is no longer referenced.

    Args:
        modules: what to import; space between them.
        options: options of the interpreter, such as ``-W error``.
    """

    def __init__(self, modules: str, *options: str) -> None:
        self._requests, theirs = _pair()
        with theirs:
            command = [sys.executable, *options, "-m", "tests.warm", str(theirs.fileno()), modules]
            self._process = subprocess.Popen(
                command, cwd=_ROOT, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()]
            )

    def __del__(self) -> None:
        self._requests.close()
        self._process.wait()

    def run(
        self, *arguments: str, cwd: Path, env: Mapping[str, str]
    ) -> subprocess.CompletedProcess[str]:
        """Run a program to its end.

        Args:
            arguments: ``-m``, a module and its arguments, or ``-c`` and a source.
            cwd: where it runs.
            env: all of its variables.

        Raises:
            TimeoutError: it has not ended within 50 s, and was killed.
        """
        request = json.dumps({"arguments": arguments, "cwd": str(cwd), "env": dict(env)})
        answers, theirs = _pair()
        with answers, tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            with theirs:
                fds = [theirs.fileno(), out.fileno(), err.fileno()]
                socket.send_fds(self._requests, [request.encode()], fds)
            answers.settimeout(_PATIENCE)
            pid = int(answers.recv(100))
            try:
                code = int(answers.recv(100))
            except TimeoutError:
                os.kill(pid, signal.SIGKILL)
                raise
            out.seek(0)
            err.seek(0)
            return subprocess.CompletedProcess(arguments, code, out.read(), err.read())


@functools.cache
def warm(modules: str, *options: str) -> Warm:
    """This process's one of that kind."""
    return Warm(modules, *options)


def _pair() -> tuple[socket.socket, socket.socket]:
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def _serve(requests: socket.socket) -> list[str]:
    """Fork a program for each request, in which this returns its arguments."""
    # Nobody waits for those that wait for the programs.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        request, fds, _, _ = socket.recv_fds(requests, _LARGEST, 3)
        if not request:
            sys.exit()
        if os.fork() == 0:
            break
        for fd in fds:
            os.close(fd)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    requests.close()
    answers = socket.socket(fileno=fds[0])
    program = os.fork()
    if program:
        answers.send(str(program).encode())
        _, status = os.waitpid(program, 0)
        answers.send(str(os.waitstatus_to_exitcode(status)).encode())
        os._exit(0)
    answers.close()
    return _become(json.loads(request), *fds[1:])


def _become(request: dict[str, Any], out: int, err: int) -> list[str]:
    os.dup2(out, 1)
    os.dup2(err, 2)
    os.close(out)
    os.close(err)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    time.tzset()
    sys.path[0] = request["cwd"]
    arguments: list[str] = request["arguments"]
    return arguments


def _run(kind: str, program: str, *arguments: str) -> None:
    sys.argv[:] = [kind, *arguments]
    if kind == "-m":
        runpy.run_module(program, run_name="__main__", alter_sys=True)
    else:
        sys.path[0] = ""
        exec(compile(program, "<string>", "exec"), {"__name__": "__main__"})


if __name__ == "__main__":
    for name in sys.argv[2].split():
        importlib.import_module(name)
    # What is there stays: looking at it would copy its memory into each program.
    gc.freeze()
    _run(*_serve(socket.socket(fileno=int(sys.argv[1]))))
