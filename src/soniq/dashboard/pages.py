"""The page itself: one document for every view, and the files it loads."""

from __future__ import annotations

import re
from html import escape
from pathlib import Path
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from soniq.dashboard.paths import prefix_of
from soniq.dashboard.replies import page

STATIC: Final = Path(__file__).parent / "static"
VIEWS: Final = (
    "/",
    "/jobs",
    "/jobs/{id}",
    "/queues",
    "/queues/{name:path}",
    "/types",
    "/failures",
    "/failures/{id}",
    "/schedules",
    "/workers",
    "/audit",
)
_PLACEHOLDER: Final = "__SONIQ_PREFIX__"
_HASHED: Final = re.compile(r"-[0-9A-Za-z]{8}\.\w+$")
_NOT_BUILT: Final = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Soniq</title></head>
<body>
<h1>The dashboard's page is not built</h1>
<p>This is a checkout, or a package made from one without its page. Build the page with</p>
<pre>make ui</pre>
<p>and load this again. The API works without it: see <a href="{prefix}/api/openapi.json">its
description</a>.</p>
</body>
</html>
"""


class _Assets(StaticFiles):
    """Files whose names change with their contents, so that a browser may keep them."""

    async def check_config(self) -> None:
        """The folder may be missing: then no file is found in it."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        if "\0" in path:
            raise HTTPException(404)
        reply = await super().get_response(path, scope)
        if reply.status_code in (200, 206, 304):
            kept = "public, max-age=31536000, immutable" if _HASHED.search(path) else "no-cache"
            reply.headers["cache-control"] = kept
        return reply


def page_routes() -> list[BaseRoute]:
    """Every view of the page, and its files."""
    assets = Mount("/static", _Assets(directory=STATIC, check_dir=False), name="static")
    return [*(Route(view, _index, methods=["GET"]) for view in VIEWS), assets]


async def _index(request: Request) -> Response:
    prefix = escape(prefix_of(request.scope))
    try:
        text = (STATIC / "index.html").read_text(encoding="utf-8")
    except FileNotFoundError:
        return page(_NOT_BUILT.format(prefix=prefix))
    return page(text.replace(_PLACEHOLDER, prefix))
