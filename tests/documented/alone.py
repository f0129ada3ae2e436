"""Examples as programs: each runs in a process of its own, on each store that programs can share.

`alone` makes a test of a coroutine function that takes the store's URL: the test starts this module
as a program, which sets the store up as a deployment does and then runs the function.
"""

from __future__ import annotations

import asyncio
import importlib
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from soniq import Soniq
from tests.programs import environment
from tests.warm import warm

_IMPORTED = "pytest soniq soniq.testing tests.programs"
Example = Callable[[str], Coroutine[Any, Any, None]]

examples: dict[tuple[str, str], Example] = {}
"""By module and name."""


def alone(example: Example) -> Callable[[str, Path], None]:
    """The test that runs `example` in a process of its own and shows what it says if it fails."""
    examples[example.__module__, example.__name__] = example

    def test(store_url: str, tmp_path: Path) -> None:
        words = ("-m", "tests.documented.alone", example.__module__, example.__name__, store_url)
        ended = warm(_IMPORTED, "-W", "error").run(*words, cwd=tmp_path, env=environment({}))
        assert ended.returncode == 0, ended.stdout + ended.stderr

    test.__name__ = test.__qualname__ = example.__name__
    test.__module__ = example.__module__
    return test


async def _main(module: str, name: str, url: str) -> None:
    importlib.import_module(module)
    async with Soniq(database_url=url) as app:
        await app.setup()
    # This module runs as __main__, and the examples know it by its own name.
    from tests.documented.alone import examples as known

    await known[module, name](url)


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
