"""A request to the API on its way to an operation and back."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from soniq.backends.base import Unstorable
from soniq.dashboard.bodies import read_body
from soniq.dashboard.desk import Desk
from soniq.dashboard.operations import Asked, Nothing, Operation, Refused
from soniq.dashboard.origins import is_own_page, not_own_page
from soniq.dashboard.paths import prefix_of
from soniq.dashboard.recording import recorded
from soniq.dashboard.replies import JSON, WENT_WRONG, json_reply, problem
from soniq.dashboard.visitors import Visitor
from soniq.errors import SoniqError

_log = logging.getLogger("soniq.dashboard")


def route_of(operation: Operation, desk: Desk) -> Route:
    """Where the operation is asked for."""
    adapter = operation.adapter

    async def serve(request: Request) -> Response:
        asked = await _asked(operation, desk, request)
        answer = await recorded(operation, asked, lambda: operation.call(asked))
        # What somebody has put into a row by hand is shown, of whatever type it is.
        return json_reply(adapter.dump_json(answer, warnings=False))

    return Route(operation.path, mending(serve), methods=[operation.method])


def mending(
    serve: Callable[[Request], Awaitable[Response]],
) -> Callable[[Request], Awaitable[Response]]:
    """What goes wrong becomes an answer that says so."""

    async def mended(request: Request) -> Response:
        try:
            return await serve(request)
        except Refused as refusal:
            return problem(refusal.status, refusal.detail)
        except ValidationError as error:
            return problem(400, _told(error))
        except Unstorable:
            return problem(400, "No store can hold what was sent.")
        except SoniqError as error:
            return problem(503, " ".join([error.message, *error.suggestions]))
        except Exception:  # noqa: BLE001 - the edge: whoever asked gets an answer, the log the rest
            _log.exception("%s %r failed", request.method, request.url.path)
            return problem(500, WENT_WRONG)

    return mended


async def _asked(operation: Operation, desk: Desk, request: Request) -> Asked[Any, Any]:
    visitor: Visitor = request.scope["state"]["visitor"]
    if operation.writes:
        check_may_write(visitor, request)
    return Asked(
        desk=desk,
        visitor=visitor,
        prefix=prefix_of(request.scope),
        query=operation.query.model_validate(dict(request.query_params)),
        body=await _body(operation.body, request),
        path=request.path_params,
    )


def check_may_write(visitor: Visitor, request: Request) -> None:
    """See that this visitor may change something, and that it is they who ask.

    Raises:
        Refused: 403.
    """
    if not visitor.may_write:
        raise Refused(403, _read_only(visitor))
    # A cookie goes along with what other sites make a browser send; a key in a header does not.
    silence = visitor.signed_in_by == "host"
    if visitor.in_browser and not is_own_page(request, allow_silence=silence):
        raise Refused(403, not_own_page(request, "Changes are"))


def _read_only(visitor: Visitor) -> str:
    if visitor.signed_in_by == "host":
        return "You may look, and not change anything: that takes the role operator."
    return (
        "The dashboard is read-only: set SONIQ_DASHBOARD_WRITE_ENABLED=1 and a key in"
        " SONIQ_DASHBOARD_API_KEY to let operators change something."
    )


async def _body(model: type[BaseModel], request: Request) -> BaseModel:
    sent = await read_body(request)
    if model is Nothing:
        return Nothing()
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != JSON:
        raise Refused(415, f"Send the body as {JSON}.")
    return model.model_validate_json(sent)


def _told(error: ValidationError) -> str:
    """What is wrong, in one line."""
    parts = []
    for each in error.errors(include_url=False, include_input=False, include_context=False)[:3]:
        place = ".".join(map(str, each["loc"]))
        parts.append(f"{place}: {each['msg']}" if place else each["msg"])
    return "; ".join(parts)
