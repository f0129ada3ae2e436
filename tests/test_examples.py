"""The examples are run as their readers run them: as programs, in a folder of their own."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from tests.docs.blocks import blocks

REPOSITORY = Path(__file__).parent.parent
EXAMPLES = REPOSITORY / "examples"
SONIQ = Path(sys.executable).with_name("soniq")


def run(folder: Path, *command: str | Path) -> str:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SONIQ_")}
    ended = subprocess.run(
        command, cwd=folder, env=clean, capture_output=True, text=True, timeout=50, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "Traceback" not in ended.stderr
    return ended.stdout


def example(folder: Path, name: str, *arguments: str) -> str:
    return run(folder, sys.executable, EXAMPLES / name, *arguments)


def test_the_first_example_of_the_readme_works(tmp_path: Path, pg_url: str) -> None:
    shown = blocks(REPOSITORY / "README.md")
    at = next(at for at, block in enumerate(shown) if block.title == "shop.py")
    program, commands = shown[at].text, shown[at + 1].text
    assert "postgresql://localhost/shop" in program
    (tmp_path / "shop.py").write_text(program.replace("postgresql://localhost/shop", pg_url))

    for line in commands.splitlines():
        command, *arguments = shlex.split(line, comments=True)
        # The worker would go on for ever.
        end = ["--run-once"] if "worker" in arguments else []
        run(tmp_path, Path(sys.executable).with_name(command), *arguments, *end)

    assert "done:        1" in run(tmp_path, SONIQ, "status", "shop:app")


def test_the_quickstart_prints_the_result_of_its_job(tmp_path: Path) -> None:
    assert example(tmp_path, "quickstart.py") == "Hello, world!\n"


def test_a_job_goes_with_the_transaction_it_was_enqueued_in(tmp_path: Path) -> None:
    assert example(tmp_path, "transactional.py") == "Receipt sent to Ada\n"


def test_the_demo_counts_retries_and_shows_the_dead_letter(tmp_path: Path) -> None:
    printed = example(tmp_path, "demo.py", "--files", "40")
    assert "39 files with" in printed
    assert re.search(r"\d+ jobs/s", printed)
    # Four files that fail twice, and one that is tried again twice in vain.
    assert "10 retries" in printed
    assert "1 dead letter after 3 attempts: OSError: cannot read this.py" in printed


def test_the_commands_that_the_demo_suggests_work(tmp_path: Path) -> None:
    printed = example(tmp_path, "demo.py", "--files", "10")
    suggested = re.findall(r"^  (\S*soniq .+)$", printed, re.MULTILINE)
    assert len(suggested) == 2
    status, letters = (run(tmp_path, *shlex.split(command)) for command in suggested)
    assert "Database connection: OK" in status
    assert "max_retries_exceeded" in letters


def test_a_sink_of_ones_own_sends_every_run_to_statsd(tmp_path: Path) -> None:
    printed = example(tmp_path, "statsd_metrics.py")
    tags = "#job:resize,queue:images"
    assert printed.count(f"received jobs.started:1|c|{tags}\n") == 2
    assert f"received jobs.completed:1|c|{tags},status:done\n" in printed
    assert f"received jobs.completed:1|c|{tags},status:dead_letter\n" in printed
    assert len(re.findall(r"received jobs\.duration:\d+\.\d\|ms\|#", printed)) == 2


def test_hooks_log_lines_of_json(tmp_path: Path) -> None:
    lines = example(tmp_path, "structured_logging.py").splitlines()
    told = [json.loads(line) for line in lines if line.startswith("{")]
    assert [entry["event"] for entry in told] == [
        "job_started",
        "job_failed",
        "job_started",
        "job_completed",
    ]
    assert told[1] == {
        "event": "job_failed",
        "job": "fetch.rates",
        "attempt": 1,
        "error": "no answer",
    }


def test_each_run_has_a_span_with_the_handlers_own_below_it(tmp_path: Path) -> None:
    assert example(tmp_path, "tracing.py").splitlines() == [
        "'ask the bank' below 'job bill': ERROR",
        "'job bill', attempt 1: ERROR",
        "'ask the bank' below 'job bill': UNSET",
        "'job bill', attempt 2: UNSET",
    ]


def test_only_a_job_that_is_given_up_raises_the_alarm(tmp_path: Path) -> None:
    printed = example(tmp_path, "dead_letter_alert.py")
    assert re.findall("ALERT: .*", printed) == [
        "ALERT: pay.refund was given up after attempt 1: the account is gone",
        "ALERT: pay.supplier was given up after attempt 3: the bank is closed",
    ]
    assert printed.count("another one follows") == 2
    assert "dead letter pay.supplier: max_retries_exceeded" in printed


def test_results_are_awaited_and_restored(tmp_path: Path) -> None:
    assert example(tmp_path, "results.py").splitlines() == [
        "before it ran: None",
        "awaited: Report(day=datetime.date(2026, 1, 31), sold=17)",
        "as stored: {'day': '2026-01-31', 'sold': 17}",
        "failed: max_retries_exceeded - LookupError: no such shop",
    ]


def test_the_same_work_asked_for_twice_is_one_job(tmp_path: Path) -> None:
    assert example(tmp_path, "dedup.py").splitlines() == [
        "same arguments: one job",
        "other arguments: two jobs",
        "same key: one job",
        "user 42 synchronised",
        "user 99 synchronised",
        "invoice 7 sent",
        "same key after its end: two jobs",
    ]


def test_what_surrounds_a_run_shares_its_context(tmp_path: Path) -> None:
    assert sorted(example(tmp_path, "middleware.py").splitlines()) == [
        "count of acme: hook > outer > inner > handler in a thread of acme",
        "count of closed: hook > outer > inner",
        "result: attempt 1 of 4 for acme",
        "result: skipped for closed",
    ]


def test_every_example_is_run_here() -> None:
    here = Path(__file__).read_text()
    here += (REPOSITORY / "tests/integrations/test_example_apps.py").read_text()
    assert [file.name for file in EXAMPLES.glob("*.py") if f'"{file.name}"' not in here] == []
