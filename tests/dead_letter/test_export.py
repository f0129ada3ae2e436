"""Exports: every format reads back, secrets stay out, and a file is whole or not there."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from soniq import Soniq
from soniq.dead_letter import DeadLetterFilter
from tests.dead_letter.conftest import give_up
from tests.worker.conftest import MakeApp

KEYS = [
    "id",
    "job_name",
    "args",
    "queue",
    "priority",
    "max_attempts",
    "attempts",
    "crashes",
    "last_error",
    "dead_letter_reason",
    "original_created_at",
    "moved_to_dead_letter_at",
    "resurrection_count",
    "last_resurrection_at",
    "tags",
]
ODD = 'a "quoted", \n line; é'


@pytest.fixture
async def app(make_app: MakeApp) -> Soniq:
    return await make_app(enqueue_validation="none")


def read(format: str, text: str) -> list[dict[str, Any]]:
    match format:
        case "json":
            rows: list[dict[str, Any]] = json.loads(text)
        case "jsonl":
            rows = [json.loads(line) for line in text.splitlines()]
        case _:
            rows = [
                {**row, "args": json.loads(row["args"]), "tags": json.loads(row["tags"])}
                for row in csv.DictReader(io.StringIO(text, newline=""))
            ]
    return rows


def letters_in(folder: Path) -> list[str]:
    return [each.name for each in folder.glob("*letters*")]


@pytest.mark.parametrize("format", ["json", "jsonl", "csv"])
async def test_every_format_reads_back(app: Soniq, format: str, tmp_path: Path) -> None:
    ids = await give_up(app, {"text": ODD, "password": "hush"}, {"n": [1, None]})
    await app.dead_letter.add_tags_to_job(ids[0], ["a,b"])
    path = tmp_path / "letters.out"

    assert await app.dead_letter.export_dead_letter_jobs(None, format, path) == str(path)

    with path.open(newline="") as file:
        rows = read(format, file.read())
    assert [row["id"] for row in rows] == ids[::-1]
    assert set(KEYS) <= set(rows[0])
    assert rows[1]["args"] == {"text": ODD, "password": "***"}
    assert rows[1]["tags"] == ["a,b"]
    assert rows[0]["args"] == {"n": [1, None]}
    assert rows[0]["dead_letter_reason"] == "manual"
    assert rows[0]["moved_to_dead_letter_at"][:2] == "20"
    assert letters_in(tmp_path) == ["letters.out"]


@pytest.mark.parametrize("format", ["json", "jsonl", "csv"])
async def test_no_match_is_a_valid_empty_file(app: Soniq, format: str) -> None:
    stream = io.StringIO()

    await app.dead_letter.export_dead_letter_jobs(
        DeadLetterFilter(queues=["none"]), format=format, path=stream
    )

    assert read(format, stream.getvalue()) == []
    if format == "csv":
        assert stream.getvalue().split(",")[:3] == KEYS[:3]


async def test_without_a_path_a_file_is_made_here(
    app: Soniq, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    await give_up(app)

    name = await app.dead_letter.export_dead_letter_jobs(format="jsonl")

    assert name.endswith(".jsonl")
    assert len((tmp_path / name).read_text().splitlines()) == 1


async def test_without_a_path_no_file_is_written_over(
    app: Soniq, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    await give_up(app)

    async with asyncio.TaskGroup() as group:
        exports = [
            group.create_task(app.dead_letter.export_dead_letter_jobs(format="jsonl"))
            for _ in range(5)
        ]
    names = {export.result() for export in exports}
    names.add(await app.dead_letter.export_dead_letter_jobs(format="jsonl"))

    assert len(names) == 6
    assert sorted(letters_in(tmp_path)) == sorted(names)
    assert all((tmp_path / name).read_text().count("\n") == 1 for name in names)


async def test_without_a_path_nothing_is_left_of_an_export_that_fails(
    app: Soniq, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    with pytest.raises(ValueError, match="limit"):
        await app.dead_letter.export_dead_letter_jobs(DeadLetterFilter(limit=-1))

    assert letters_in(tmp_path) == []


async def test_an_unknown_format_writes_nothing(app: Soniq, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="json, jsonl, csv"):
        await app.dead_letter.export_dead_letter_jobs(format="xml", path=tmp_path / "x")

    assert not (tmp_path / "x").exists()


async def test_an_export_that_breaks_leaves_the_old_file(
    app: Soniq, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await give_up(app)
    path = tmp_path / "letters.json"
    path.write_text("old")

    def broken(*_: object) -> object:
        raise OSError("disk full")

    monkeypatch.setattr("soniq.dead_letter.export.as_shown", broken)
    with pytest.raises(OSError, match="disk full"):
        await app.dead_letter.export_dead_letter_jobs(path=path)

    assert path.read_text() == "old"
    assert letters_in(tmp_path) == ["letters.json"]


async def test_an_export_holds_little_of_it_in_memory(app: Soniq, tmp_path: Path) -> None:
    big = [{"text": "x" * 500_000}] * 60
    for job_id in await app.enqueue_many("mail.send", big):
        assert await app.dead_letter.move(job_id)

    tracemalloc.start()
    try:
        await app.dead_letter.export_dead_letter_jobs(format="jsonl", path=tmp_path / "big")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert (tmp_path / "big").stat().st_size > 30_000_000
    assert peak < 25_000_000
