from __future__ import annotations

from dataclasses import FrozenInstanceError
from typing import Any

import pytest
from pydantic import BaseModel

from soniq import SoniqError, TaskRef, task_ref
from soniq.errors import SONIQ_INVALID_TASK_NAME


class Mail(BaseModel):
    to: str


def test_all_by_keyword() -> None:
    found = task_ref(name="mail.send", args_model=Mail, default_queue="mail", pattern=None)
    assert found == TaskRef("mail.send", Mail, "mail")
    assert found.args_model is Mail
    assert Mail(to="a").to == "a"


def test_refs_are_values() -> None:
    ref = TaskRef("mail.send")
    assert {ref: 1}[TaskRef("mail.send")] == 1
    with pytest.raises(FrozenInstanceError):
        ref.name = "x"  # type: ignore[misc]


def test_another_default_queue_is_a_copy() -> None:
    ref = TaskRef("mail.send", Mail)
    assert ref.with_default_queue("mail") == TaskRef("mail.send", Mail, "mail")
    assert ref.default_queue is None


@pytest.mark.parametrize("model", [dict, "Mail", Mail(to="a"), 5])
def test_models_are_pydantic_model_classes(model: Any) -> None:
    for make in (TaskRef, task_ref):
        with pytest.raises(TypeError, match="args_model must be a pydantic model class, got"):
            make("mail.send", args_model=model)


@pytest.mark.parametrize("name", ["", "Mail.Send", "mail send", "mail.send\n", "1mail", "mail..x"])
def test_names_are_checked(name: str) -> None:
    with pytest.raises(SoniqError) as caught:
        task_ref(name)
    assert caught.value.error_code == SONIQ_INVALID_TASK_NAME
    assert caught.value.context["name"] == name


def test_names_of_another_pattern() -> None:
    assert task_ref("Mail.Send", pattern=r"[A-Za-z.]+").name == "Mail.Send"
    with pytest.raises(SoniqError):
        task_ref("mail_send", pattern=r"[A-Za-z.]+")


@pytest.mark.parametrize("name", [5, None, b"mail.send"])
def test_names_are_text(name: Any) -> None:
    with pytest.raises(SoniqError) as caught:
        task_ref(name)
    assert caught.value.context["received_type"] == type(name).__name__
