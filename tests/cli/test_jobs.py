"""`soniq jobs` on SQLite and Postgres: what it prints, how it exits, what is there after."""

from __future__ import annotations

import json

import pytest

from tests.cli.databases import Database

UNKNOWN = "01a20353-1513-741a-8e85-98ff2095208e"


def test_list_is_a_line_a_job_newest_first(database: Database) -> None:
    ids = database.enqueue(3)
    (other,) = database.enqueue(name="sms.send", queue="sms")
    (dead,) = database.give_up()
    here = ("--database-url", database.url)

    def lines(*options: str) -> list[str]:
        ran = database.project.run("jobs", "list", *options, *here)
        assert (ran.code, ran.err) == (0, "")
        return ran.out.splitlines()

    mails = [f"{each}  mail.send  queued  default" for each in ids[::-1]]
    assert lines() == [f"{other}  sms.send  queued  sms", *mails]
    assert lines("--queue", "default", "--limit", "1", "--offset", "1") == mails[1:2]
    assert lines("--status", "dead_letter") == [f"{dead}  mail.send  dead_letter  default"]


def test_list_of_nothing_and_in_wrong_words(database: Database) -> None:
    here = ("--database-url", database.url)
    run = database.project.run

    empty = run("jobs", "list", "--status", "done", *here)
    document = run("jobs", "list", "--json", *here)

    assert (empty.code, empty.out, empty.err) == (0, "", "[INFO] No jobs\n")
    assert document.document == []
    for wrong in (["--status", "lost"], ["--limit", "0"], ["--offset", "-1"]):
        assert run("jobs", "list", *wrong, *here).code == 2


def test_show_tells_every_key_and_no_secret(database: Database) -> None:
    (job_id,) = database.enqueue()
    here = ("--database-url", database.url)
    run = database.project.run

    plain = run("jobs", "show", job_id, *here)
    document = run("jobs", "show", job_id, "--json", *here).document
    (listed,) = run("jobs", "list", "--json", *here).document
    unknown = run("jobs", "show", UNKNOWN, *here)
    several = run("jobs", "show", job_id, UNKNOWN, *here)

    assert (plain.code, unknown.code, several.code) == (0, 1, 2)
    assert document == listed
    assert document["args"] == {"n": 0, "token": "***"}
    for key in document:
        assert f"\n{key}:" in f"\n{plain.out}"
    assert "hush" not in plain.out + json.dumps(document)
    assert f"There is no job {UNKNOWN}" in unknown.err


def test_cancel_tells_of_each_and_fails_if_any_was_not(database: Database) -> None:
    one, other, stays = database.enqueue(3)
    database.write_jobs()
    run = database.project.run

    both = run("jobs", "cancel", "jobs:app", one, other)
    again = run("jobs", "cancel", one, UNKNOWN, "--app", "jobs:app")
    document = run("jobs", "cancel", one, stays, "--json", "--app", "jobs:app")

    assert (both.code, both.out) == (0, f"Cancelled {one}\nCancelled {other}\n")
    assert (again.code, again.out) == (1, "")
    assert again.err.splitlines() == [
        f"[ERROR] {one} was not cancelled: it is cancelled",
        f"[ERROR] {UNKNOWN} was not cancelled: there is no such job",
    ]
    assert document.code == 1
    assert document.document == [
        {"id": one, "cancelled": False},
        {"id": stays, "cancelled": True},
    ]
    assert database.counts() == {"cancelled": 3}


def test_enqueue_prints_the_id(database: Database) -> None:
    database.write_jobs()
    options = ("--queue", "q", "--priority", "7", "--delay", "60", "--dedup-key", "one")

    ran = database.project.run(
        "jobs", "enqueue", "jobs:app", "mail.send", "--args", '{"n": 5}', *options
    )
    again = database.project.run("jobs", "enqueue", "sms.send", "--app", "jobs:app", *options[-2:])

    job = database.ask(lambda app: app.get_job(ran.out.strip()))
    assert ran.code == again.code == 0
    assert job is not None
    assert (job["job_name"], job["args"]) == ("mail.send", {"n": 5})
    assert (job["queue"], job["priority"], job["dedup_key"]) == ("q", 7, "one")
    assert (job["scheduled_at"] - job["created_at"]).total_seconds() == pytest.approx(60, abs=1)
    assert again.out == ran.out
    assert database.counts() == {"queued": 1}


def test_enqueue_checks_name_and_arguments_against_the_code(database: Database) -> None:
    database.write_jobs()
    run = database.project.run

    name = run("jobs", "enqueue", "jobs:app", "mail.sned")
    args = run("jobs", "enqueue", "jobs:app", "mail.send", "--args", '{"n": "many"}')

    assert name.code == args.code == 1
    assert "SONIQ_UNKNOWN_TASK_NAME" in name.err
    assert "SONIQ_TASK_ARGS_INVALID" in args.err
    assert database.counts() == {}


def test_enqueue_without_code_checks_the_form_of_the_name(database: Database) -> None:
    here = ("--database-url", database.url)
    run = database.project.run

    ran = run("jobs", "enqueue", "anything.goes", "--args", '{"x": 1}', *here)
    wrong = run("jobs", "enqueue", "Anything Goes", *here)

    assert (ran.code, wrong.code) == (0, 1)
    assert "SONIQ_INVALID_TASK_NAME" in wrong.err
    assert database.counts() == {"queued": 1}


@pytest.mark.parametrize(
    "wrong",
    [
        ["mail.send", "--args", "{"],
        ["mail.send", "--args", "[1]"],
        ["mail.send", "--priority", "0"],
        ["mail.send", "--delay", "-1"],
        ["mail.send", "--delay", "inf"],
        ["mail.send", "--delay", "nan"],
        ["mail.send", "--queue", ""],
        ["mail.send", "--queue", "q" * 129],
        ["mail.send", "--dedup-key", ""],
        ["mail.send", "--dedup-key", "k" * 513],
        ["mail.send", "sms.send"],
        [],
    ],
)
def test_enqueue_in_wrong_words_stores_nothing(database: Database, wrong: list[str]) -> None:
    ran = database.project.run("jobs", "enqueue", *wrong, "--database-url", database.url)

    assert ran.code == 2
    assert len(ran.err.splitlines()) == 1
    assert database.counts() == {}
