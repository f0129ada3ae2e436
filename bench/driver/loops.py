"""The loops a producer process is timed in."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterable
from dataclasses import dataclass

from bench.driver.probe import BEHIND, TIMED
from bench.driver.subject import Producer

WARM_UP_EACH = 5


@dataclass(frozen=True, slots=True)
class Produced:
    """The rows a producer stored in all, and how long the measured ones of them took."""

    rows: int
    measured: int
    seconds: float


async def singles(producer: Producer, count: int, producers: int) -> Produced:
    """Store ``count`` jobs one call at a time, shared by ``producers`` coroutines."""
    await asyncio.gather(*[_each(producer, [BEHIND] * WARM_UP_EACH) for _ in range(producers)])
    share = count // producers
    started = time.monotonic_ns()
    await asyncio.gather(
        *[_each(producer, range(k * share, (k + 1) * share)) for k in range(producers)]
    )
    seconds = (time.monotonic_ns() - started) / 1e9
    return Produced(share * producers + WARM_UP_EACH * producers, share * producers, seconds)


async def _each(producer: Producer, xs: Iterable[int]) -> None:
    for x in xs:
        await producer.one(x)


async def bulk(producer: Producer, count: int, chunk: int) -> Produced:
    """Store `count` jobs by bulk calls of `chunk` each, after a small one that is not timed."""
    await producer.many([BEHIND] * WARM_UP_EACH)
    started = time.monotonic_ns()
    await fill(producer, count, chunk, 0)
    seconds = (time.monotonic_ns() - started) / 1e9
    return Produced(count + WARM_UP_EACH, count, seconds)


async def fill(producer: Producer, count: int, chunk: int, first: int) -> None:
    """Store `count` jobs, arguments from `first` on, by bulk calls of `chunk` jobs each."""
    for start in range(first, first + count, chunk):
        await producer.many(range(start, min(start + chunk, first + count)))


async def timed(producer: Producer, count: int, gap: float) -> list[int]:
    """Store one job about every ``gap`` seconds; return when each call was made.

    The gaps vary by a tenth, so that they cannot fall into step with a worker's polling.
    """
    called: list[int] = []
    for number in range(count):
        await asyncio.sleep(gap * random.uniform(0.9, 1.1))
        called.append(time.monotonic_ns())
        await producer.one(TIMED + number)
    return called
