"""Places in lists as texts: where a page ended and the next one begins."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

from soniq.dashboard.operations import Refused

FOREIGN: Final = "The cursor is none of this list's: ask without one, to begin anew."
_CURSOR: Final = re.compile(
    r"(?:(?P<moment>[-0-9T:.+Z]{19,40}) )?(?P<id>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
)


def written(job_id: str, moment: datetime | None) -> str:
    """The place of a job, in a list by the moment if there is one, else by id."""
    return job_id if moment is None else f"{moment.isoformat()} {job_id}"


def read(cursor: str) -> tuple[str, datetime | None]:
    """The id, and the moment if there is one.

    Raises:
        Refused: 400; nobody has `written` that.
    """
    found = _CURSOR.fullmatch(cursor)
    if found is None:
        raise Refused(400, FOREIGN)
    return found["id"], _moment(found["moment"])


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        if moment.utcoffset() is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise Refused(400, FOREIGN)
