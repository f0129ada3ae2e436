"""The peers: what to install, how their jobs are counted, and the settings they are measured at."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from bench.driver.subject import Options

PSYCOPG = ("psycopg[binary,pool]==3.3.9",)
ASYNCPG = ("asyncpg==0.32.0",)
UVLOOP = ("uvloop==0.23.0",)


@dataclass(frozen=True, slots=True)
class Peer:
    """One published queue.

    Attributes:
        name: short, for the command line.
        title: as the report calls it.
        requirements: what its environment holds; the queue itself comes first.
        done, left: queries that count the finished jobs, and those that are not.
        settings: its worker's, by how the report calls them. The best documented come first.
        bulk: it has a call that stores many jobs.
        of: the name of its environment and of its module beside this one, if not `name`.
        always: options that producers and workers have at every setting.
    """

    name: str
    title: str
    requirements: tuple[str, ...]
    done: str
    left: str
    settings: dict[str, Options] = field(default_factory=dict)
    bulk: bool = True
    of: str = ""
    always: Options = field(default_factory=dict)

    @property
    def module(self) -> str:
        return self.of or self.name

    @property
    def best(self) -> Options:
        return next(iter(self.settings.values()))


CONCURRENCY: dict[str, Options] = {
    "100 at a time": {"concurrency": 100},
    "10 at a time": {"concurrency": 10},
}

PGQUEUER = Peer(
    "pgqueuer",
    "PgQueuer 1.6",
    ("pgqueuer==1.6.0", *ASYNCPG, *UVLOOP),
    done="SELECT count(*) FROM pgqueuer_log WHERE status = 'successful'",
    left="SELECT count(*) FROM pgqueuer",
    settings={
        "batch 100, no bound": {"batch_size": 100},
        "batch 50, 100 at a time": {"batch_size": 50, "max_concurrent_tasks": 100},
    },
)

OBAN = Peer(
    "oban",
    "oban-py 0.7",
    ("oban==0.7.0", *PSYCOPG, *UVLOOP),
    done="SELECT count(*) FROM oban_jobs WHERE state = 'completed'",
    left="SELECT count(*) FROM oban_jobs WHERE state <> 'completed'",
    settings=CONCURRENCY,
)

PROCRASTINATE = Peer(
    "procrastinate",
    "procrastinate 3.10",
    ("procrastinate==3.10.0", *PSYCOPG),
    done="SELECT count(*) FROM procrastinate_jobs WHERE status = 'succeeded'",
    left="SELECT count(*) FROM procrastinate_jobs WHERE status <> 'succeeded'",
    settings=CONCURRENCY,
)

CHANCY = Peer(
    "chancy",
    "chancy 0.26",
    ("chancy==0.26.0", *PSYCOPG),
    done="SELECT count(*) FROM chancy_jobs WHERE state = 'succeeded'",
    left="SELECT count(*) FROM chancy_jobs WHERE state <> 'succeeded'",
    settings=CONCURRENCY,
)

SAQ = Peer(
    "saq",
    "saq 0.26 on Postgres",
    ("saq[postgres]==0.26.4", *PSYCOPG),
    done="SELECT count(*) FROM saq_jobs WHERE status = 'complete'",
    left="SELECT count(*) FROM saq_jobs WHERE status <> 'complete'",
    settings=CONCURRENCY,
    bulk=False,
)

# Finished jobs leave the ready entries together with the segment they were in, so what is left is
# all that is there less what is marked as completed.
AWA = Peer(
    "awa",
    "awa 0.6 (core in Rust)",
    ("awa-pg==0.6.9",),
    done="""
        SELECT (SELECT count(DISTINCT job)
                FROM awa.receipt_completion_batches AS batch, unnest(batch.job_ids) AS job)
             + (SELECT count(*) FROM awa.done_entries WHERE state = 'completed')
             + (SELECT coalesce(sum(pruned_completed_count), 0)::bigint
                FROM awa.queue_terminal_rollups)""",
    left="""
        SELECT (SELECT count(*) FROM awa.ready_entries)
             + (SELECT count(*) FROM awa.jobs_hot)
             + (SELECT count(*) FROM awa.deferred_jobs)
             - (SELECT coalesce(sum(completed_count), 0)::bigint
                FROM awa.receipt_completion_batches)
             - (SELECT count(*) FROM awa.done_entries WHERE state = 'completed')""",
    settings={
        "1,024 at a time": {"concurrency": 1_024, "pool": 24},
        "100 at a time": {"concurrency": 100, "pool": 10},
    },
)

AWA_PARTITIONED = replace(
    AWA,
    name="awa_partitioned",
    title=f"{AWA.title}, 4 partitions",
    settings={"1,024 at a time": {"concurrency": 1_024, "pool": 36}},
    of="awa",
    always={"partitions": 4},
)

SONIQ_PUBLISHED = Peer(
    "soniq_published",
    "soniq 0.1.0 of PyPI",
    ("soniq==0.1.0",),
    done="SELECT count(*) FROM soniq_jobs WHERE status = 'done'",
    left="SELECT count(*) FROM soniq_jobs WHERE status <> 'done'",
    settings=CONCURRENCY,
)

PEERS = (PGQUEUER, OBAN, AWA, AWA_PARTITIONED, PROCRASTINATE, CHANCY, SAQ, SONIQ_PUBLISHED)
