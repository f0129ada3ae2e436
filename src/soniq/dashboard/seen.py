"""Searches that find only what may be seen: else a search would be a way to guess secrets."""

from __future__ import annotations

import json

from soniq.backends.overview import Found
from soniq.dashboard.desk import Desk
from soniq.records import JobDict


async def only_seen(desk: Desk, text: str, found: Found, most: int) -> Found:
    """What a store has found, without the jobs that have `text` in secret arguments only.

    Args:
        text: what was looked for.
        found: the store's answer.
        most: how many places it was asked for.
    """
    jobs = await desk.look_up(lambda one: one.show(found.ids))
    unseen = {job["id"] for job in jobs if not _is_seen(desk, job, text.casefold())}
    if not unseen:
        return found
    places = [place for place in found.places if place.id not in unseen]
    # A full answer may have left out matches further down: they are looked for from there on.
    rest_from = found.rest_from if len(found.places) < most else found.places[-1]
    return found._replace(places=places, matching=len(places), rest_from=rest_from)


def _is_seen(desk: Desk, job: JobDict, text: str) -> bool:
    shown = desk.arguments(job["job_name"], job["args"])
    if shown == job["args"]:
        return True
    # Some stores keep arguments with blanks after commas and colons, some without.
    spaced = json.dumps(shown, ensure_ascii=False)
    dense = json.dumps(shown, ensure_ascii=False, separators=(",", ":"))
    visible = (job["job_name"], job["queue"], job["id"], spaced, dense)
    return any(text in one.casefold() for one in visible)
