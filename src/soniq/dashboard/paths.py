"""Where a request leads, seen from the dashboard, wherever that is mounted."""

from __future__ import annotations

from urllib.parse import quote

from starlette.types import Scope


def prefix_of(scope: Scope) -> str:
    """Where the dashboard is mounted, as it stands in a URL; "" at the root."""
    return quote(str(scope.get("root_path", "")).rstrip("/"), safe="/~!$&'()*+,;=:@")


def path_of(scope: Scope) -> str:
    """The path below the prefix."""
    path, prefix = str(scope["path"]), str(scope.get("root_path", "")).rstrip("/")
    if prefix and path.startswith(prefix) and path[len(prefix) :][:1] in ("", "/"):
        path = path[len(prefix) :]
    return path or "/"
