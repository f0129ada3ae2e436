"""A SQLite file that is damaged, or whose log is not what it should be."""

from __future__ import annotations

from soniq.backends.diagnosis import FileState
from soniq.doctor.examination import Examination, Limits
from soniq.doctor.finding import Finding, error, ok, warning


async def check_file(examination: Examination) -> list[Finding]:
    state = await examination.facts.file()
    if state is None:
        return []
    return (_damage(state) + _mode(state) + _log(state, examination.limits)) or ok(
        "The file is sound"
    )


def _damage(state: FileState) -> list[Finding]:
    if not state.damage:
        return []
    return error(
        f"The file is damaged: {'; '.join(state.damage)}",
        "Stop everything that uses it, and restore a copy or save what can be read with "
        "`sqlite3 FILE .recover`.",
    )


def _mode(state: FileState) -> list[Finding]:
    if state.journal_mode == "wal":
        return []
    return warning(
        f"The file's journal mode is {state.journal_mode}: readers and writers wait for each other",
        "Run `soniq setup`, which turns on the write-ahead log, and keep the file off network "
        "drives.",
    )


def _log(state: FileState, limits: Limits) -> list[Finding]:
    if state.log_bytes <= limits.log_bytes:
        return []
    return warning(
        f"The write-ahead log has grown to {state.log_bytes / 2**20:.0f} MiB: somebody reads from "
        "the file without ever ending",
        "End the programs that keep a read open on the file.",
    )
