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
:root { color-scheme: light dark; --page: #f7f7f5; --surface: #fff; --text: #1b1d21;
  --quiet: #5d636d; --line: #8a8f98; --accent: #2c4fc4; --on-accent: #fff; --bad: #b3261e }
@media (prefers-color-scheme: dark) { :root { --page: #121316; --surface: #191b1f; --text: #e7e8ea;
  --quiet: #a0a6b0; --line: #727884; --accent: #93acff; --on-accent: #10142a; --bad: #ff958b } }
body { min-height: 100vh; margin: 0; display: grid; place-items: center; background: var(--page);
  color: var(--text); font: 14px/1.5 system-ui, sans-serif }
form { display: grid; gap: 10px; width: min(300px, 88vw); padding-bottom: 12vh }
h1 { font-size: 20px; letter-spacing: -.02em; margin: 0 0 10px }
label { font-weight: 600 }
input, button { font: inherit; height: 38px; padding: 0 12px; border-radius: 7px;
  border: 1px solid var(--line); background: var(--surface); color: inherit }
button { border-color: var(--accent); background: var(--accent); color: var(--on-accent);
  font-weight: 600; cursor: pointer }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px }
p { margin: 0; color: var(--quiet); font-size: 13px }
p[role=alert] { color: var(--bad); font-weight: 600 }
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
<p>It is what SONIQ_DASHBOARD_API_KEY was set to where the dashboard runs.</p>
</form>
</main>
</body>
</html>
"""


def login_page(
    request: Request, *, status: int = 200, told: str = "", goal: str | None = None
) -> Response:
    """The form, with what went wrong the last time, and where it leads to."""
    goal = goal or request.query_params.get("next") or _asked_for(request)
    text = _PAGE.format(
        style=_STYLE,
        prefix=escape(prefix_of(request.scope)),
        goal=escape(local_path(goal)),
        told=f'<p role="alert">{escape(told)}</p>' if told else "",
    )
    reply = page(text, status)
    reply.headers["content-security-policy"] = with_style(_DIGEST)
    return reply


def _asked_for(request: Request) -> str:
    path, query = path_of(request.scope), request.url.query
    return f"{path}?{query}" if query else path


def local_path(goal: str) -> str:
    """A path of the dashboard to go on to: nothing that a browser could take for another host."""
    is_path = goal.startswith("/") and not goal.startswith(("//", "/\\", "/login"))
    return goal if is_path and goal.isprintable() and "\\" not in goal else "/"
