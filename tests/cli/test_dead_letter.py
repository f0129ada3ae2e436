"""`soniq dead-letter` on SQLite and Postgres: what it prints, how it exits, what is there after."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys

import pytest

from tests.cli.databases import Database

UNKNOWN = "01a20353-1513-741a-8e85-98ff2095208e"


# --- looking -------------------------------------------------------------------------------------


def test_list_is_a_line_each_newest_first(database: Database) -> None:
    ids = database.give_up(3)
    (other,) = database.give_up(name="sms.send")
    run = database.project.run

    every = run("dead-letter", "list", "--database-url", database.url)
    database.write_jobs()
    some = run("dead-letter", "list", "jobs:app", "--filter", "mail.*", "--limit", "2")

    lines = [f"{each}  mail.send  manual" for each in ids[::-1]]
    assert every.code == some.code == 0
    assert every.out.splitlines() == [f"{other}  sms.send  manual", *lines]
    assert every.err == ""
    assert some.out.splitlines() == lines[:2]
    assert some.err == "[INFO] 1 more: raise --limit to see them\n"


def test_list_as_json_is_one_document_without_secrets(database: Database) -> None:
    (dead,) = database.give_up()

    ran = database.project.run("dead-letter", "list", "--json", "--database-url", database.url)

    (found,) = ran.document
    assert (found["id"], found["args"]) == (dead, {"n": 0, "token": "***"})
    assert found["dead_letter_reason"] == "manual"


def test_list_of_nothing(database: Database) -> None:
    plain = database.project.run("dead-letter", "list", "--database-url", database.url)
    document = database.project.run("dead-letter", "list", "--json", "--database-url", database.url)

    assert (plain.code, plain.out, plain.err) == (0, "", "[INFO] No dead letters\n")
    assert (document.code, document.document) == (0, [])


def test_show_tells_every_key_and_no_secret(database: Database) -> None:
    (dead,) = database.give_up()
    run = database.project.run

    plain = run("dead-letter", "show", dead, "--database-url", database.url)
    document = run("dead-letter", "show", dead, "--json", "--database-url", database.url).document
    unknown = run("dead-letter", "show", UNKNOWN, "--database-url", database.url)

    assert plain.code == 0
    for key in document:
        assert f"\n{key}:" in f"\n{plain.out}"
    assert "second line" in plain.out
    assert "hush" not in plain.out + json.dumps(document)
    assert document["args"] == {"n": 0, "token": "***"}
    assert unknown.code == 1
    assert UNKNOWN in unknown.err


# --- replay --------------------------------------------------------------------------------------


def test_replay_of_ids_tells_what_became_of_each(database: Database) -> None:
    one, other, stays = database.give_up(3)
    database.write_jobs()

    ran = database.project.run("dead-letter", "replay", "jobs:app", one, other)

    replayed = {job.id: job.last_resurrection_job_id for job in database.dead_letters()}
    assert ran.code == 0
    assert ran.out.splitlines() == [
        f"Replayed {one} as {replayed[one]}",
        f"Replayed {other} as {replayed[other]}",
        "[OK] Replayed 2 of 2 dead letters",
    ]
    assert replayed[stays] is None
    assert database.counts() == {"queued": 2, "dead_letter": 3}


def test_replay_of_an_unknown_id_fails_and_does_the_others(database: Database) -> None:
    (dead,) = database.give_up()
    database.write_jobs()

    ran = database.project.run(
        "dead-letter", "replay", UNKNOWN, "nonsense", dead, "--app", "jobs:app"
    )

    assert ran.code == 1
    assert ran.err.splitlines() == [
        f"[ERROR] There is no dead letter {UNKNOWN}",
        "[ERROR] There is no dead letter nonsense",
    ]
    assert "Replayed 1 of 3 dead letters" in ran.out
    assert database.counts() == {"queued": 1, "dead_letter": 1}


def test_replay_tells_of_a_live_job_that_holds_the_key(database: Database) -> None:
    (dead,) = database.give_up(dedup_keys=["one"])
    (live,) = database.enqueue(dedup_keys=["one"])
    database.write_jobs()

    by_id = database.project.run("dead-letter", "replay", "jobs:app", dead)
    by_filter = database.project.run("dead-letter", "replay", "jobs:app", "--all")

    assert by_id.code == by_filter.code == 1
    assert f"{live} holds its dedup key" in by_id.err
    assert "Replayed 0 of 1 dead letter" in by_id.out
    assert "Replayed 0 of 1 dead letter" in by_filter.out
    assert "a live job holds the dedup key: 1 dead letter" in by_filter.err
    assert database.counts() == {"queued": 1, "dead_letter": 1}


def test_replay_needs_job_code(database: Database) -> None:
    (dead,) = database.give_up()

    for wanted in ([dead], ["--all"]):
        ran = database.project.run("dead-letter", "replay", *wanted, "--database-url", database.url)
        assert ran.code == 1
        assert "needs the code of the jobs" in ran.err
    assert database.counts() == {"dead_letter": 1}


def test_replay_leaves_jobs_that_the_code_does_not_register(database: Database) -> None:
    (known,) = database.give_up()
    (unknown,) = database.give_up(name="elsewhere")
    database.write_jobs()

    by_id = database.project.run("dead-letter", "replay", "jobs:app", unknown)
    every = database.project.run("dead-letter", "replay", "jobs:app", "--all")

    assert by_id.code == every.code == 1
    assert "elsewhere is not registered" in by_id.err
    assert "elsewhere" in every.err
    assert "Replayed 1 of 2 dead letters" in every.out
    assert [job.id for job in database.dead_letters() if job.resurrection_count] == [known]


# --- selections ----------------------------------------------------------------------------------


@pytest.mark.parametrize("verb,past", [("replay", "Replayed"), ("delete", "Deleted")])
def test_a_small_selection_asks_nothing(database: Database, verb: str, past: str) -> None:
    ids = database.give_up(4)
    database.give_up(name="sms.send")
    database.write_jobs()

    ran = database.project.run("dead-letter", verb, "jobs:app", "--filter", "mail*")

    assert ran.code == 0
    assert ran.out.splitlines()[-1] == f"[OK] {past} 4 of 4 dead letters"
    assert {line.split()[1] for line in ran.out.splitlines()[:-1]} == set(ids)


@pytest.mark.parametrize("verb,past", [("replay", "Replayed"), ("delete", "Deleted")])
def test_a_large_selection_needs_a_yes(database: Database, verb: str, past: str) -> None:
    database.give_up(5)
    database.write_jobs()
    run = database.project.run

    refused = run("dead-letter", verb, "jobs:app", "--all")
    before = database.counts()
    done = run("dead-letter", verb, "jobs:app", "--all", "--yes")

    assert refused.code == 1
    assert refused.out == ""
    assert f"{verb.capitalize()} 5 dead letters?" in refused.err
    assert "--yes" in refused.err
    assert before == {"dead_letter": 5}
    assert done.code == 0
    assert f"{past} 5 of 5 dead letters" in done.out
    replayed = {"queued": 5, "dead_letter": 5}
    assert database.counts() == (replayed if verb == "replay" else {})


@pytest.mark.parametrize("verb", ["replay", "delete"])
def test_a_dry_run_shows_count_and_sample_and_changes_nothing(
    database: Database, verb: str
) -> None:
    ids = database.give_up(12)
    database.write_jobs()
    run = database.project.run

    every = run("dead-letter", verb, "jobs:app", "--all", "--dry-run")
    one = run("dead-letter", verb, "jobs:app", ids[0], UNKNOWN, "--dry-run")

    assert every.code == 0
    assert every.out.splitlines() == [
        f"Dry run: would {verb} 12 dead letters",
        *(f"  {each}  mail.send  manual" for each in ids[:1:-1][:10]),
        "  and 2 more",
    ]
    assert one.code == 1
    assert f"Dry run: would {verb} 1 dead letter\n" in one.out
    assert UNKNOWN in one.err
    assert {job.resurrection_count for job in database.dead_letters()} == {0}
    assert database.counts() == {"dead_letter": 12}


@pytest.mark.parametrize("verb", ["replay", "delete"])
def test_ids_with_a_selection_or_neither_is_wrong_usage(database: Database, verb: str) -> None:
    (dead,) = database.give_up()
    database.write_jobs()
    run = database.project.run

    for wrong in ([], [dead, "--all"], [dead, "--filter", "*"]):
        ran = run("dead-letter", verb, "jobs:app", *wrong)
        assert ran.code == 2
        assert "give ids, or a selection" in ran.err
    assert database.counts() == {"dead_letter": 1}


@pytest.mark.parametrize("verb", ["list", "replay", "delete", "export"])
def test_a_filter_longer_than_any_store_can_match_is_wrong_usage(
    database: Database, verb: str
) -> None:
    database.give_up()
    database.write_jobs()

    ran = database.project.run("dead-letter", verb, "jobs:app", "--filter", "x" * 1025)

    assert ran.code == 2
    assert ran.out == ""
    assert "'--filter': a pattern has 1025 characters; at most 1024 are possible." in ran.err
    assert database.counts() == {"dead_letter": 1}


def test_a_selection_that_matches_nothing_does_nothing(database: Database) -> None:
    database.give_up(6)

    ran = database.project.run(
        "dead-letter", "delete", "--filter", "mail_send", "--database-url", database.url
    )

    assert ran.code == 0
    assert ran.out == "[OK] Deleted 0 of 0 dead letters\n"
    assert database.counts() == {"dead_letter": 6}


def test_delete_of_ids_needs_no_job_code(database: Database) -> None:
    one, other = database.give_up(2)

    ran = database.project.run(
        "dead-letter", "delete", one, UNKNOWN, "--database-url", database.url
    )

    assert ran.code == 1
    assert ran.out.splitlines() == [f"Deleted {one}", "[WARNING] Deleted 1 of 2 dead letters"]
    assert ran.err == f"[ERROR] There is no dead letter {UNKNOWN}\n"
    assert [job.id for job in database.dead_letters()] == [other]


# --- cleanup, export -----------------------------------------------------------------------------


def test_cleanup_counts_and_deletes_by_age(database: Database) -> None:
    database.give_up(2)
    run = database.project.run
    here = ("--database-url", database.url)

    young = run("dead-letter", "cleanup", *here)
    dry = run("dead-letter", "cleanup", "--days", "0", "--dry-run", *here)
    before = database.counts()
    done = run("dead-letter", "cleanup", "--days", "0", *here)
    wrong = run("dead-letter", "cleanup", "--days", "-1", *here)

    assert young.out == "[OK] Deleted 0 dead letters older than 30 days\n"
    assert dry.out == "Dry run: would delete 2 dead letters older than 0 days\n"
    assert before == {"dead_letter": 2}
    assert done.out == "[OK] Deleted 2 dead letters older than 0 days\n"
    assert database.counts() == {}
    assert (young.code, dry.code, done.code, wrong.code) == (0, 0, 0, 2)


def test_export_writes_a_file_without_secrets(database: Database) -> None:
    ids = database.give_up(3)
    here = ("--database-url", database.url)
    run = database.project.run

    as_csv = run("dead-letter", "export", "--output", "letters.csv", *here)
    as_json = run("dead-letter", "export", "-o", "letters.json", "--format", "json", *here)

    assert as_csv.out == "[OK] Exported 3 dead letters to letters.csv\n"
    assert as_json.code == as_csv.code == 0
    text = (database.project.folder / "letters.csv").read_text()
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [row["id"] for row in rows] == ids[::-1]
    assert json.loads(rows[0]["args"]) == {"n": 2, "token": "***"}
    document = json.loads((database.project.folder / "letters.json").read_text())
    assert [row["id"] for row in document] == ids[::-1]
    assert "hush" not in text + json.dumps(document)


def test_export_to_stdout_prints_nothing_else_there(database: Database) -> None:
    ids = database.give_up(2)
    here = ("--database-url", database.url)

    ran = database.project.run("dead-letter", "export", "--output", "-", "--format", "jsonl", *here)
    none = database.project.run(
        "dead-letter", "export", "--output", "-", "--format", "json", "--filter", "none", *here
    )

    assert [json.loads(line)["id"] for line in ran.out.splitlines()] == ids[::-1]
    assert "Exported 2 dead letters" in ran.err
    assert none.document == []


def test_an_export_whose_reader_has_enough_ends_quietly(database: Database) -> None:
    database.fill_graveyard(3_000)
    command = f"{sys.executable} -m soniq dead-letter export -o - --database-url {database.url}"

    piped = subprocess.run(
        ["sh", "-c", f"{command} | head -1"],
        cwd=database.project.folder,
        capture_output=True,
        text=True,
        timeout=50,
        check=True,
    )

    assert piped.stdout.startswith("id,job_name,")
    assert piped.stderr == ""


def test_export_refuses_what_it_cannot_write(database: Database) -> None:
    here = ("--database-url", database.url)
    run = database.project.run

    nowhere = run("dead-letter", "export", "--output", "no/such/folder.csv", *here)
    folder = run("dead-letter", "export", "--output", ".", *here)
    unknown = run("dead-letter", "export", "--output", "x", "--format", "xml", *here)
    unsaid = run("dead-letter", "export", *here)

    assert (nowhere.code, folder.code) == (1, 1)
    assert "no/such" in nowhere.err
    assert "it is a folder" in folder.err
    assert (unknown.code, unsaid.code) == (2, 2)


def test_the_group_alone_prints_its_help(database: Database) -> None:
    ran = database.project.run("dead-letter")

    assert ran.code == 1
    for command in ("list", "show", "replay", "delete", "cleanup", "export"):
        assert f" {command} " in ran.out
        told = database.project.run("dead-letter", command, "--help")
        assert told.code == 0
        assert "Examples" in told.out
