"""The fixtures and the marker, in a test run of their own."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from soniq import Soniq

pytest_plugins = ["pytester"]

PROGRAM = """
    from soniq import Soniq

    app = Soniq("postgresql://nobody@127.0.0.1:1/nowhere", max_retries=0, queues=None)
    ran, told = [], []

    @app.job(queue="mail")
    async def send(to):
        ran.append(to)
        return f"sent to {to}"

    @app.middleware
    async def traced(ctx, call_next):
        return (await call_next(ctx)).upper()

    @app.after_job
    def tell(job_name):
        told.append(job_name)

    async def sign_up(name):
        await send.enqueue(to=name)
"""


@pytest.fixture
def run(pytester: pytest.Pytester) -> pytest.Pytester:
    """A project with the plugin and a program."""
    pytester.makeini("[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function")
    pytester.makeconftest('pytest_plugins = ["soniq.testing.pytest_plugin"]')
    pytester.makepyfile(shop=PROGRAM)
    pytester.syspathinsert()
    return pytester


def passed(run: pytest.Pytester, text: str, **outcomes: int) -> pytest.RunResult:
    run.makepyfile(test_it=text)
    result = run.runpytest("-p", "no:cacheprovider", "-W", "error", "--strict-markers")
    result.assert_outcomes(**outcomes)
    return result


def test_each_test_has_an_empty_store_in_memory(run: pytest.Pytester) -> None:
    passed(
        run,
        """
        import pytest
        from soniq.testing import drain

        @pytest.mark.parametrize("time", [1, 2])
        async def test_it(soniq_memory, time):
            @soniq_memory.job
            async def double(n):
                return n * 2

            assert await soniq_memory.list_jobs() == []
            await soniq_memory.enqueue(double, n=time)
            assert await drain(soniq_memory) == [time * 2]
        """,
        passed=2,
    )


def test_the_marker_runs_an_apps_jobs_and_takes_its_enqueues(run: pytest.Pytester) -> None:
    passed(
        run,
        """
        import pytest
        import shop
        from soniq.testing import assert_enqueued, drain

        @pytest.mark.soniq(app="shop:app")
        async def test_it(soniq_memory):
            await shop.sign_up("ann")
            await shop.app.enqueue(shop.send, to="bob")
            assert_enqueued(soniq_memory, shop.send, count=2, queue="mail")
            assert await drain(soniq_memory) == ["SENT TO ANN", "SENT TO BOB"]
            assert shop.ran == ["ann", "bob"]
            assert shop.told == ["shop.send", "shop.send"]
            assert (await shop.app.get_queue_stats())["done"] == 2
        """,
        passed=1,
    )


@pytest.mark.parametrize("fixture", ["soniq_memory", "soniq_pg"])
def test_plugins_named_in_the_environment_are_called_once_for_each_job(
    run: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
    fixture: str,
) -> None:
    if fixture == "soniq_pg":
        monkeypatch.setenv("SONIQ_DATABASE_URL", request.getfixturevalue("pg_url"))
    monkeypatch.setenv("SONIQ_PLUGINS", "counting:Counting,soniq.plugins.metrics:Metrics")
    run.makepyfile(counting=COUNTING)
    passed(
        run,
        f"""
        import pytest
        import counting
        import shop
        from soniq.testing import drain

        @pytest.mark.soniq(app="shop:app")
        async def test_it({fixture}):
            await shop.sign_up("ann")
            await shop.app.enqueue("counted", args={{}})
            assert set(await drain({fixture})) == {{"SENT TO ANN", "YES"}}
            assert set(shop.told) == {{"shop.send", "counted"}}
            assert counting.seen == ["hook", "plugin", "hook", "plugin"]
        """,
        passed=1,
    )


COUNTING = """
    from soniq.plugins import Plugin

    seen = []

    class Counting(Plugin):
        @staticmethod
        def get_identifier():
            return "shop.counting"

        def install(self, app):
            @app.job(name="counted")
            async def counted():
                return "yes"

            @app.before_job
            def hook(job_name):
                seen.append("hook")

        async def on_job_completed(self, *, worker, job, exception, result):
            seen.append("plugin")
"""


@pytest.mark.filterwarnings("default")
def test_an_assertion_that_was_not_awaited_fails_its_test(run: pytest.Pytester) -> None:
    run.makepyfile(
        """
        from soniq import Soniq
        from soniq.testing import assert_enqueued

        async def test_forgetful(tmp_path):
            async with Soniq(tmp_path / "jobs.db") as app:
                assert_enqueued(app, "mail.send")

        async def test_careful(tmp_path, soniq_memory):
            async with Soniq(tmp_path / "jobs.db") as app:
                await assert_enqueued(app, "mail.send", count=0)
            assert_enqueued(soniq_memory, "mail.send", count=0)
        """
    )
    result = run.runpytest("-p", "no:cacheprovider")
    result.assert_outcomes(passed=2, errors=1, warnings=1)
    result.stdout.fnmatch_lines(["*was not awaited, and asserted nothing, for mail.send:*"])


def test_after_the_test_the_app_is_as_it_was(run: pytest.Pytester) -> None:
    passed(
        run,
        """
        import pytest
        import shop
        from soniq import SoniqError

        @pytest.mark.soniq(app="shop:app")
        async def test_marked(soniq_memory):
            soniq_memory.job(name="only.here")(lambda: None)
            soniq_memory.after_job(lambda: None)
            await shop.app.enqueue(shop.send, to="ann")

        async def test_later():
            assert not shop.app.is_initialized
            assert shop.app._get_job_registry().get_job("only.here") is None
            assert shop.app.backend is None
            assert shop.app.settings.database_url.endswith("/nowhere")
        """,
        passed=2,
    )


def test_an_app_that_is_closed_by_the_test_closes_nothing_else(run: pytest.Pytester) -> None:
    passed(
        run,
        """
        import pytest
        import shop
        from soniq.testing import drain

        @pytest.mark.soniq(app="shop:app")
        async def test_it(soniq_memory):
            async with shop.app:
                await shop.sign_up("ann")
            assert await drain(soniq_memory) == ["SENT TO ANN"]
        """,
        passed=1,
    )


def test_jobs_that_are_defined_during_the_test_run_too(run: pytest.Pytester) -> None:
    passed(
        run,
        """
        import pytest
        import shop
        from soniq.testing import drain

        @pytest.mark.soniq(app="shop:app")
        async def test_it(soniq_memory):
            @shop.app.job
            async def late():
                return "late"
            await late.enqueue()
            assert await drain(soniq_memory) == ["LATE"]
        """,
        passed=1,
    )


def test_the_memory_fixture_goes_by_the_clock_of_a_test_that_has_one(run: pytest.Pytester) -> None:
    passed(
        run,
        """
        import pytest
        import shop

        @pytest.mark.soniq(app="shop:app")
        async def test_it(soniq_memory, soniq_clock):
            job_id = await shop.app.schedule(shop.send, 86400, to="ann")
            await soniq_clock.advance("1 day")
            assert await soniq_memory.get_result(job_id) == "SENT TO ANN"
        """,
        passed=1,
    )


def test_tests_may_run_under_another_plugin_than_pytest_asyncio(run: pytest.Pytester) -> None:
    run.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function")
    passed(
        run,
        """
        import pytest
        import shop
        from soniq.testing import drain

        pytestmark = [pytest.mark.anyio, pytest.mark.soniq(app="shop:app")]

        @pytest.fixture
        def anyio_backend():
            return "asyncio"

        async def test_it(soniq_memory):
            await shop.sign_up("ann")
            assert await drain(soniq_memory) == ["SENT TO ANN"]
        """,
        passed=1,
    )


def test_tests_that_are_not_async_enqueue_too(run: pytest.Pytester) -> None:
    passed(
        run,
        """
        import pytest
        import shop
        from soniq.testing import assert_enqueued

        @pytest.mark.soniq(app="shop:app")
        def test_it(soniq_memory):
            shop.app.sync.enqueue(shop.send, to="ann")
            assert len(assert_enqueued(soniq_memory, shop.send, to="ann")) == 1
        """,
        passed=1,
    )


@pytest.mark.parametrize(
    ("marker", "said"),
    [
        ('soniq("shop:app")', "written @pytest.mark.soniq(app="),
        ('soniq(app="shop")', 'named as "module:attr"'),
        ('soniq(app="shop:ran")', "shop:ran is list, not a Soniq"),
    ],
    ids=["position", "module", "list"],
)
def test_a_marker_that_names_no_app_says_so(run: pytest.Pytester, marker: str, said: str) -> None:
    result = passed(
        run,
        f"""
        import pytest

        @pytest.mark.{marker}
        async def test_it(soniq_memory):
            pass
        """,
        errors=1,
    )
    result.stdout.fnmatch_lines([f"*{said.replace('[', '[[]')}*"])


def test_without_a_database_the_postgres_fixture_skips(
    run: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SONIQ_DATABASE_URL", raising=False)
    passed(run, "async def test_it(soniq_pg):\n    assert False", skipped=1)


ON_POSTGRES = """
    import asyncio
    import pytest
    import shop
    from soniq import SoniqError
    from soniq.testing import assert_enqueued, drain, wait_until

    @pytest.mark.soniq(app="shop:app")
    async def test_marked(soniq_pg):
        assert await soniq_pg.list_jobs() == []
        await shop.sign_up("ann")
        await shop.app.enqueue(shop.send, to="bob", dedup_key="bob")
        await shop.app.enqueue(shop.send, to="bob again", dedup_key="bob")
        await shop.app.enqueue(shop.send, to="later", delay=60)
        await assert_enqueued(soniq_pg, shop.send, count=3)
        assert await drain(soniq_pg) == ["SENT TO ANN", "SENT TO BOB"]
        assert (await soniq_pg.get_queue_stats())["queued"] == 1

    async def test_failures(soniq_pg):
        @soniq_pg.job(retries=1)
        async def fail(connection=None):
            raise ValueError("no")

        @soniq_pg.job
        def in_a_thread():
            return "here"

        job_id = await soniq_pg.enqueue(fail)
        await soniq_pg.enqueue(in_a_thread)
        assert await drain(soniq_pg) == ["here"]
        job = await soniq_pg.get_job(job_id)
        assert (job["status"], job["attempts"]) == ("dead_letter", 2)

    async def test_other_loops_are_told_off(soniq_pg):
        await soniq_pg.get_queues()
        with pytest.raises(SoniqError, match="another event loop"):
            await asyncio.to_thread(soniq_pg.sync.get_job, "00000000-0000-0000-0000-000000000000")

    async def test_its_connection_sees_and_enqueues(soniq_pg):
        @soniq_pg.job
        async def work():
            return 1

        await soniq_pg.ensure_initialized()
        connection = soniq_pg.backend.connection
        await connection.execute("CREATE TABLE orders (id int)")
        await soniq_pg.enqueue(work, connection=connection)
        assert await connection.fetchval("SELECT count(*) FROM soniq_jobs") == 1
        with pytest.raises(AssertionError, match="expected 2 jobs"):
            await assert_enqueued(soniq_pg, work, count=2)
        assert await drain(soniq_pg) == [1]
"""


def test_on_postgres_everything_is_rolled_back(
    run: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, pg_url: str
) -> None:
    asyncio.run(_store_a_job(pg_url))
    before = asyncio.run(_tables(pg_url))
    monkeypatch.setenv("SONIQ_DATABASE_URL", pg_url)
    result = passed(run, ON_POSTGRES, passed=4)
    result.stdout.no_fnmatch_line("*WARNING*")
    assert asyncio.run(_tables(pg_url)) == before
    assert before[1] == 1


def test_on_postgres_no_setup_is_needed(
    run: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, pg_url: str
) -> None:
    monkeypatch.setenv("SONIQ_DATABASE_URL", pg_url)
    passed(run, ON_POSTGRES, passed=4)
    assert asyncio.run(_tables(pg_url)) == ([], 0)


async def _store_a_job(url: str) -> None:
    async with Soniq(url, enqueue_validation="none") as app:
        await app.setup()
        await app.enqueue("shop.send", args={"to": "a real customer"})


async def _tables(url: str) -> tuple[list[str], int]:
    """Every table and schema there is, and how many jobs."""
    connection = await asyncpg.connect(url)
    try:
        names = await connection.fetch(
            "SELECT schemaname || '.' || tablename AS name FROM pg_tables"
            " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
            " UNION SELECT nspname FROM pg_namespace WHERE nspname LIKE 'soniq%' ORDER BY 1"
        )
        found = [str(row["name"]) for row in names]
        jobs = "public.soniq_jobs" in found
        count = await connection.fetchval("SELECT count(*) FROM soniq_jobs") if jobs else 0
        return found, int(count)
    finally:
        await connection.close()
