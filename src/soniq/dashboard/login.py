"""The login form: plain HTML without any script, so that it works before anything else may."""

from __future__ import annotations

import base64
import hashlib
from html import escape
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from soniq.dashboard.paths import path_of, prefix_of
from soniq.dashboard.replies import page
from soniq.dashboard.safeguards import with_style

_STYLE: Final = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { min-height: 100vh; margin: 0; display: grid; place-items: center }
form { display: grid; gap: .75rem; width: min(20rem, 90vw) }
h1 { font-size: 1.25rem; margin: 0 }
input, button { font: inherit; padding: .5rem .75rem; border-radius: .5rem; border: 1px solid #888 }
button { background: #2451b3; color: #fff; border-color: #2451b3; cursor: pointer }
p { margin: 0 }
"""
_DIGEST: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>Soniq - log in</title>
<style>{style}</style>
</head>
<body>
<main>
<form method="post" action="{prefix}/login">
<h1>Soniq</h1>
{told}
<input type="hidden" name="next" value="{goal}">
<label for="key">Key</label>
<input id="key" name="key" type="password" autocomplete="current-password" required autofocus>
<button>Log in</button>
</form>
</main>
</body>
</html>
"""


def login_page(request: Request, *, status: int = 200, told: str = "") -> Response:
    """The form, with what went wrong the last time."""
    goal = request.query_params.get("next") or path_of(request.scope)
    text = _PAGE.format(
        style=_STYLE,
        prefix=escape(prefix_of(request.scope)),
        goal=escape(local_path(goal)),
        told=f'<p role="alert">{escape(told)}</p>' if told else "",
    )
    reply = page(text, status)
    reply.headers["content-security-policy"] = with_style(_DIGEST)
    return reply


def local_path(goal: str) -> str:
    """A path of the dashboard to go on to: nothing that a browser could take for another host."""
    is_path = goal.startswith("/") and not goal.startswith(("//", "/\\", "/login"))
    return goal if is_path and goal.isprintable() and "\\" not in goal else "/"
