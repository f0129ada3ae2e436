"""The statements of this backend by the name of their file."""

from __future__ import annotations

from importlib.resources import files
from typing import Final

from soniq.backends.includes import with_includes


def _load() -> dict[str, str]:
    folder = files("soniq.backends.sqlite").joinpath("sql")
    texts = {
        file.name.removesuffix(".sql"): file.read_text(encoding="utf-8")
        for file in folder.iterdir()
        if file.name.endswith(".sql")
    }
    return {name: with_includes(text, texts) for name, text in texts.items()}


SQL: Final = _load()
