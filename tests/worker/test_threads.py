"""Sync handlers run on a bounded number of threads."""

from __future__ import annotations

import asyncio
import threading

import pytest

from soniq.worker.threads import HandlerThreads


class Freed:
    def __init__(self) -> None:
        self.event = asyncio.Event()

    def __call__(self) -> None:
        self.event.set()


async def test_a_call_returns_its_result_and_frees_its_thread() -> None:
    freed = Freed()
    threads = HandlerThreads(2, freed)
    threads.reserve()
    assert threads.free == 1
    assert await threads.submit(lambda: 42) == 42
    await asyncio.wait_for(freed.event.wait(), 5)
    assert threads.free == 2
    threads.close()


@pytest.mark.parametrize("error", [ValueError("x"), KeyboardInterrupt(), SystemExit(3)])
async def test_whatever_a_call_raises_is_its_own_failure(error: BaseException) -> None:
    threads = HandlerThreads(1, lambda: None)

    def call() -> None:
        raise error

    for _ in range(2):
        threads.reserve()
        future = threads.submit(call)
        await asyncio.wait([future])
        assert future.exception() is error
    threads.close()


async def test_stop_iteration_becomes_a_runtime_error() -> None:
    threads = HandlerThreads(1, lambda: None)
    threads.reserve()
    with pytest.raises(RuntimeError, match="StopIteration"):
        await threads.submit(lambda: next(iter(())))
    threads.close()


async def test_an_abandoned_call_keeps_its_thread_until_it_ends() -> None:
    freed, gate = Freed(), threading.Event()
    threads = HandlerThreads(1, freed)
    threads.reserve()
    future = threads.submit(gate.wait)
    future.cancel()
    assert threads.free == 0
    gate.set()
    await asyncio.wait_for(freed.event.wait(), 5)
    assert threads.free == 1
    threads.close()


async def test_a_thread_that_could_not_be_started_is_free_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def start(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    threads = HandlerThreads(2, lambda: None)
    with monkeypatch.context() as short:
        short.setattr(threading.Thread, "start", start)
        for _ in range(3):
            threads.reserve()
            with pytest.raises(RuntimeError, match="can't start new thread"):
                await threads.submit(lambda: 42)
    assert (threads.free, threads.busy) == (2, 0)
    for _ in range(2):
        threads.reserve()
        assert await asyncio.wait_for(threads.submit(lambda: 42), 5) == 42
    threads.close()


async def test_threads_are_reused_and_end_when_closed() -> None:
    threads = HandlerThreads(4, lambda: None)
    seen: set[threading.Thread] = set()
    for _ in range(10):
        threads.reserve()
        seen.add(await threads.submit(threading.current_thread))
    assert len(seen) == 1
    threads.close()
    for thread in seen:
        await asyncio.to_thread(thread.join, 5)
        assert not thread.is_alive()
