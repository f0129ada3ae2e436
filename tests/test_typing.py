"""What a type checker says about users' code."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PRELUDE = """
from soniq import JobContext, Soniq, TaskRef

app = Soniq(backend="memory")

@app.job
async def add(a: int, b: int = 2) -> int:
    return a + b

@app.job(queue="mail", retries=5, retry_delay=[1, 2.5])
def send(ctx: JobContext, to: str) -> None: ...

@app.job()
async def wait(queue: str) -> None: ...
"""

RIGHT = [
    "x: int = await add(1)",
    "x: str = await add.enqueue(a=1)",
    "x: str = await add.enqueue(a=1, b=2)",
    "x: str = await add.options(queue='q', priority=3, delay=1.5).enqueue(a=1)",
    "x: str = await send.enqueue(to='a')",
    "x: str = await send.options(unique=True).enqueue(to='a')",
    "x: str = await wait.options(queue='high').enqueue(queue='low')",
    "x: str = await app.enqueue(add, a=1)",
    "x: str = await app.enqueue(send, to='a', queue='q')",
    "x: str = await app.enqueue(TaskRef('a.b'), args={'a': 1})",
    "x: list[str] = await app.enqueue_many(add, [{'a': 1}], dedup_keys=['k'])",
    "x: str = add.__name__",
]

WRONG = [
    "x = await add.enqueue(a='text')",
    "x = await add.enqueue()",
    "x = await add.enqueue(a=1, c=3)",
    "x = await send.enqueue(to=5)",
    "x = await add.options(que='q').enqueue(a=1)",
    "x = await add.options(priority='high').enqueue(a=1)",
    "x = await add('text')",
    "x = await app.enqueue(5)",
    "x = await app.enqueue(add, priority='high', a=1)",
    "x = await app.enqueue_many(add, [{'a': 1}], prioritty=3)",
    "app.job(retires=3)",
    "app.job(priority='high')",
]


def complained_about(lines: list[str], folder: Path) -> list[str]:
    """Those of `lines` that mypy refuses, each in a function of its own."""
    program = folder / "program.py"
    bodies = [f"async def case_{n}() -> None:\n    {line}\n" for n, line in enumerate(lines)]
    program.write_text("\n".join([PRELUDE, *bodies]))
    found = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-incremental", "--no-pretty", program],
        capture_output=True,
        text=True,
        timeout=150,
        cwd=folder,
        check=False,
    )
    assert found.returncode in (0, 1), found.stdout + found.stderr
    text = program.read_text().splitlines()
    errors = [line for line in found.stdout.splitlines() if ": error: " in line]
    return [text[int(error.split(":")[1]) - 1].strip() for error in errors]


# One run of mypy for all lines: it takes seconds before it reads the first.
@pytest.mark.timeout(180)
def test_mypy_accepts_what_is_right_and_refuses_each_mistake(tmp_path: Path) -> None:
    complaints = complained_about(RIGHT + WRONG, tmp_path)
    assert [line for line in complaints if line not in WRONG] == []
    assert [line for line in WRONG if line not in complaints] == []
