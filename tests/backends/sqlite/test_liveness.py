"""The lock by which others see that a worker's process lives."""

from __future__ import annotations

import os
import socket

import pytest

from soniq.backends.sqlite.liveness import WorkerLock, clear, folder_of, is_free
from tests.backends.sqlite.conftest import Opener
from tests.factories import new_id


def test_a_lock_is_seen_while_it_is_held(path: str) -> None:
    worker = new_id()
    assert is_free(path, worker)

    lock = WorkerLock(path, worker)
    lock.take()
    assert not is_free(path, worker)

    lock.remove()
    assert is_free(path, worker)
    assert list(folder_of(path).iterdir()) == []


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_child_does_not_keep_its_parent_alive(path: str) -> None:
    lock = WorkerLock(path, worker := new_id())
    lock.take()
    here, there = socket.socketpair()
    child = os.fork()
    if child == 0:
        there.send(b"up")
        there.recv(1)
        os._exit(0)
    try:
        here.recv(2)
        # As the kernel does for a parent that is killed: only the child's copy would be left.
        lock.give_up()
        assert is_free(path, worker)
    finally:
        here.send(b"x")
        os.waitpid(child, 0)
        here.close()
        there.close()


async def test_a_heartbeat_restores_a_lock_whose_file_was_removed(
    opener: Opener, path: str
) -> None:
    session = await opener.session()
    clear(path, session.id)
    assert is_free(path, session.id)

    assert await session.heartbeat()

    assert not is_free(path, session.id)


async def test_a_worker_that_leaves_takes_its_lock_with_it(opener: Opener, path: str) -> None:
    session = await opener.session()
    await session.leave()

    assert is_free(path, session.id)
    assert not (folder_of(path) / f"{session.id}.lock").exists()
