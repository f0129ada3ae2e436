"""Running the blocks of a page in their order, in a folder of their own."""

from __future__ import annotations

import ast
import asyncio
import configparser
import inspect
import json
import os
import shlex
import signal
import sys
import textwrap
import tomllib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import asyncpg
import yaml

from soniq import Soniq
from tests.docs.blocks import Block

PATIENCE = 60.0
_POSTGRES = "postgresql://localhost/shop"
_ALSO_SONIQ = ("python", "manage.py", "soniq")
_READY = {"scheduler": b" leads: ", "dashboard": b"startup complete", "dev": b"http://"}
_SERVES = set(_READY)


class PageRun:
    """One page at work.

    What a page calls ``postgresql://localhost/shop`` is the test's own database; where it names no
    database, its jobs are in a SQLite file.

    Args:
        folder: where its files go and its commands run.
        postgres: the test's database.
    """

    def __init__(self, folder: Path, postgres: str) -> None:
        self._folder = folder
        self._postgres = postgres
        self._exported: dict[str, str] = {}
        # Dataclasses and annotations look their module up.
        self._module = sys.modules["page"] = ModuleType("page")
        self._names: dict[str, Any] = vars(self._module)

    async def run(self, block: Block, page: Path) -> None:
        """Run one block, or check what cannot be run."""
        text = block.text.replace(_POSTGRES, self._postgres)
        if block.title is not None:
            path = self._folder / block.title
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        if block.given is not None:
            given = block.given.replace(_POSTGRES, self._postgres)
            await self._python(textwrap.dedent(given), page, block.line)
        match block.language:
            case "python" if block.title is None:
                await self._python(text, page, block.line)
            case "sh":
                for line in text.replace("\\\n", " ").splitlines():
                    await self._command(line)
            case "sql":
                await self._sql(text)
            case language:
                _read(language, text)

    async def _python(self, text: str, page: Path, line: int) -> None:
        source = "\n" * (line - 1) + text
        code = compile(source, str(page), "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
        result = eval(code, self._names)
        if inspect.iscoroutine(result):
            await asyncio.wait_for(result, PATIENCE)

    async def _command(self, line: str) -> None:
        words = shlex.split(line, comments=True)
        if not words:
            return
        if words[0] == "export":
            for word in words[1:]:
                name, _, value = word.partition("=")
                self._exported[name] = value
            return
        environment = self._environment()
        while "=" in words[0]:
            name, _, value = words.pop(0).partition("=")
            environment[name] = value
        serves = words[0] == "soniq" and words[1] in _SERVES
        words += _made_to_end(words)
        process = await asyncio.create_subprocess_exec(
            *_found(words),
            cwd=self._folder,
            env=environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        await self._ended(process, line, words if serves else None)

    async def _ended(
        self, process: asyncio.subprocess.Process, line: str, serves: list[str] | None
    ) -> None:
        assert process.stdout is not None
        told = b""
        try:
            async with asyncio.timeout(PATIENCE):
                if serves is not None:
                    told = await _until_ready(process.stdout, serves)
                    assert not process.stdout.at_eof(), f"{line} has ended\n{told.decode()}"
                    process.send_signal(signal.SIGINT)
                told += await process.stdout.read()
                code = await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        assert code == 0, f"{line}\n{told.decode()}"
        assert b"Traceback" not in told, f"{line}\n{told.decode()}"

    def _environment(self) -> dict[str, str]:
        own = {key: value for key, value in os.environ.items() if not key.startswith("SONIQ_")}
        return {
            **own,
            "PYTHONUNBUFFERED": "1",
            "SONIQ_DATABASE_URL": f"sqlite:///{self._folder / 'soniq.db'}",
            **self._exported,
        }

    async def _sql(self, text: str) -> None:
        connection = await asyncpg.connect(self._postgres)
        try:
            await connection.execute(text)
        finally:
            await connection.close()

    async def close(self) -> None:
        """Close what the page has left open."""
        if sys.modules.get("page") is self._module:
            del sys.modules["page"]
        for value in self._names.values():
            if isinstance(value, Soniq) and value.is_initialized and not value.is_closed:
                await value.close()


def _read(language: str, text: str) -> None:
    """Make sure that a block which nobody runs is at least what it says."""
    readers: dict[str, Callable[[str], object]] = {
        "python": ast.parse,
        "json": json.loads,
        "yaml": lambda text: list(yaml.safe_load_all(text)),
        "toml": tomllib.loads,
        "text": str,
        "ini": configparser.ConfigParser(strict=False, interpolation=None).read_string,
    }
    readers[language](text)


def _found(words: list[str]) -> list[str]:
    """Commands of the environment that runs the tests."""
    if words[0] == "python":
        return [sys.executable, *words[1:]]
    here = Path(sys.executable).with_name(words[0])
    return [str(here) if here.exists() else words[0], *words[1:]]


async def _until_ready(output: asyncio.StreamReader, words: list[str]) -> bytes:
    """What a command tells until it is worth being interrupted."""
    sign = next((sign for word, sign in _READY.items() if word in words), b"")
    told = b""
    async for line in output:
        told += line
        if sign in line:
            break
    return told


def _made_to_end(words: list[str]) -> list[str]:
    """What is added to commands that would ask, go on for ever, or want a port of their own."""
    after = _ALSO_SONIQ if tuple(words[:3]) == _ALSO_SONIQ else ("soniq",)
    if tuple(words[: len(after)]) != after:
        return []
    match words[len(after)]:
        case "worker":
            port = ["--metrics-port", "0"] if "--metrics-port" in words else []
            return [*port, *([] if "--run-once" in words else ["--run-once"])]
        case "dashboard" | "dev" if "--port" not in words:
            return ["--port", "0"]
        case _:
            return ["--yes"] if _confirms(words) else []


def _confirms(words: list[str]) -> bool:
    """Whether the command would ask before it changes much."""
    return "--all" in words and not {"--yes", "--dry-run"} & set(words)
