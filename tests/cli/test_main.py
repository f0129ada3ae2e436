"""What all commands have in common: help, exit codes, where errors go and how they look."""

from __future__ import annotations

import pytest

from soniq import __version__
from tests.cli.conftest import Project

COMMANDS = ("worker", "setup", "migrate-status", "status", "health")


def test_no_command_prints_the_help_and_exits_with_1(project: Project) -> None:
    ran = project.run()

    assert ran.code == 1
    assert "Usage: soniq" in ran.out
    assert all(command in ran.out for command in COMMANDS)
    assert ran.err == ""


def test_version(project: Project) -> None:
    ran = project.run("--version")

    assert (ran.code, ran.out) == (0, f"soniq {__version__}\n")


def test_dev_says_that_it_takes_no_database_from_the_environment(project: Project) -> None:
    told = " ".join(project.run("dev", "--help").out.replace("│", " ").split())
    assert "SONIQ_DATABASE_URL does not count here" in told
    assert "else SONIQ_DATABASE_URL" not in told


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(project: Project, command: str) -> None:
    ran = project.run(command, "--help")

    assert ran.code == 0
    assert f"soniq {command}" in ran.out.partition("Examples")[2]
    assert "--lifeline" not in ran.out


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["wroker"], "Did you mean 'worker'? Try 'soniq --help'."),
        (["worker", "--queue", "mail"], "--queues"),
        (["worker", "--concurrency", "0"], "--concurrency"),
        (["worker", "--processes", "none"], "--processes"),
        (["worker", "jobs:app", "--queues", ","], "at least one queue"),
        (["worker", "--log-level", "loud"], "--log-level"),
        (["status", "one:app", "two:app"], "two:app"),
        (["status", "one:app", "--app", "two:app"], "--app"),
    ],
)
def test_wrong_usage_is_one_line_on_stderr_and_exits_with_2(
    project: Project, arguments: list[str], said: str
) -> None:
    project.write("jobs.py", "from soniq import Soniq\n\napp = Soniq(backend='memory')\n")

    ran = project.run(*arguments)

    assert ran.code == 2
    assert said in ran.err
    assert ran.err.startswith("[ERROR] ")
    assert "--help" in ran.err
    assert len(ran.err.splitlines()) == 1
    assert ran.out == ""


def test_an_error_is_one_line_without_a_traceback(project: Project) -> None:
    ran = project.run("status", "--database-url", "mysql://me:hunter2@host/app")

    assert ran.code == 1
    assert len(ran.err.splitlines()) == 1
    assert "SONIQ_INVALID_DATABASE_URL" in ran.err
    assert "hunter2" not in ran.err


def test_debug_adds_the_traceback_without_passwords(project: Project) -> None:
    ran = project.run(
        "status", "--database-url", "mysql://me:hunter2@host/app", env={"SONIQ_DEBUG": "1"}
    )

    assert ran.code == 1
    assert "Traceback (most recent call last)" in ran.err
    assert "hunter2" not in ran.err


def test_a_bad_setting_is_named(project: Project) -> None:
    ran = project.run("status", env={"SONIQ_CONCURRENCY": "many"})

    assert ran.code == 1
    assert "SONIQ_CONCURRENCY" in ran.err
    assert len(ran.err.splitlines()) == 1


def test_an_error_of_a_json_command_is_a_document_too(project: Project) -> None:
    ran = project.run("status", "--json", "--database-url", "mysql://host/app")

    assert ran.code == 1
    assert ran.document["error"]["code"] == "SONIQ_INVALID_DATABASE_URL"
    assert ran.err.startswith("[ERROR] ")


@pytest.mark.parametrize(
    "env, start",
    [
        ({}, "[OK] "),
        ({"FORCE_COLOR": "1"}, "\x1b[32m✓"),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, "✓ "),
        ({"NO_COLOR": "1"}, "[OK] "),
    ],
)
def test_signs_are_for_terminals(project: Project, env: dict[str, str], start: str) -> None:
    ran = project.run(
        "status", "--database-url", "sqlite:///jobs.db", env={**env, "PYTHONIOENCODING": "utf-8"}
    )

    assert ran.out.startswith(start)


def test_completion_is_offered_for_shells(project: Project) -> None:
    ran = project.run(
        env={"_SONIQ_COMPLETE": "complete_bash", "COMP_WORDS": "soniq mig", "COMP_CWORD": "1"}
    )

    assert ran.out.split() == ["migrate-status"]
