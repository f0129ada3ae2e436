"""The blocking client: from plain code, from threads, beside loops, across forks, at the end."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import BaseModel

from soniq import JobFailed, Soniq, SoniqError, TaskRef, background
from soniq.errors import SONIQ_APP_CLOSED, SONIQ_TASK_ARGS_INVALID
from tests.programs import Program

REF = TaskRef("jobs.one")
PATIENCE = 15.0


class Sum(BaseModel):
    total: int


@pytest.fixture
def app(unopened_app: Soniq) -> Soniq:
    app = unopened_app
    asyncio.run(app.setup())

    @app.job(name="sums.add")
    def add(a: int, b: int) -> Sum:
        return Sum(total=a + b)

    return app


def test_plain_code_enqueues_and_asks(app: Soniq) -> None:
    job_id = app.sync.enqueue("sums.add", args={"a": 1, "b": 2}, priority=5)
    later = app.sync.schedule(REF, timedelta(hours=1), args={"x": 1})
    many = app.sync.enqueue_many("sums.add", [{"a": n, "b": n} for n in range(3)], queue="q")
    assert len({job_id, later, *many}) == 5
    job = app.sync.get_job(job_id)
    assert job is not None
    assert (job["status"], job["priority"]) == ("queued", 5)
    assert app.sync.get_result(job_id) is None
    assert app.sync.cancel_job(later) is True
    with pytest.raises(JobFailed, match="cancelled"):
        app.sync.wait(later, timeout=PATIENCE)

    asyncio.run(app.run_worker(run_once=True))
    assert app.sync.wait(job_id, timeout=PATIENCE) == {"total": 3}
    assert app.sync.get_result(many[2], result_model=Sum) == Sum(total=4)
    asyncio.run(app.close())


def test_errors_arrive_as_they_are(app: Soniq) -> None:
    with pytest.raises(SoniqError) as caught:
        app.sync.enqueue("sums.add", args={"a": "no number"})
    assert caught.value.error_code == SONIQ_TASK_ARGS_INVALID
    with pytest.raises(TypeError, match="args_list must be a list"):
        app.sync.enqueue_many(REF, {})  # type: ignore[arg-type]
    with pytest.raises(TimeoutError, match="has not ended within"):
        app.sync.wait(app.sync.enqueue(REF), timeout=0.1)
    asyncio.run(app.close())
    with pytest.raises(SoniqError) as caught:
        app.sync.enqueue(REF)
    assert caught.value.error_code == SONIQ_APP_CLOSED


def test_any_number_of_threads_may_use_it(app: Soniq) -> None:
    with ThreadPoolExecutor(16) as threads:
        ids = list(threads.map(lambda _: app.sync.enqueue(REF), range(200)))
    assert len(set(ids)) == 200
    assert asyncio.run(app.get_queue_stats())["queued"] == 200
    asyncio.run(app.close())


def test_threads_that_come_first_at_once_begin_one_thread() -> None:
    app = Soniq(backend="memory")
    before = set(threading.enumerate())
    barrier = threading.Barrier(8)

    def enqueue() -> str:
        barrier.wait(PATIENCE)
        return app.sync.enqueue(REF)

    with ThreadPoolExecutor(8) as threads:
        ids = [threads.submit(enqueue) for _ in range(8)]
        assert len({job_id.result(PATIENCE) for job_id in ids}) == 8
    begun = {*threading.enumerate()} - before
    assert [thread.name for thread in begun] == ["soniq-sync"]


async def test_where_a_loop_runs_it_names_the_method_to_await() -> None:
    app = Soniq(backend="memory")
    with pytest.raises(RuntimeError, match=r"Use `await app\.enqueue\(\.\.\.\)` here"):
        app.sync.enqueue(REF)
    assert await asyncio.to_thread(app.sync.enqueue, REF)
    await app.close()


async def test_a_sync_handler_may_enqueue_and_wait(unopened_app: Soniq) -> None:
    app = unopened_app

    @app.job(name="jobs.child")
    def child(n: int) -> int:
        return n + 1

    @app.job(name="jobs.parent")
    def parent() -> int:
        return int(app.sync.wait(app.sync.enqueue(child, n=41), timeout=PATIENCE))

    async with app:
        await app.setup()
        stop = asyncio.Event()
        working = asyncio.create_task(app.run_worker(shutdown_event=stop))
        assert await app.wait(await parent.enqueue(), timeout=PATIENCE) == 42
        stop.set()
        await working


def test_it_ends_with_its_application(app: Soniq, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "_FAREWELL", 0.3)

    def use(used: Soniq) -> threading.Thread:
        assert used.backend is not None
        before = set(threading.enumerate())
        owner = Soniq(backend=used.backend.sibling())
        owner.sync.enqueue(REF)
        return next(one for one in {*threading.enumerate()} - before if one.name == "soniq-sync")

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        thread = use(app)
        gc.collect()
        thread.join(PATIENCE)
    assert not thread.is_alive()


# --- processes -----------------------------------------------------------------------------------

PROGRAM = """
import asyncio, os, sys, threading
from soniq import Soniq, TaskRef

REF = TaskRef("jobs.one")
app = Soniq(sys.argv[1])

def served():
    "What the children of a server that forks before it serves do."
    with_threads = [threading.Thread(target=app.sync.enqueue, args=(REF,)) for _ in range(4)]
    for thread in with_threads:
        thread.start()
    for thread in with_threads:
        thread.join()
    app.sync.enqueue(REF)
    asyncio.run(app.enqueue(REF))

if "used" in sys.argv:
    app.sync.enqueue(REF)
children = []
for _ in range(3):
    child = os.fork()
    if child == 0:
        served()
        sys.exit()
    children.append(child)
codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
app.sync.enqueue(REF)
print("children", *codes, flush=True)
print("queued", asyncio.run(app.get_queue_stats())["queued"], flush=True)
"""


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A store that several processes can share, set up."""
    found = f"sqlite:///{tmp_path}/jobs.db"
    if request.param == "postgres":
        found = request.getfixturevalue("pg_url")
    asyncio.run(_set_up(found))
    return found


async def _set_up(url: str) -> None:
    async with Soniq(url) as app:
        await app.setup()


@pytest.mark.parametrize(("state", "queued"), [("unused", 19), ("used", 20)])
def test_a_client_made_before_a_fork_works_in_the_children(
    url: str, tmp_path: Path, state: str, queued: int
) -> None:
    script = tmp_path / "prefork.py"
    script.write_text(PROGRAM)
    # Newer Pythons warn of every fork beside threads.
    warned = ["-W", "error", "-W", "ignore::DeprecationWarning"]
    command = [sys.executable, *warned, str(script), url, state]
    with Program(command, cwd=tmp_path) as program:
        program.line("children 0 0 0")
        program.line(f"queued {queued}")
        assert program.exit_code() == 0
        assert len(program.all_output().splitlines()) == 2


ENDING = """
import sys, threading, time
from soniq import Soniq

app = Soniq(sys.argv[1], enqueue_validation="none")

def use():
    app.sync.enqueue("jobs.one")

def wait():
    app.sync.wait(app.sync.enqueue("jobs.one"))

use()
"""


@pytest.mark.parametrize("end", ["", "sys.exit(0)"])
def test_the_process_ends_when_its_code_does(url: str, tmp_path: Path, end: str) -> None:
    script = tmp_path / "ends.py"
    script.write_text(ENDING + end)
    with Program([sys.executable, "-W", "error", str(script), url], cwd=tmp_path) as program:
        assert program.exit_code() == 0
        assert program.all_output() == ""


def test_somebody_who_waits_in_the_background_keeps_no_process(url: str, tmp_path: Path) -> None:
    script = tmp_path / "ends.py"
    script.write_text(ENDING + "threading.Thread(target=wait, daemon=True).start()")
    with Program([sys.executable, str(script), url], cwd=tmp_path) as program:
        assert program.exit_code() == 0
        assert "pending" not in program.all_output()
