"""A dashboard inside another application, which decides itself who may do what."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Mount

from soniq.dashboard import create_dashboard_app
from tests.browser.jobs import app


def role(request: Request) -> str | None:
    """Everybody is what their cookie says; a real application would look it up."""
    return request.cookies.get("role", "reader")


site = Starlette(routes=[Mount("/ops/jobs", create_dashboard_app(app, authorize=role))])
