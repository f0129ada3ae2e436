"""Long work, batch by batch: a bar on a terminal, and nothing cut short by Ctrl+C."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

T = TypeVar("T")
Advance = Callable[[int], None]


@contextmanager
def progress(label: str, total: int) -> Iterator[Advance]:
    """A bar on stderr if that is a terminal; call what it gives with the number just done."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(label, total=total)
        yield lambda number: bar.advance(task, number)


async def uncut(batches: AsyncIterator[T]) -> AsyncIterator[T]:
    """The same batches; an interruption takes effect after the one under way, which is given."""
    while True:
        step = asyncio.ensure_future(_next(batches))
        interrupted: asyncio.CancelledError | None = None
        try:
            found = await asyncio.shield(step)
        except asyncio.CancelledError as error:
            interrupted = error
            found = await step
        for batch in found:
            yield batch
        if interrupted is not None:
            raise interrupted
        if not found:
            return


async def _next(batches: AsyncIterator[T]) -> list[T]:
    """The next batch, if there is one."""
    async for batch in batches:
        return [batch]
    return []
