"""The API's description, and the API held against it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode

from soniq import Soniq
from soniq.dashboard.api import OPERATIONS
from tests.dashboard.conftest import OPERATOR, dashboard_of


@pytest.fixture
def store() -> dict[str, Any]:
    """In memory: no store makes a difference to this."""
    return {"backend": "memory"}


async def test_every_operation_is_described(operator: httpx.AsyncClient) -> None:
    document = (await operator.get("/api/openapi.json")).json()
    assert document["openapi"].startswith("3.1")
    described = {
        (method.upper(), path) for path, item in document["paths"].items() for method in item
    }
    offered = {(each.method, each.path.replace(":path", "")) for each in OPERATIONS}
    assert described == offered
    for item in document["paths"].values():
        for told in item.values():
            assert told["summary"]
            assert "200" in told["responses"]
    names = [told["operationId"] for item in document["paths"].values() for told in item.values()]
    assert len(set(names)) == len(names)


async def test_answers_are_as_described(app: Soniq, operator: httpx.AsyncClient) -> None:
    await app.enqueue("mail.send", args={"to": "ann"})
    await app.scheduler.add("tidy.up", every=60)
    await app.run_worker(run_once=True)
    document = (await operator.get("/api/openapi.json")).json()
    for operation in OPERATIONS:
        if operation.method != "GET" or "{" in operation.path:
            continue
        told = document["paths"][operation.path]["get"]["responses"]["200"]
        schema = told["content"]["application/json"]["schema"]
        validator = Draft202012Validator({**schema, "components": document["components"]})
        validator.validate((await operator.get(operation.path)).json())


@pytest.fixture
def seeded() -> Iterator[Any]:
    """A dashboard with something of everything behind it, whose app lives on a loop of its own."""
    app = Soniq(backend="memory", max_retries=0)

    @app.job(name="mail.send")
    async def send(to: str = "") -> None:
        raise ValueError(to)

    async def seed() -> None:
        for number in range(3):
            await app.enqueue(send, to=str(number))
        await app.run_worker(run_once=True)
        await app.scheduler.add("mail.send", every=60)
        await app.enqueue(send, to="later", delay=3600)

    asyncio.run(seed())
    yield dashboard_of(app)
    asyncio.run(app.close())


@pytest.mark.long
@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
def test_nothing_that_is_sent_breaks_it(seeded: Any, mode: GenerationMode) -> None:
    schema = schemathesis.openapi.from_asgi("/api/openapi.json", seeded, headers=OPERATOR)
    tried = 0
    for result in schema.get_all_operations():
        # What takes nothing cannot be asked wrongly.
        with suppress(Unsatisfiable) if mode is GenerationMode.NEGATIVE else nullcontext():
            _try(_sound(result), mode)
            tried += 1
    assert tried >= (10 if mode is GenerationMode.NEGATIVE else len(OPERATIONS))


def _sound(result: Any) -> Any:
    """The operation, unless its description means nothing."""
    return result.ok()


def _try(operation: Any, mode: GenerationMode) -> None:
    """Send the operation whatever comes to mind."""

    @settings(
        max_examples=15,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def send(case: Any) -> None:
        case.headers = {**(case.headers or {}), **OPERATOR}
        case.call_and_validate(checks=[not_a_server_error])

    send()
