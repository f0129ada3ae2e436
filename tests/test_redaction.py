"""What people see of arguments."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from pydantic import BaseModel, SecretBytes, SecretStr

from soniq import Soniq
from soniq.redaction import HIDDEN, Redaction


class Login(BaseModel):
    user: str
    pin: SecretStr


@dataclass
class Key:
    raw: SecretBytes


@pytest.fixture
def app() -> Soniq:
    return Soniq("memory://")


def shown(app: Soniq, name: str, **args: object) -> dict[str, object]:
    return Redaction(app.settings.redact, app._get_job_registry()).args(name, args)


def test_arguments_named_like_secrets_are_hidden_at_any_depth(app: Soniq) -> None:
    args = {"to": "you", "Password": "x", "options": [{"api_key": 1, "n": {"token": None}}]}

    assert shown(app, "unknown", **args) == {
        "to": "you",
        "Password": HIDDEN,
        "options": [{"api_key": HIDDEN, "n": {"token": HIDDEN}}],
    }


def test_the_names_are_a_setting() -> None:
    app = Soniq("memory://", redact=["iban"])

    assert shown(app, "x", iban="DE00", password="seen") == {"iban": HIDDEN, "password": "seen"}


def test_arguments_typed_as_secrets_are_hidden(app: Soniq) -> None:
    @app.job(name="typed")
    async def typed(
        pin: SecretStr, many: list[SecretBytes | None], login: Login, key: Key, n: int
    ) -> None: ...

    @app.job(name="checked", validate=Login)
    async def checked(user: str, pin: SecretStr) -> None: ...

    args = {"pin": "1", "many": ["2"], "login": {"pin": "3"}, "key": {"raw": "4"}, "n": 5}
    assert shown(app, "typed", **args) == dict.fromkeys(args, HIDDEN) | {"n": 5}
    assert shown(app, "checked", user="u", pin="1") == {"user": "u", "pin": HIDDEN}


def test_other_keywords_typed_as_secrets_are_hidden(app: Soniq) -> None:
    @app.job(name="open")
    async def open_ended(user: str, **keys: SecretStr) -> None: ...

    assert shown(app, "open", user="u", any_key="1") == {"user": "u", "any_key": HIDDEN}


def test_what_is_stored_is_not_touched(app: Soniq) -> None:
    args = {"deep": {"password": "x"}}

    shown(app, "any", **args)

    assert args == {"deep": {"password": "x"}}
