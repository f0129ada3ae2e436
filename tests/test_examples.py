"""The examples are run as their readers run them: as programs, in a folder of their own."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

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
    readme = (REPOSITORY / "README.md").read_text()
    program, commands = re.findall(r"```(?:python|sh)\n(.*?)```", readme, re.DOTALL)[1:3]
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
    status, health = (run(tmp_path, *shlex.split(command)) for command in suggested)
    assert "Database connection: OK" in status
    assert health.lstrip().startswith("{")
