"""Lines that somebody may type after `soniq`, and a folder with something to type them about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from hypothesis import strategies as st
from typer.main import get_command

from soniq import PermanentFailure, Soniq
from soniq.cli import _commands
from soniq.plugins.metrics import Metrics

DATABASE: Final = "sqlite:///jobs.db"
MODULE: Final = "typed_about"
SCHEDULE: Final = "nightly"

_CODE: Final = """
from soniq import Soniq
from soniq.plugins.metrics import Metrics

app = Soniq(plugins=[Metrics()])


@app.job(name="jobs.one")
async def one(number: int = 0) -> None: ...
"""

# What starts processes or servers, or goes on until it is stopped.
_LEFT_OUT: Final = {"--watch", "--postgres"}
_APP: Final = f"{MODULE}:app"
SOUND: Final[Mapping[str, tuple[str, ...]]] = {
    "dev": ("--port", "0", _APP),
    "worker": ("--run-once", _APP),
    "setup": (),
    "migrate-status": (),
    "status": ("--jobs",),
    "health": (),
    "jobs list": (),
    "jobs show": ("JOB",),
    "jobs cancel": ("JOB",),
    "jobs enqueue": ("jobs.one", "--args", '{"number": 1}'),
    "metrics": (),
    "doctor": (),
    "dead-letter list": (),
    "dead-letter show": ("DEAD",),
    "dead-letter replay": ("DEAD", "--app", _APP, "--dry-run"),
    "dead-letter delete": ("DEAD",),
    "dead-letter cleanup": (),
    "dead-letter export": ("--output", "letters.csv"),
    "scheduler": (),
    "schedules list": (),
    "schedules pause": (SCHEDULE,),
    "schedules resume": (SCHEDULE,),
    "schedules run-now": (SCHEDULE,),
    "schedules remove": (SCHEDULE,),
    "inspect": (),
    "dashboard": ("--port", "0"),
}
"""For each command what makes it do its work, and end by itself."""

_odd = st.sampled_from(
    ["", " ", "0", "-1", "1", "0.5", "nan", "inf", "1e999", "9" * 21, "9" * 5000, "\u0663", "%s"]
)
_typed = st.text(
    # No slash: what is written to some file stays in the folder of the test.
    st.characters(exclude_categories=["Cs"], exclude_characters="\x00/"),
    max_size=12,
)
_json = st.sampled_from(
    ["{}", "{", "[1]", '{"number": 1}', '{"number": "\\ud800"}', "[" * 9999, '{"a": ' * 999, "NaN"]
)
_places = st.sampled_from(
    [f"{MODULE}:app", MODULE, f"{MODULE}:one", f"{MODULE}:", "os:path", "json", "tests.none", ":"]
)
_ids = st.sampled_from(
    ["JOB", "DEAD", SCHEDULE, "jobs.one", "00000000-0000-0000-0000-000000000000"]
)
_words = _odd | _typed | _json | _places | _ids
_VALUES: Final[Mapping[str, st.SearchStrategy[str]]] = {
    "--args": _json | _words,
    "--app": _places | _words,
    "--jobs-modules": _places | _words,
    "--database-url": st.sampled_from(
        ["memory://", "sqlite:///other.db", "sqlite:///no/where.db", "sqlite://", DATABASE, ""]
    )
    | st.sampled_from(["postgresql://127.0.0.1:1/x", "postgresql://[::1", "mysql://x"])
    | _typed,
    "--output": st.sampled_from(["-", "", ".", "letters.csv", "no/where.csv", "x" * 300, "\n"]),
    # A higher one is as many processes.
    "--processes": st.sampled_from(["1", "0", "-1", "", "nan", "x"]),
    # Nothing that a name server would be asked for.
    "--host": st.sampled_from(["127.0.0.1", "::1", "", "0.0.0.0", "x" * 100, "\u3002"]),
    "--queues": st.sampled_from(["default", "a,b", ",", "a,,a", "", "x" * 10_000]) | _words,
    "--prefix": st.sampled_from(["job:", "queue:default", "::", "*"]) | _words,
    "--status": st.sampled_from(["queued", "dead_letter", "QUEUED"]) | _words,
    "--resolution": st.sampled_from(["1min", "1day", "2min"]) | _words,
    "--format": st.sampled_from(["csv", "json", "jsonl"]) | _words,
    "--log-level": st.sampled_from(["debug", "CRITICAL"]) | _words,
    "--log-format": st.sampled_from(["json", "plain"]) | _words,
    "--filter": st.sampled_from(["jobs.*", "[", "**", "[!]", "*" * 500]) | _words,
}


class Command(NamedTuple):
    """A command, and each of its options with what may be given to it; None for a flag."""

    words: tuple[str, ...]
    options: Mapping[str, st.SearchStrategy[str] | None]


def every_command() -> Iterator[Command]:
    return _within((), get_command(_commands))


def _within(words: tuple[str, ...], command: Any) -> Iterator[Command]:
    inner = getattr(command, "commands", None)
    if inner is None:
        yield Command(words, dict(_options(command)))
        return
    for name in inner:
        yield from _within((*words, name), inner[name])


def _options(command: Any) -> Iterator[tuple[str, st.SearchStrategy[str] | None]]:
    for one in command.params:
        name = one.opts[0]
        if one.param_type_name == "option" and not one.hidden and name not in _LEFT_OUT:
            yield name, None if one.is_flag else _VALUES.get(name, _words)


def lines() -> st.SearchStrategy[list[str]]:
    """Mostly a line that works, with something wrong in it."""
    near = st.sampled_from(list(every_command())).flatmap(_nearly_sound)
    return st.one_of(near, near, near, st.lists(_words | st.sampled_from(["jobs"]), max_size=4))


def _nearly_sound(command: Command) -> st.SearchStrategy[list[str]]:
    options = [
        st.tuples(st.just(name)) if values is None else st.tuples(st.just(name), values)
        for name, values in command.options.items()
    ]
    others = st.tuples(_words | st.sampled_from(["--nonsense", "--", "-x"]))
    # As many options as there are words of other kinds would hardly leave a line that works.
    parts = st.lists(st.one_of(*options, *options, others), max_size=3)
    sound = SOUND[" ".join(command.words)]
    return parts.map(lambda given: [*command.words, *sound, *(w for part in given for w in part)])


async def fill(folder: Path) -> dict[str, str]:
    """Put code and a store there; the ids of a job and of a dead letter, by their placeholders."""
    (folder / f"{MODULE}.py").write_text(_CODE)
    app = Soniq(DATABASE, plugins=[Metrics()])

    @app.job(name="jobs.one")
    async def one(number: int = 0) -> None: ...

    @app.job(name="jobs.dies")
    async def dies() -> None:
        raise PermanentFailure("given up")

    await app.setup()
    async with app:
        dead = await app.enqueue(dies)
        await app.run_worker(run_once=True)
        await app.scheduler.add("jobs.one", cron="0 3 * * *", name=SCHEDULE)
        return {"DEAD": dead, "JOB": await app.enqueue(one)}
