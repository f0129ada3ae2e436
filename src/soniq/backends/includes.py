"""Parts of statements that several of them share: ``-- include NAME`` stands for one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

_INCLUDE: Final = re.compile(r"^ *-- include (\w+)$", re.MULTILINE)


def with_includes(text: str, texts: Mapping[str, str]) -> str:
    """`text` with each part it includes, which is the text of that name, in its place."""
    return _INCLUDE.sub(lambda found: texts[found.group(1)].rstrip("\n"), text)
